/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan: what a run would do, without doing it. */
#include "backend/backend.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/described_mac.h"
#include "cli/enter.h"
#include "cli/limits.h"
#include "plan/explain.h"

#include <string.h>

/* Each is another text: one of them, or none. */
static int check_formats(const struct cage_cli *cli, struct cage_error *err)
{
    static const enum cage_option_id formats[] = {CAGE_OPT_ARGV, CAGE_OPT_DIFF, CAGE_OPT_JSON, CAGE_OPT_SBPL};
    const char *first = NULL;

    for (size_t i = 0; i < CAGE_LEN(formats); i++) {
        const char *name = cage_options()[formats[i]].name;

        if (!cli->given[formats[i]])
            continue;
        if (first) {
            cage_error_set(err, CAGE_ERR_USAGE, "--%s and --%s exclude each other", first, name);
            return cage_error_hint(err, "run it twice, with one of them each");
        }
        first = name;
    }
    return 0;
}

/* Makes the plan, of this machine or of a Mac that it is not. */
static int prepare(struct cage_entry *entry, struct cage_session *session, const struct cage_cli *cli,
                   struct cage_error *err)
{
    const char *platform = cli->values[CAGE_OPT_PLATFORM];
    bool is_mac = strcmp(session->host.os, "macos") == 0;
    CAGE_STRV_AUTO command = {0};
    char *const *argv;

    if (platform && strcmp(platform, "macos") != 0) {
        cage_error_set(err, CAGE_ERR_USAGE, "--platform: \"%s\" cannot be described", platform);
        return cage_error_hint(err, "write --platform macos, or leave it out for this machine");
    }
    if (cli->given[CAGE_OPT_SBPL] && !is_mac && !platform) {
        cage_error_set(err, CAGE_ERR_USAGE, "--sbpl is about macOS");
        return cage_error_hint(err, "add --platform macos to see what a Mac would do");
    }
    cage_cli_configured_command(&session->config, &command);
    argv = command.n ? cage_strv_argv(&command) : NULL;
    if (platform && !is_mac)
        return cage_described_mac_prepare(entry, session, argv, err);
    /* Resolving packages may evaluate and build what the configuration names. */
    if (cage_nix_needed(&session->config) && cage_trust_require(session, err) < 0)
        return -1;
    return cage_entry_prepare(entry, session, argv, err);
}

/* How the limits would be held here, or why they cannot be. Nothing is started for it. */
static void find_limits(struct cage_plan *plan, const struct cage_config *config,
                        const struct cage_host *host)
{
    __attribute__((cleanup(cage_limits_forget))) struct cage_cli_limits limits = {0};
    const struct cage_limits *wanted = &plan->limits;
    struct cage_error ignored;
    const char *text;
    bool refused;

    if ((wanted->cpus <= 0 && wanted->memory == 0 && wanted->pids == 0) ||
        cage_limits_find_way(&limits, host, wanted, false, &ignored) < 0)
        return;
    refused = config->enforce == CAGE_ENFORCE_REQUIRE && limits.way.method == CAGE_LIMITS_FALLBACK;
    text = refused ? "nothing on this machine" : cage_limits_method_text(limits.way.method);
    plan->limits_held =
        limits.way.why_not ? cage_format("%s (%s)", text, limits.way.why_not) : cage_strdup(text);
    for (int i = 0; i < CAGE_LIMIT_COUNT; i++)
        plan->limits_how[i] = refused
                                  ? "cannot be held here"
                                  : cage_limits_how(limits.way.method, (enum cage_limit)i, host->uid == 0);
}

/* The bwrap command of a run, for reading and for trying what one option does. */
static int show_argv(const struct cage_entry *entry, const struct cage_session *session,
                     struct cage_strbuf *text, struct cage_error *err)
{
    const struct cage_bwrap *bwrap = &entry->bwrap;
    int version = bwrap->major * 10000 + bwrap->minor * 100 + bwrap->patch;
    struct cage_bwrap_args args = {0};
    int rc;

    if (!bwrap->path || strcmp(session->host.os, "linux") != 0) {
        cage_error_set(err, CAGE_ERR_USAGE, "--argv is about Linux");
        return cage_error_hint(err, "--sbpl shows what a Mac would do");
    }
    rc = cage_bwrap_render(&entry->plan, version, session->host.init_path, &args, err);
    if (rc == 0)
        cage_bwrap_text(&args, bwrap->path, text);
    cage_bwrap_args_finish(&args);
    return rc;
}

/* What the user would be asked about now. Nothing is resolved for it. */
static int show_diff(const struct cage_session *session, struct cage_strbuf *text, struct cage_error *err)
{
    CAGE_TRUST_AUTO state = {0};

    if (cage_trust_check(&session->host, &session->project, &session->config, &state, err) < 0)
        return -1;
    if (state.verdict == CAGE_TRUST_TRUSTED)
        cage_strbuf_add(text, "the same as was allowed\n");
    else if (state.verdict == CAGE_TRUST_TIGHTENED)
        cage_strbuf_add(text, "changed, but grants nothing more than was allowed\n");
    else
        cage_strbuf_add(text, state.verdict == CAGE_TRUST_UNKNOWN ? "never allowed; it grants:\n"
                                                                  : "more than was allowed:\n");
    for (size_t i = 0; i < state.grants.n; i++) {
        cage_strbuf_add(text, "  ");
        cage_strbuf_add_printable(text, state.grants.items[i]);
        cage_strbuf_addc(text, '\n');
    }
    return 0;
}

int cage_cmd_plan(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_SESSION_AUTO session = {0};
    CAGE_ENTRY_AUTO entry = {0};
    CAGE_STRBUF_AUTO text = {0};

    cage_session_init(&session);
    cage_entry_init(&entry);
    cage_strbuf_init(&text);
    if (check_formats(cli, err) < 0)
        return -1;
    if (cage_session_open(&session, cli, err) < 0)
        return -1;
    if (cli->given[CAGE_OPT_DIFF])
        return show_diff(&session, &text, err) < 0 ? -1 : cage_cli_print_wrapped(&text, cli->environ_, err);
    if (prepare(&entry, &session, cli, err) < 0)
        return -1;
    if (!cli->values[CAGE_OPT_PLATFORM] && strcmp(session.host.os, "linux") == 0)
        find_limits(&entry.plan, &session.config, &session.host);
    if (cli->given[CAGE_OPT_ARGV]) {
        if (show_argv(&entry, &session, &text, err) < 0)
            return -1;
    } else if (cli->given[CAGE_OPT_SBPL]) {
        if (cage_described_mac_profile(&entry.plan, &session.host, &text, err) < 0)
            return -1;
    } else if (cli->given[CAGE_OPT_JSON]) {
        cage_plan_explain_json(&entry.plan, &session.config, &text);
    } else {
        cage_plan_explain(&entry.plan, &session.config, &text);
        return cage_cli_print_wrapped(&text, cli->environ_, err);
    }
    return cage_cli_print(&text, err);
}
