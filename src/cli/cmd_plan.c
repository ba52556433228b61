/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan: what a run would do, without doing it. */
#include "cli/cli.h"
#include "cli/enter.h"
#include "plan/explain.h"

int cage_cmd_plan(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_SESSION_AUTO session = {0};
    CAGE_ENTRY_AUTO entry = {0};
    CAGE_STRV_AUTO command = {0};
    CAGE_STRBUF_AUTO text = {0};

    cage_session_init(&session);
    cage_entry_init(&entry);
    cage_strbuf_init(&text);
    if (cage_session_open(&session, cli, err) < 0)
        return -1;
    /* Resolving packages may evaluate and build what the configuration names. */
    if (cage_nix_needed(&session.config) && cage_trust_require(&session, err) < 0)
        return -1;
    cage_cli_configured_command(&session.config, &command);
    if (cage_entry_prepare(&entry, &session, command.n ? cage_strv_argv(&command) : NULL, err) < 0)
        return -1;
    if (cli->given[CAGE_OPT_JSON])
        cage_plan_explain_json(&entry.plan, &session.config, &text);
    else
        cage_plan_explain(&entry.plan, &session.config, &text);
    return cage_cli_print(&text, err);
}
