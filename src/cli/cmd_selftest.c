/* SPDX-License-Identifier: GPL-3.0-or-later */
/* selftest: the ways out of a cage, tried in a cage of this project. */
#include "base/mem.h"
#include "base/path.h"
#include "cli/cli.h"
#include "cli/enter.h"
#include "cli/json.h"
#include "cli/limits.h"
#include "cli/project_files.h"
#include "selftest/selftest.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define LIMITS_AUTO __attribute__((cleanup(cage_limits_forget))) struct cage_cli_limits

enum { WIDTH = 16 };

static void say(const char *line)
{
    cage_cli_note("%s", line);
}

static int make_directories(const struct cage_strv *dirs, struct cage_error *err)
{
    for (size_t i = 0; i < dirs->n; i++)
        if (mkdir(dirs->items[i], 0700) < 0 && errno != EEXIST)
            return cage_error_sys(err, errno, "cannot create the directory %s", dirs->items[i]);
    return 0;
}

/* As for `run`, with the attempts as the command. */
static int try_all(struct cage_session *session, struct cage_selftest *test, struct cage_error *err)
{
    static char name[] = "selftest";
    char *argv[] = {name, NULL};
    CAGE_ENTRY_AUTO entry = {0};
    LIMITS_AUTO limits = {0};
    struct cage_run_options options = {.host = &session->host, .bwrap = &entry.bwrap, .say = say};
    const struct cage_selftest_input input = {&session->config, &session->project, &entry.plan, &options};
    bool made;

    cage_entry_init(&entry);
    if (cage_trust_require(session, err) < 0)
        return -1;
    if (session->config.level != CAGE_LEVEL_STRICT &&
        cage_files_make_state(session->project.dirfd, &made, err) < 0)
        return cage_error_wrap(err, "%s", session->project.root);
    if (cage_entry_prepare(&entry, session, argv, err) < 0 ||
        make_directories(&entry.plan.make_dirs, err) < 0 ||
        cage_limits_prepare(&limits, session, &entry.plan.limits, err) < 0)
        return -1;
    options.limits = &limits.way;
    options.limits_on = &limits.system;
    return cage_selftest_run(test, &input, err);
}

static void add_line(const struct cage_selftest_line *line, struct cage_strbuf *text)
{
    cage_strbuf_addf(text, "%-*s%s", WIDTH,
                     line->result == CAGE_SELFTEST_OPEN ? "OPEN" : cage_selftest_text(line->result),
                     line->name);
    if (line->detail)
        cage_strbuf_addf(text, ": %s", line->detail);
    if (line->where.line > 0)
        cage_strbuf_addf(text, " (nixcage.toml:%d)", line->where.line);
    cage_strbuf_addc(text, '\n');
}

static int print_text(const struct cage_selftest *test, struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    for (size_t i = 0; i < test->n; i++)
        add_line(&test->lines[i], &text);
    for (int r = 0; r <= CAGE_SELFTEST_BROKEN; r++)
        if (test->count[r] || r != CAGE_SELFTEST_BROKEN)
            cage_strbuf_addf(&text, "%s%zu %s", r ? ", " : "", test->count[r],
                             cage_selftest_text((enum cage_selftest_result)r));
    cage_strbuf_addc(&text, '\n');
    return cage_cli_print(&text, err);
}

/* Names without a space. */
static const char *json_name(enum cage_selftest_result result)
{
    return result == CAGE_SELFTEST_NOT_APPLICABLE ? "not_applicable" : cage_selftest_text(result);
}

/* {"version": 1, "project", "attempts": [{"name", "result", "detail", "line"}], "blocked": n, …} */
static int print_json(const struct cage_session *session, const struct cage_selftest *test,
                      struct cage_error *err)
{
    json_t *object = json_object(), *attempts = json_array();

    json_object_set_new(object, "version", json_integer(1));
    json_object_set_new(object, "project", cage_json_text(session->project.root));
    for (size_t i = 0; i < test->n; i++) {
        const struct cage_selftest_line *line = &test->lines[i];
        json_t *item = json_object();

        json_object_set_new(item, "name", cage_json_text(line->name));
        json_object_set_new(item, "result", cage_json_text(json_name(line->result)));
        if (line->detail)
            json_object_set_new(item, "detail", cage_json_text(line->detail));
        if (line->where.line > 0)
            json_object_set_new(item, "line", json_integer(line->where.line));
        json_array_append_new(attempts, item);
    }
    json_object_set_new(object, "attempts", attempts);
    for (int r = 0; r <= CAGE_SELFTEST_BROKEN; r++)
        json_object_set_new(object, json_name((enum cage_selftest_result)r),
                            json_integer((json_int_t)test->count[r]));
    return cage_json_print(object, err);
}

int cage_cmd_selftest(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_SESSION_AUTO session = {0};
    CAGE_SELFTEST_AUTO test = {0};
    int rc;

    cage_session_init(&session);
    if (cage_session_open(&session, cli, err) < 0)
        return -1;
    if (strcmp(session.host.os, "linux") != 0) {
        cage_error_set(err, CAGE_ERR_MISSING, "selftest works on Linux only");
        return cage_error_hint(err, "nixcage plan --sbpl shows what the sandbox of a Mac allows");
    }
    if (try_all(&session, &test, err) < 0)
        return -1;
    rc = cli->given[CAGE_OPT_JSON] ? print_json(&session, &test, err) : print_text(&test, err);
    if (rc < 0)
        return -1;
    if (test.count[CAGE_SELFTEST_OPEN])
        return CAGE_EXIT_STATUS;
    if (test.count[CAGE_SELFTEST_BROKEN]) {
        cage_error_set(err, CAGE_ERR_CAGE, "%zu attempts were not made, so nothing is known about them",
                       test.count[CAGE_SELFTEST_BROKEN]);
        return cage_error_hint(err, "see above which and why; outside of other sandboxes more of them work");
    }
    return CAGE_EXIT_OK;
}
