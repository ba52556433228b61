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

struct cage_launch_input {
    const char *bwrap_path;
    const struct cage_bwrap_args *args; /* rendered options; "FD:n" is replaced by a descriptor */
    const struct cage_strbuf *spec;     /* from cage_spec_write() */
    const void *seccomp;                /* struct sock_filter array for bwrap --seccomp; NULL: none */
    size_t seccomp_size;                /* in bytes */
    bool quiet_io;                      /* as in cage_run_options */
    int keep_fd;                        /* stays open up to the init; -1: none */
    const struct cage_plan *stage; /* laid out ahead of bwrap (run/stage.h); args are the rest; NULL: no */
    const struct cage_wrapper *wrapper;           /* NULL: none */
    const struct cage_limits_way *limits;         /* joined before the exec; NULL: none */
    const struct cage_limits_group *limits_group; /* made for them */
};

struct cage_launch {
    pid_t pid;   /* bwrap */
    int control; /* our end of the socket pair with the init */
    int text;    /* what bwrap writes to its standard error */
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

/*
 * Starts bwrap. All signals must be blocked in the caller: bwrap inherits that, so that a Ctrl-C meant for
 * the command does not end it. The child dies with us. cage_launch_finish() closes what is left; it does not
 * reap.
 */
int cage_launch_start(struct cage_launch *launch, const struct cage_launch_input *input,
                      struct cage_error *err) CAGE_MUST_CHECK;
void cage_launch_finish(struct cage_launch *launch);

#endif
