/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "cli/checks.h"
#include "cli/cli.h"
#include "cli/enter.h"
#include "cli/json.h"
#include "cli/session.h"
#include "cli/status_running.h"
#include "cli/term.h"
#include "config/dump.h"

#include <string.h>
#include <unistd.h>

/* Text and JSON show the same facts in the same order. session->project.root NULL: no project. */
struct view {
    const struct cage_session *session;
    const struct cage_checks *checks;
};

static void add_row(struct cage_strbuf *out, const char *name, const char *value)
{
    cage_strbuf_addf(out, "%-10s ", name);
    cage_strbuf_add_printable(out, value);
    cage_strbuf_addc(out, '\n');
}

/* The values of a list in one line, or `none`. */
static void add_list_row(struct cage_strbuf *out, const char *name, const struct cage_list *list,
                         const char *none)
{
    CAGE_STRBUF_AUTO value = {0};

    cage_strbuf_init(&value);
    for (size_t i = 0; i < list->n; i++)
        cage_strbuf_addf(&value, "%s%s", i ? ", " : "", list->items[i].value);
    add_row(out, name, list->n ? value.buf : none);
}

static const char *network_name(const struct cage_config *config)
{
    bool none =
        !config->net_allow || config->level == CAGE_LEVEL_STRICT || (config->hosts.set && !config->hosts.n);

    return none ? "none" : config->hosts.set ? "hosts" : "host";
}

static void add_network(struct cage_strbuf *out, const struct cage_config *config)
{
    const char *name = network_name(config);

    if (strcmp(name, "hosts") == 0)
        add_list_row(out, "Network:", &config->hosts, "none");
    else
        add_row(out, "Network:", strcmp(name, "host") == 0 ? "all that this machine reaches" : "none");
}

