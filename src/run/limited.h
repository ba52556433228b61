/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The limits of one run: entered before bwrap makes anything, checked before the command starts, asked about
 * at the end. */
#ifndef CAGE_RUN_LIMITED_H
#define CAGE_RUN_LIMITED_H

#include "base/error.h"
#include "run/launch.h"
#include "run/run.h"

struct cage_limited {
    const struct cage_limits_way *way;
    const struct cage_limits_system *system;
    void (*say)(const char *line); /* NULL: nobody listens */
    struct cage_limits_group group;
    bool oom; /* the kernel killed a process for memory */
};

/* Begins empty. What it needs of the options is not copied. */
void cage_limited_init(struct cage_limited *limited, const struct cage_run_options *options);

/*
 * Puts a bwrap that was told nothing yet under the limits, or, when it was put there ahead, waits for that.
 */
int cage_limited_enter(struct cage_limited *limited, struct cage_launch *launch,
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
