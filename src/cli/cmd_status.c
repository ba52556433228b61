/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status: the project, the machine, and what is missing. */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/enter.h"
#include "cli/json.h"
#include "cli/status.h"
#include "cli/wrap.h"

#include <unistd.h>

/* session->project.root NULL: no project. */
struct view {
    const struct cage_session *session;
    const struct cage_checks *checks;
};

void cage_status_add_row(struct cage_strbuf *out, const char *name, const char *value)
{
    cage_strbuf_addf(out, "%-10s ", name);
    cage_strbuf_add_printable(out, value);
    cage_strbuf_addc(out, '\n');
}

static int print_text(const struct view *view, const struct cage_cli *cli, struct cage_error *err)
{
    const struct cage_session *session = view->session;
    const struct cage_term term = cage_term_of(STDOUT_FILENO, cli->environ_);
    cage_autofree char *os = cage_format("%s (%s)", session->host.os, session->host.system);
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    cage_status_add_row(&text, "Project:", session->project.root ? session->project.root : "none");
    cage_status_add_row(&text, "OS:", os);
    if (session->project.root)
        cage_status_add_project(&text, session);
    cage_status_add_host(&text, &session->host, view->checks, &term);
    return cage_cli_print_wrapped(&text, cli->environ_, err);
}

static int print_json(const struct view *view, struct cage_error *err)
{
    const struct cage_session *session = view->session;
    json_t *root = json_object();

    json_object_set_new(root, "project", cage_json_text(session->project.root));
    json_object_set_new(root, "os", json_string(session->host.os));
    json_object_set_new(root, "system", json_string(session->host.system));
    if (session->project.root)
        cage_status_add_project_json(root, session);
    cage_status_add_host_json(root, &session->host, view->checks);
    return cage_json_print(root, err);
}

/* 1: a project; 0: none, which is told and shown; -1: *err. */
static int open_project(struct cage_session *session, const struct cage_cli *cli, struct cage_error *err)
{
    if (cage_session_open(session, cli, err) == 0)
        return 1;
    if (err->code != CAGE_ERR_PROJECT || session->project.root)
        return -1;
    cage_cli_complain(err);
    return cage_host_probe(&session->host, cli->environ_, err);
}

int cage_cmd_status(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_SESSION_AUTO session = {0};
    struct cage_checks checks;
    const struct view view = {.session = &session, .checks = &checks};
    int found, rc;
    bool ok;

    cage_session_init(&session);
    found = open_project(&session, cli, err);
    if (found < 0)
        return -1;
    cage_checks_run(&checks, &session.host, found ? &session.config : NULL);
    ok = found && cage_checks_ok(&checks);
    rc = cli->given[CAGE_OPT_JSON] ? print_json(&view, err) : print_text(&view, cli, err);
    cage_checks_finish(&checks);
    return rc < 0 ? -1 : ok ? CAGE_EXIT_OK : CAGE_EXIT_STATUS;
}
