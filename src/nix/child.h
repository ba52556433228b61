/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running Nix's programs: as a group that ends with us, interruptible, its log read as it comes. */
#ifndef CAGE_NIX_CHILD_H
#define CAGE_NIX_CHILD_H

#include "base/error.h"
#include "base/strbuf.h"
#include "nix/log.h"

#include <signal.h>
#include <stdbool.h>

/*
 * Holds back SIGINT, SIGTERM, SIGHUP and SIGQUIT, so that a started Nix is ended and temporary files are
 * removed before they take effect. leave() lets a pending one through: the process then ends the way the
 * signal ends it.
 */
struct cage_nix_guard {
    sigset_t old;
    int fd; /* signalfd(2): readable when one is pending; never read */
};

/* Begins to hold the signals back; on failure (CAGE_ERR_SYSTEM) none is, and leave() must not be called. */
int cage_nix_guard_enter(struct cage_nix_guard *guard, struct cage_error *err) CAGE_MUST_CHECK;
/* Lets them through again, a pending one at once. */
void cage_nix_guard_leave(struct cage_nix_guard *guard);

/* Whether a signal is pending. */
bool cage_nix_guard_interrupted(const struct cage_nix_guard *guard);

/*
 * Takes an exclusive flock(2) on path (made if missing) as cage_fs_lock() does, but gives up with
 * err->sys == EINTR when a signal is pending. Returns the descriptor or -1.
 */
int cage_nix_guard_lock(const struct cage_nix_guard *guard, const char *path,
                        struct cage_error *err) CAGE_MUST_CHECK;

struct cage_nix_child {
    char *const *argv; /* argv[0]: absolute path */
    char *const *envp;
    const char *cwd;         /* NULL: ours */
    int in;                  /* standard input; 0: /dev/null */
    struct cage_strbuf *out; /* standard output is appended, at most 64 MiB; NULL: dropped */
    struct cage_nix_log *log;
    const struct cage_nix_guard *guard;
};

/*
 * Runs it in a process group of its own; when a signal is pending the
 * whole group is ended (SIGTERM, after two seconds SIGKILL) and the result is -1 with err->sys == EINTR. It
 * gets SIGKILL when we die (prctl(2) PR_SET_PDEATHSIG). Returns the exit code as a shell shows it.
 */
int cage_nix_child_run(const struct cage_nix_child *child, struct cage_error *err) CAGE_MUST_CHECK;

#endif
