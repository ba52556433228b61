/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must not stay behind when we are killed: Nix's builders, temporary files. Internal to src/nix. */
#ifndef CAGE_NIX_KEEPER_H
#define CAGE_NIX_KEEPER_H

#include "base/error.h"

#include <sys/types.h>

/* A process of its own that outlives us, in a session of its own so that what ends our group spares it. */
struct cage_nix_keeper {
    pid_t pid;
    int fd;
};

/*
 * Starts a process that calls clean(data), in a copy of our memory, when we end without
 * cage_nix_keeper_stop(), after the processes of cage_nix_reap() have ended. Where it cannot be started
 * there is none: the next run cleans up instead.
 */
void cage_nix_keeper_start(struct cage_nix_keeper *keeper, void (*clean)(void *data), void *data);
/* Dismisses it: it ends without calling clean(). Does nothing when there is none. */
void cage_nix_keeper_stop(struct cage_nix_keeper *keeper);

/* What cage_nix_reap() starts. */
struct cage_nix_start {
    void (*run)(struct cage_nix_start *start); /* does not return; getppid() must be `parent` in it */
    pid_t parent;                              /* whose end ends it */
    const int *fds;                            /* two descriptors that only it shall have */
};

/*
 * In a forked child: blocks every signal, runs start->run in a child of this one and ends with its exit code
 * as a shell shows it. What that leaves running is killed when it was ended by a signal, when start->parent
 * ends, or when CAGE_NIX_REAP comes: SIGKILL of Nix alone would let the children of its builders live on.
 */
_Noreturn void cage_nix_reap(struct cage_nix_start *start);

enum { CAGE_NIX_REAP = 10 /* SIGUSR1 */ };

#endif
