/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Carries a plan out and stays until the cage ends. */
#ifndef CAGE_RUN_RUN_H
#define CAGE_RUN_RUN_H

#include "base/error.h"
#include "base/strbuf.h"
#include "host/host.h"
#include "limits/limits.h"
#include "plan/plan.h"

#include <signal.h>
#include <stdbool.h>

/* A program that executes bwrap in its own place or as its child: nixcage-tracer. */
struct cage_wrapper {
    struct cage_strv argv; /* put before bwrap's; argv[0] is a path. Empty: nothing */
    struct cage_strv env;  /* its environment */
    int pass_fd;           /* stays open under its own number; -1: none */
    /* What the cage's system call filter allows is asked about here, too (cage_seccomp_join). NULL: no */
    const void *filter;
    size_t filter_size;
};

/*
 * The status of a command that SIGINT ended: as an exit code it is 128 + SIGINT. A shell that runs a script
 * ends a loop on Ctrl-C only when it sees that the signal ended its child, so main() ends by it, too.
 */
enum { CAGE_RUN_INTERRUPTED = 0x100 | (128 + SIGINT) };

struct cage_launch;

/*
 * macOS, --debug: who gets the lines of log(1) during the run, without their newlines; `tag` is in those of
 * this run. take() returns whether the line was a denial of it.
 */
struct cage_run_denials {
    bool (*take)(void *context, const char *line, size_t n, const char *tag);
    void *context;
};

struct cage_run_options {
    const struct cage_host *host;
    const struct cage_bwrap *bwrap;
    const struct cage_wrapper *wrapper;         /* NULL: none */
    const struct cage_limits_way *limits;       /* how plan->limits are held; NULL: there are none */
    const struct cage_limits_system *limits_on; /* where; NULL when limits is */
    struct cage_launch *ahead;                  /* from cage_run_ahead(); NULL: none */
    int capture_fd; /* >= 0: open in the command under the number 3 (setup capture); -1: none */
    const struct cage_run_denials *denials; /* macOS: NULL: nobody wants to know; elsewhere unused */
    bool quiet_io; /* standard input /dev/null, output to standard error (setup capture) */
    /* Gets each line meant for the user when the run has ended (held files …), without prefix; NULL: dropped.
     */
    void (*say)(const char *line);
};

/*
 * Opens /dev/null for each of the descriptors 0-2 that the caller left closed, so that no file opened later
 * is taken for a standard stream. The first thing main() does; cage_run() does it too.
 */
int cage_run_secure_stdio(struct cage_error *err) CAGE_MUST_CHECK;

/* Refuses a directory as a standard stream: "..", looked up from there (openat(2)), is no mount of the
 * cage's. */
int cage_run_check_stdio(struct cage_error *err) CAGE_MUST_CHECK;

/*
 * Starts bwrap before there is a plan, so that it loads meanwhile; it makes nothing before it is told what.
 * For a run with neither wrapper nor quiet_io. A failure is left for cage_run() to meet: NULL. The
 * caller gives the result to cage_run_ahead_finish(), whether cage_run() got to use it or not.
 */
struct cage_launch *cage_run_ahead(const struct cage_bwrap *bwrap);
/*
 * Puts it under limits, which cage_run() waits for before it tells it what to make: systemd works meanwhile.
 * cage_run() gets the same way.
 */
int cage_run_ahead_limit(struct cage_launch *ahead, const struct cage_limits_way *way,
                         struct cage_error *err) CAGE_MUST_CHECK;
/* Ends it, unless cage_run() got to use it, and sets *ahead to NULL, which it may be. */
void cage_run_ahead_finish(struct cage_launch **ahead);

/*
 * Runs plan->argv in the cage and waits for it. *status gets the exit code as a shell shows it (128 + n for
 * a signal, CAGE_RUN_INTERRUPTED for SIGINT, 126 not executable, 127 not found). When the command itself
 * could not be executed, that is returned as 0 with 126 or 127 and err filled for printing (else err->code is
 * CAGE_ERR_NONE). -1: the cage could not be built and nothing ran in it, or it was torn down from outside.
 * Signals are forwarded, stops and continues are followed, the terminal's modes and foreground group
 * restored.
 */
int cage_run(const struct cage_plan *plan, const struct cage_run_options *options, int *status,
             struct cage_error *err) CAGE_MUST_CHECK;

#endif
