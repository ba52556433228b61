/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting bwrap with exactly the descriptors it needs and nothing else of the caller. */
#ifndef CAGE_RUN_LAUNCH_H
#define CAGE_RUN_LAUNCH_H

#include "backend/backend.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "limits/limits.h"
#include "plan/plan.h"
#include "run/run.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CAGE_LAUNCH_MAX_FILES = 64 };

/* What bwrap is started with. */
struct cage_launch_start {
    const char *bwrap_path;
    size_t n_files; /* how many files its arguments may name, the filter and the spec among them */
    bool quiet_io;  /* as in cage_run_options */
    int keep_fd;    /* stays open up to the init; -1: none */
    const struct cage_plan *stage; /* laid out ahead of bwrap (run/stage.h); args are the rest; NULL: no */
    const struct cage_wrapper *wrapper; /* NULL: none */
    bool held; /* executes nothing before cage_launch_release(): a wrapper starts bwrap at once */
};

/* What bwrap is told then. */
struct cage_launch_input {
    const struct cage_bwrap_args *args; /* rendered options; "FD:n" is replaced by a descriptor */
    const struct cage_strbuf *spec;     /* from cage_spec_write() */
    const void *seccomp;                /* struct sock_filter array for bwrap --seccomp; NULL: none */
    size_t seccomp_size;                /* in bytes */
};

struct cage_launch {
    pid_t pid;                        /* bwrap */
    int control;                      /* our end of the socket pair with the init */
    int text;                         /* what bwrap writes to its standard error */
    int args;                         /* where bwrap reads its arguments from; -1: it has them */
    int files[CAGE_LAUNCH_MAX_FILES]; /* empty memory files that it has open under the same numbers */
    size_t n_files, n_used;
    int gate;                       /* where cage_launch_release() writes to; -1: it is not held */
    struct cage_limits_group group; /* what it was put under ahead of the run; nothing else looks at it */
};

/* What the spec has that is not in the plan. */
struct cage_spec_extra {
    int keep_fd;          /* for number 3; -1: none */
    const sigset_t *mask; /* the command's blocked signals */
    bool wait;            /* CAGE_SPEC_WAIT */
    uint64_t nproc;       /* RLIMIT_NPROC of the command; 0: as it is */
};

/* Appends the init's spec (src/init/spec.h) of a plan to *out. */
void cage_spec_write(const struct cage_plan *plan, const struct cage_spec_extra *extra,
                     struct cage_strbuf *out);

/* The files that cage_launch_go() needs for this. */
size_t cage_launch_files(const struct cage_bwrap_args *args);

/*
 * Starts bwrap, which loads and then waits for its arguments; nothing is made until it has them. It starts
 * with all signals blocked, so that a Ctrl-C meant for the command does not end it. cage_launch_finish()
 * closes what is left; it does not reap.
 */
int cage_launch_start(struct cage_launch *launch, const struct cage_launch_start *start,
                      struct cage_error *err) CAGE_MUST_CHECK;

/* Lets one go on that is held. Nothing to do for others. */
int cage_launch_release(struct cage_launch *launch, struct cage_error *err) CAGE_MUST_CHECK;

/*
 * Tells bwrap what to do. All signals must be blocked in the caller. A bwrap that is gone already is no error
 * here: how it ended tells why.
 */
int cage_launch_go(struct cage_launch *launch, const struct cage_launch_input *input,
                   struct cage_error *err) CAGE_MUST_CHECK;

/* Closes our ends of its pipes; the process itself is left alone. */
void cage_launch_finish(struct cage_launch *launch);

/* Ends and reaps a bwrap that was not told anything, and closes everything; its limits go with it. Does
 * nothing when pid is -1. */
void cage_launch_drop(struct cage_launch *launch);

#endif
