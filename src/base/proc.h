/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running helper programs (Nix, bwrap --version, git) on the host. */
#ifndef CAGE_BASE_PROC_H
#define CAGE_BASE_PROC_H

#include "base/error.h"
#include "base/strbuf.h"
#include "base/strv.h"

#include <stdbool.h>
#include <sys/types.h>

struct cage_proc {
    char *const *argv; /* argv[0] is searched in PATH unless it has a slash */
    char *const *envp; /* NULL: the caller's */
    const char *cwd;   /* NULL: the caller's */
    bool own_group; /* a process group of its own; SIGINT, SIGTERM, SIGHUP, SIGQUIT to us are passed on to it,
                     * after 5 s or a second one as SIGKILL, and take effect here when it has ended */
    bool stderr_inherit;               /* standard error goes where ours goes; else it is captured */
    struct cage_strbuf *out, *err_out; /* where captured output is appended; NULL: /dev/null */
    size_t max;                        /* most bytes of each to keep; 0: 16 MiB */
};

/*
 * Runs it to its end with standard input from /dev/null; every other descriptor but 0-2 is closed in it. The
 * child dies with us (PR_SET_PDEATHSIG). Returns the wait status as a shell shows it (exit code, or 128 +
 * signal; 127 and err filled when argv[0] is not there), or -1 when it could not be started. A command that
 * fails is not an error here.
 */
int cage_proc_run(const struct cage_proc *proc, struct cage_error *err) CAGE_MUST_CHECK;

/*
 * Finds an executable as execvp(3) would along the given PATH value (NULL: none), skipping
 * relative entries; a name with a slash is taken from the current directory. Returns an absolute path, which
 * the caller frees, or NULL.
 */
char *cage_proc_find(const char *name, const char *path_value);

/* Closes every descriptor from 3 on: what the caller of nixcage left open is not for a helper. */
void cage_proc_close_inherited(void);

/* Turns a waitpid(2) status into a shell's exit code. */
int cage_proc_exit_code(int wait_status);

#endif
