/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The macOS runner. It is POSIX but for macos_os.c, so that its tests run on Linux too, with something else
 * in the place of sandbox-exec(1).
 */
#ifndef CAGE_RUN_MACOS_H
#define CAGE_RUN_MACOS_H

#include "backend/seatbelt_job.h"
#include "base/error.h"
#include "run/macos_log.h"
#include "run/run.h"
#include "run/terminal.h"

#include <stdbool.h>
#include <sys/types.h>

/* What the runner uses of the system. */
struct cage_macos_system {
    const char *sandbox_exec;     /* "/usr/bin/sandbox-exec" */
    const char *log;              /* "/usr/bin/log" */
    const char *session_base;     /* physical directory for sessions: "/private/tmp" */
    bool (*is_sandboxed)(void);   /* whether this process is in a sandbox already */
    void (*kill_tree)(pid_t pid); /* SIGKILL for a process and all that descend from it */
};

/* The real one: macos_os.c, which is only compiled for macOS. */
const struct cage_macos_system *cage_macos_system(void);

/* As cage_run(). The plan is one for macOS. */
int cage_macos_run(const struct cage_plan *plan, const struct cage_run_options *options,
                   const struct cage_macos_system *system, int *status,
                   struct cage_error *err) CAGE_MUST_CHECK;

/* --- macos_session.c */

/* A session's directory: profile, home, tmp, run. It is locked as long as the run lasts. */
struct cage_macos_session {
    char *dir; /* NULL: none */
    int lock;  /* held flock(2) on DIR/lock */
    char *profile;
};

/* Removes directories of this user's runs that nothing holds any more. What cannot be removed is left. */
void cage_macos_session_sweep(const char *base);

/* Makes base/nixcage-UID-XXXXXX (0700) with home, tmp and run. */
int cage_macos_session_make(struct cage_macos_session *session, const char *base,
                            struct cage_error *err) CAGE_MUST_CHECK;

/* Writes the profile (0600) and the job's files and symlinks. */
int cage_macos_session_fill(struct cage_macos_session *session, const struct cage_seatbelt_job *job,
                            struct cage_error *err) CAGE_MUST_CHECK;

/* Removes the directory. A zeroed or finished one is fine. */
void cage_macos_session_finish(struct cage_macos_session *session);

/* Makes plan->make_dirs (0700) in the project, following no symlink. */
int cage_macos_make_dirs(const struct cage_plan *plan, struct cage_error *err) CAGE_MUST_CHECK;

/* --- macos_child.c */

struct cage_macos_child {
    pid_t command, guard;
    int guard_pipe; /* closing it without a word makes the guard end the command */
};

struct cage_macos_start {
    const struct cage_macos_system *system;
    const struct cage_macos_session *session;
    const struct cage_seatbelt_job *job;
    const struct cage_run_options *options;
};

/*
 * Starts sandbox-exec, and a guard process outside of the sandbox that kills it and what descends from it,
 * and removes the session, when this process dies. (macOS has no PR_SET_PDEATHSIG.)
 */
int cage_macos_child_start(struct cage_macos_child *child, const struct cage_macos_start *start,
                           struct cage_error *err) CAGE_MUST_CHECK;

/* The command has ended: dismisses the guard. */
void cage_macos_child_finish(struct cage_macos_child *child);

/* --- macos_supervise.c */

/* Takes the signals of this process: what happened is then read from a pipe. -1 with *err; one at a time. */
int cage_macos_signals_take(struct cage_error *err) CAGE_MUST_CHECK;
/* Gives the signals back as they were, and closes the pipe. */
void cage_macos_signals_release(void);

/* Waits for the command, forwards signals, follows stops and reads log (NULL: none). Returns the wait status
 * as a shell shows it. */
int cage_macos_supervise(const struct cage_macos_child *child, struct cage_terminal *terminal,
                         struct cage_macos_log *log);

#endif