/* As people write it: 67108864 is 64M. */
static void add_size(struct cage_strbuf *out, uint64_t bytes)
{
    static const char units[] = "KMGT";
    int unit = -1;

    while (unit < 3 && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    cage_strbuf_addf(out, "%llu", (unsigned long long)bytes);
    if (unit >= 0)
        cage_strbuf_addc(out, units[unit]);
}

static void add_limit(struct cage_strbuf *out, const struct cage_config *config, enum cage_key key,
                      const char *name)
{
    if (config->marks[key].line == 0)
        return;
    cage_strbuf_addf(out, "%s%s ", out->len ? ", " : "", name);
    if (key == CAGE_KEY_RES_MEMORY && config->memory > 0)
        add_size(out, config->memory);
    else
        cage_config_dump_value(config, cage_schema_entry(key), out);
}

static void add_limits(struct cage_strbuf *out, const struct cage_config *config)
{
    CAGE_STRBUF_AUTO value = {0};

    cage_strbuf_init(&value);
    add_limit(&value, config, CAGE_KEY_RES_CPUS, "cpus");
    add_limit(&value, config, CAGE_KEY_RES_MEMORY, "memory");
    add_limit(&value, config, CAGE_KEY_RES_PIDS, "pids");
    add_row(out, "Limits:", value.len ? value.buf : "none");
}

/* The verdict; or why there is none, which run would fail with. */
static void judge(const struct cage_session *session, const char **text, char **problem)
{
    CAGE_TRUST_AUTO state = {0};
    struct cage_error err = {0};

    *text = "unusable";
    if (cage_trust_check(&session->host, &session->project, &session->config, &state, &err) == 0)
        *text = cage_trust_text(state.verdict);
    else
        *problem = cage_strdup(err.message);
}

static void add_trust(struct cage_strbuf *out, const struct cage_session *session)
{
    const char *text;
    cage_autofree char *problem = NULL;
    cage_autofree char *value = NULL;

    judge(session, &text, &problem);
    value = cage_format("%s%s", problem ? problem : text,
                        !problem && strcmp(text, "allowed") != 0 ? " (read nixcage.toml, then: nixcage allow)"
                                                                 : "");
    add_row(out, "Trust:", value);
}

/* What the cage can do with which store; the view matters in readonly mode only. */
static char *store_text(const struct cage_config *config, const struct cage_host *host)
{
    const char *mode = cage_store_mode_name(config->store_mode);

    if (config->store_mode == CAGE_STORE_READONLY)
        return cage_format("%s (%s view)", mode, cage_store_view_name(config->store_view));
    if (config->store_mode != CAGE_STORE_SHARED)
        return cage_format("%s (a store of the project's own)", mode);
    return cage_format("%s (the whole store; %s)", mode,
                       cage_plan_has_daemon(host) ? "the Nix daemon builds outside the cage"
                                                  : "the cage can write it");
}

static void add_project(struct cage_strbuf *out, const struct cage_session *session)
{
    const struct cage_config *config = &session->config;
    cage_autofree char *store = store_text(config, &session->host);

    add_row(out, "Level:", cage_level_name(config->level));
    add_row(out, "Store:", store);
    add_network(out, config);
    if (config->shell[0])
        add_row(out, "Shell:", config->shell);
    else
        add_list_row(out, "Packages:", &config->packages, "none");
    add_row(out, "Pure:", config->pure ? "true" : "false");
    add_limits(out, config);
    add_trust(out, session);
    cage_status_add_running(out, session);
}

static void add_checks(struct cage_strbuf *out, const struct cage_checks *checks,
                       const struct cage_term *term)
{
    cage_strbuf_add(out, "\nDependencies:\n");
    for (size_t i = 0; i < checks->n; i++) {
        const struct cage_check *check = &checks->items[i];

        cage_strbuf_addf(out, "  %s %-11s ", cage_term_mark(term, check->ok), check->name);
        cage_strbuf_add_printable(out, check->detail);
        cage_strbuf_addf(out, "%s\n", check->ok || check->required ? "" : " (optional)");
        if (check->fix) {
            cage_strbuf_addf(out, "  %s %-11s fix: ", term->utf8 ? " " : "  ", "");
            cage_strbuf_add_printable(out, check->fix);
            cage_strbuf_addc(out, '\n');
        }
    }
    cage_strbuf_add(out, cage_checks_ok(checks) ? "\nAll that is required is there.\n"
                                                : "\nSomething that is required is missing.\n");
}

static int print_text(const struct view *view, const struct cage_cli *cli, struct cage_error *err)
{
    const struct cage_session *session = view->session;
    const struct cage_term term = cage_term_of(STDOUT_FILENO, cli->environ_);
    cage_autofree char *os = cage_format("%s (%s)", session->host.os, session->host.system);
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    add_row(&text, "Project:", session->project.root ? session->project.root : "none");
    add_row(&text, "OS:", os);
    if (session->project.root)
        add_project(&text, session);
    add_checks(&text, view->checks, &term);
    return cage_cli_print_wrapped(&text, cli->environ_, err);
}

static json_t *network_json(const struct cage_config *config)
{
    json_t *network = json_object();

    json_object_set_new(network, "mode", json_string(network_name(config)));
    json_object_set_new(network, "hosts", config->hosts.set ? cage_json_list(&config->hosts) : json_null());
    json_object_set_new(network, "expose", cage_json_ports(&config->expose));
    json_object_set_new(network, "host_ports", cage_json_ports(&config->host_ports));
    return network;
}

/* Limits that are not set are null. A share of the machine's memory is turned into bytes. */
static json_t *limits_json(const struct cage_config *config, const struct cage_host *host)
{
    json_t *limits = json_object();
    uint64_t memory = config->memory;

    if (config->memory_percent > 0)
        memory = (uint64_t)((double)host->memory * config->memory_percent / 100);
    json_object_set_new(limits, "cpus", config->cpus > 0 ? json_real(config->cpus) : json_null());
    json_object_set_new(limits, "memory", memory ? json_integer((json_int_t)memory) : json_null());
    json_object_set_new(limits, "pids", config->pids ? json_integer((json_int_t)config->pids) : json_null());
    json_object_set_new(limits, "enforce", json_string(cage_enforce_name(config->enforce)));
    return limits;
}

static void add_project_json(json_t *root, const struct cage_session *session)
{
    cage_autofree char *problem = NULL;
    const char *trust;
    const struct cage_config *config = &session->config;

    json_object_set_new(root, "config", cage_json_text(session->project.config));
    json_object_set_new(root, "level", json_string(cage_level_name(config->level)));
    json_object_set_new(root, "store_mode", json_string(cage_store_mode_name(config->store_mode)));
    json_object_set_new(root, "store_view", json_string(cage_store_view_name(config->store_view)));
    json_object_set_new(root, "network", network_json(config));
    json_object_set_new(root, "packages", cage_json_list(&config->packages));
    json_object_set_new(root, "shell", config->shell[0] ? cage_json_text(config->shell) : json_null());
    json_object_set_new(root, "pure", json_boolean(config->pure));
    json_object_set_new(root, "limits", limits_json(config, &session->host));
    judge(session, &trust, &problem);
    json_object_set_new(root, "trust", json_string(trust));
    json_object_set_new(root, "running", cage_status_running_json(session));
}

static json_t *checks_json(const struct cage_checks *checks)
{
    json_t *array = json_array();

    for (size_t i = 0; i < checks->n; i++) {
        const struct cage_check *check = &checks->items[i];
        json_t *item = json_object();

        json_object_set_new(item, "name", json_string(check->name));
        json_object_set_new(item, "required", json_boolean(check->required));
        json_object_set_new(item, "ok", json_boolean(check->ok));
        json_object_set_new(item, "detail", cage_json_text(check->detail));
        json_object_set_new(item, "fix", cage_json_text(check->fix));
        json_array_append_new(array, item);
    }
    return array;
}

static int print_json(const struct view *view, struct cage_error *err)
{
    const struct cage_session *session = view->session;
    json_t *root = json_object();

    json_object_set_new(root, "project", cage_json_text(session->project.root));
    json_object_set_new(root, "os", json_string(session->host.os));
    json_object_set_new(root, "system", json_string(session->host.system));
    if (session->project.root)
        add_project_json(root, session);
    json_object_set_new(root, "dependencies", checks_json(view->checks));
    json_object_set_new(root, "ok", json_boolean(cage_checks_ok(view->checks)));
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
