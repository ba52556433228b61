/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a session to a plan that can be run: what run, shell and plan have in common. */
#ifndef CAGE_CLI_ENTER_H
#define CAGE_CLI_ENTER_H

#include "cli/session.h"
#include "config/trust.h"
#include "nix/nix.h"
#include "plan/plan.h"
#include "run/run.h"

struct cage_entry {
    struct cage_bwrap bwrap;
    struct cage_nix_env nix;
    struct cage_plan plan;
    struct cage_launch *ahead; /* for cage_run_options; NULL: none */
    bool stale_ok;             /* set before prepare(): --stale */
};

#define CAGE_ENTRY_AUTO __attribute__((cleanup(cage_entry_finish))) struct cage_entry

/* Makes it empty, so that finish() can follow in any case. */
void cage_entry_init(struct cage_entry *entry);
/* Frees the plan and the environment, and lets go of the locks that held them. */
void cage_entry_finish(struct cage_entry *entry);

/*
 * Starts bwrap, so that it loads while the configuration is read and the plan is made. A failure is met again
 * by prepare(), which says what it is.
 */
void cage_entry_start_ahead(struct cage_entry *entry, const struct cage_host *host);

/*
 * Looks for bwrap, resolves the packages and makes the plan of argv (NULL: an interactive shell). Asks Nix,
 * which may build, so the configuration must be one that the user allowed.
 */
int cage_entry_prepare(struct cage_entry *entry, const struct cage_session *session, char *const *argv,
                       struct cage_error *err) CAGE_MUST_CHECK;

/*
 * Fails with CAGE_ERR_TRUST, after telling what it grants, unless the user allowed this configuration or one
 * that grants no less.
 */
int cage_trust_require(const struct cage_session *session, struct cage_error *err) CAGE_MUST_CHECK;

/* "allowed", "not allowed", "allowed less than this". Static. */
const char *cage_trust_text(enum cage_trust verdict);

#endif
