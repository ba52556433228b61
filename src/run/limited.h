/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The limits of one run: entered at the launch, checked before the command starts, asked about at the end. */
#ifndef CAGE_RUN_LIMITED_H
#define CAGE_RUN_LIMITED_H

#include "base/error.h"
#include "run/run.h"

struct cage_limited {
    const struct cage_limits_way *way;
    const struct cage_limits_system *system;
    void (*say)(const char *line); /* NULL: nobody listens */
    struct cage_limits_group group;
    struct cage_wrapper wrapper; /* the caller's, behind systemd-run */
    bool oom;                    /* the kernel killed a process for memory */
};

/* Makes the group, or the words that ask systemd for one. `wrapper` (may be NULL) is copied. */
int cage_limited_start(struct cage_limited *limited, const struct cage_run_options *options,
                       struct cage_error *err) CAGE_MUST_CHECK;

/*
 * Verifies, for the cage's process 1, that the limits are in force. Where they are not: an error, or, with
 * limits that are not required, a line for the caller of the run.
 */
int cage_limited_check(struct cage_limited *limited, pid_t init, struct cage_error *err) CAGE_MUST_CHECK;

/* Looks whether memory ran out, while the group is still there. */
void cage_limited_look(struct cage_limited *limited);

/* Removes what was made. A zeroed one may be finished. */
void cage_limited_finish(struct cage_limited *limited);

#endif
