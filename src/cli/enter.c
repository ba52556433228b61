/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/enter.h"
#include "cli/cli.h"

#include <string.h>
#include <unistd.h>

enum { MAX_GRANTS = 20 };

void cage_entry_init(struct cage_entry *entry)
{
    *entry = (struct cage_entry){0};
    cage_nix_env_init(&entry->nix);
    cage_plan_init(&entry->plan);
}

void cage_entry_finish(struct cage_entry *entry)
{
    cage_run_ahead_finish(&entry->ahead);
    cage_plan_finish(&entry->plan);
    cage_nix_env_finish(&entry->nix);
    cage_bwrap_finish(&entry->bwrap);
}

static void warn_all(const struct cage_strv *warnings)
{
    for (size_t i = 0; i < warnings->n; i++)
        cage_cli_note("warning: %s", warnings->items[i]);
}

static bool is_linux(const struct cage_host *host)
{
    return strcmp(host->os, "linux") == 0;
}

void cage_entry_start_ahead(struct cage_entry *entry, const struct cage_host *host)
{
    struct cage_error ignored;

    if (is_linux(host) && cage_bwrap_probe(host, &entry->bwrap, &ignored) == 0)
        entry->ahead = cage_run_ahead(&entry->bwrap);
}

int cage_entry_prepare(struct cage_entry *entry, const struct cage_session *session, char *const *argv,
                       struct cage_error *err)
{
    const struct cage_nix_request request = {
        .host = &session->host,
        .config = &session->config,
        .project = &session->project,
        .stale_ok = entry->stale_ok,
    };
    struct cage_plan_input input = {
        .config = &session->config,
        .host = &session->host,
        .project = &session->project,
        .argv = argv,
        .interactive = !argv,
        .has_tty = isatty(STDIN_FILENO) == 1,
    };

    if (is_linux(&session->host) && !entry->bwrap.path &&
        cage_bwrap_probe(&session->host, &entry->bwrap, err) < 0)
        return -1;
    if (cage_nix_needed(&session->config)) {
        if (cage_nix_resolve(&request, &entry->nix, err) < 0)
            return -1;
        warn_all(&entry->nix.warnings);
        input.nix = &entry->nix;
    }
    if (cage_plan_build(&entry->plan, &input, err) < 0)
        return -1;
    warn_all(&entry->plan.warnings);
    return 0;
}

const char *cage_trust_text(enum cage_trust verdict)
{
    static const char *const texts[] = {
        [CAGE_TRUST_TRUSTED] = "allowed",
        [CAGE_TRUST_UNKNOWN] = "not allowed yet",
        [CAGE_TRUST_TIGHTENED] = "allowed",
        [CAGE_TRUST_WIDENED] = "grants more than was allowed",
    };

    return texts[verdict];
}

static void show_grants(const struct cage_trust_state *state)
{
    cage_cli_note(state->verdict == CAGE_TRUST_UNKNOWN ? "this configuration grants:" : "this is new:");
    for (size_t i = 0; i < state->grants.n && i < MAX_GRANTS; i++)
        cage_cli_note("  %s", state->grants.items[i]);
    if (state->grants.n > MAX_GRANTS)
        cage_cli_note("  ... and %zu more ('nixcage allow' shows all)", state->grants.n - MAX_GRANTS);
}

static int refuse(const struct cage_session *session, const struct cage_trust_state *state,
                  struct cage_error *err)
{
    cage_error_set(err, CAGE_ERR_TRUST, "%s %s", session->project.config,
                   state->verdict == CAGE_TRUST_UNKNOWN ? "was never allowed"
                                                        : "grants more than was allowed");
    return cage_error_hint(err, "read it, then allow it with 'nixcage allow'");
}

int cage_trust_require(const struct cage_session *session, struct cage_error *err)
{
    CAGE_TRUST_AUTO state = {0};
    struct cage_error ignored;

    if (cage_trust_check(&session->host, &session->project, &session->config, &state, err) < 0)
        return -1;
    if (state.verdict == CAGE_TRUST_TRUSTED)
        return 0;
    if (state.verdict == CAGE_TRUST_TIGHTENED) {
        /* What was taken away must be asked for again. If this cannot be kept, it was at least not used. */
        (void)!cage_trust_record(&session->host, &session->project, &session->config, &state, &ignored);
        return 0;
    }
    show_grants(&state);
    /* Not when all is to be read at leisure: more lines than are shown. */
    if (state.grants.n > MAX_GRANTS || !cage_cli_can_ask() || !cage_cli_ask("Allow this?"))
        return refuse(session, &state, err);
    return cage_trust_record(&session->host, &session->project, &session->config, &state, err);
}
