/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What mounts alone do not protect. Mounts that the host's own programs take away are put back (run/guard.h).
 *
 * Protected paths that do not exist when a run starts cannot be mounted over without leaving a stub on the
 * host. So they are watched: what appears at one of them is renamed aside at once and moved to
 * .nixcage/held/TIME/ when the run has ended.
 *
 * It is not moved there earlier, because a process of the cage may have the directory open: from a directory
 * that was renamed into .nixcage, ".." leads to .nixcage on the writable mount below the read-only one.
 */
#ifndef CAGE_RUN_HOLD_H
#define CAGE_RUN_HOLD_H

#include "base/error.h"
#include "plan/plan.h"

struct cage_hold;

/*
 * Opens the deepest existing parents of the plan's missing protected paths, as they are before anything runs
 * in the cage. NULL when there is nothing to hold, or on failure (err->code is then set). The plan must
 * outlive it.
 */
struct cage_hold *cage_hold_start(const struct cage_plan *plan, struct cage_error *err);

/*
 * Renames aside what has appeared and looks for mounts to put back. To be called when the kernel sends SIGIO
 * (F_NOTIFY).
 */
void cage_hold_look(struct cage_hold *hold);

/* The cage's process 1 is reached through this socket (src/init/spec.h), which stays the caller's. */
void cage_hold_connect(struct cage_hold *hold, int control);

/* Process 1 has answered CAGE_MSG_WHO. */
void cage_hold_found(struct cage_hold *hold, pid_t init);

/*
 * What to wait for besides SIGIO: until *fd can be read (-1: nothing), for at most *timeout milliseconds (-1:
 * for ever). Then, and after SIGCHLD, cage_hold_wake() goes on.
 */
void cage_hold_wait(const struct cage_hold *hold, int *fd, int *timeout);

/* Takes what the helper says, and starts the next one where one is due. */
void cage_hold_wake(struct cage_hold *hold);

/*
 * After everything in the cage is dead: moves what was put aside or is there now to .nixcage/held/TIME/,
 * breaks hard links to it, and tells `say` (may be NULL) what was held and how to accept it. Frees hold,
 * which may be NULL.
 */
void cage_hold_end(struct cage_hold *hold, void (*say)(const char *line));

/* Makes the directories plan->make_dirs (0700) below the project, following no symlink. */
int cage_hold_make_dirs(const struct cage_plan *plan, struct cage_error *err) CAGE_MUST_CHECK;

#endif
