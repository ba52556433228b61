/* SPDX-License-Identifier: GPL-3.0-or-later */
/* allow and deny. */
#include "cli/cli.h"
#include "cli/enter.h"

static int show(const struct cage_session *session, const struct cage_trust_state *state,
                struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    if (state->grants.n) {
        cage_strbuf_add(&text, state->verdict == CAGE_TRUST_WIDENED ? "New in " : "Granted by ");
        cage_strbuf_add_printable(&text, session->project.config);
        cage_strbuf_add(&text, ":\n");
    }
    for (size_t i = 0; i < state->grants.n; i++)
        cage_strbuf_addf(&text, "  %s\n", state->grants.items[i]);
    return cage_cli_print(&text, err);
}

static int say(const char *what, const struct cage_session *session, struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    cage_strbuf_addf(&text, "%s: ", what);
    cage_strbuf_add_printable(&text, session->project.config);
    cage_strbuf_addc(&text, '\n');
    return cage_cli_print(&text, err);
}

/* What was shown is what is recorded: the configuration is not read again. */
int cage_cmd_allow(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_SESSION_AUTO session = {0};
    CAGE_TRUST_AUTO state = {0};

    cage_session_init(&session);
    if (cage_session_open(&session, cli, err) < 0 ||
        cage_trust_check(&session.host, &session.project, &session.config, &state, err) < 0)
        return -1;
    if (state.verdict == CAGE_TRUST_TRUSTED)
        return say("Already allowed", &session, err);
    if (show(&session, &state, err) < 0)
        return -1;
    if (!cli->given[CAGE_OPT_YES] && !cage_cli_can_ask()) {
        cage_error_set(err, CAGE_ERR_USAGE, "allow: there is no terminal to ask on");
        return cage_error_hint(err, "use 'nixcage allow --yes' if this was read");
    }
    if (!cli->given[CAGE_OPT_YES] && !cage_cli_ask("Allow this?")) {
        cage_cli_note("nothing was changed");
        return CAGE_EXIT_FAILED;
    }
    if (cage_trust_record(&session.host, &session.project, &session.config, &state, err) < 0)
        return -1;
    return say("Allowed", &session, err);
}

/* Needs no valid configuration. */
int cage_cmd_deny(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_SESSION_AUTO session = {0};
    bool had;

    cage_session_init(&session);
    if (cage_session_find(&session, cli, err) < 0 ||
        cage_trust_forget(&session.host, &session.project, &had, err) < 0)
        return -1;
    return say(had ? "No longer allowed" : "Was not allowed", &session, err);
}
