/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How [sandbox.resources] will be held on this machine. */
#ifndef CAGE_CLI_LIMITS_H
#define CAGE_CLI_LIMITS_H

#include "cli/session.h"
#include "limits/limits.h"

struct cage_cli_limits {
    struct cage_limits_way way;
    struct cage_limits_system system;
    char *own_cgroup, *runtime_dir;
};

/*
 * Chooses the way for these limits. Where the kernel cannot hold them: an error at the configuration's line,
 * or, with enforce = "warn", a note about what is done instead. Zeroed before; cage_limits_forget() frees.
 */
int cage_limits_prepare(struct cage_cli_limits *limits, const struct cage_session *session,
                        const struct cage_limits *wanted, struct cage_error *err) CAGE_MUST_CHECK;

/* Chooses only, and says nothing: `status`. Errors as of cage_limits_choose(). */
int cage_limits_find_way(struct cage_cli_limits *limits, const struct cage_host *host,
                         const struct cage_limits *wanted, bool require,
                         struct cage_error *err) CAGE_MUST_CHECK;

/* Frees what a way holds; accepts a zeroed one. */
void cage_limits_forget(struct cage_cli_limits *limits);

#endif
