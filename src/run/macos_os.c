/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The only file of the runner that needs macOS itself. */
#include "base/mem.h"
#include "run/macos.h"

#include <libproc.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* libsystem_sandbox; no header of the SDK has it. 1: the process is in a sandbox. */
extern int sandbox_check(pid_t pid, const char *operation, int type, ...);

static bool is_sandboxed(void)
{
    return sandbox_check(getpid(), NULL, 0) == 1;
}

enum { MAX_CHILDREN = 4096, MAX_DEPTH = 64 };

/* Stops a process before its children are listed, so that it makes no new ones meanwhile. */
static void kill_below(pid_t pid, int depth)
{
    pid_t *children = calloc(MAX_CHILDREN, sizeof *children);
    int n;

    kill(pid, SIGSTOP);
    n = children ? proc_listchildpids(pid, children, MAX_CHILDREN * (int)sizeof *children) : 0;
    for (int i = 0; i < n && i < MAX_CHILDREN && depth < MAX_DEPTH; i++)
        if (children[i] > 1)
            kill_below(children[i], depth + 1);
    kill(pid, SIGKILL);
    free(children);
}

static void kill_tree(pid_t pid)
{
    kill_below(pid, 0);
}

const struct cage_macos_system *cage_macos_system(void)
{
    static const struct cage_macos_system real = {
        .sandbox_exec = "/usr/bin/sandbox-exec",
        .log = "/usr/bin/log",
        .session_base = "/private/tmp",
        .is_sandboxed = is_sandboxed,
        .kill_tree = kill_tree,
    };

    return &real;
}

int cage_run(const struct cage_plan *plan, const struct cage_run_options *options, int *status,
             struct cage_error *err)
{
    return cage_macos_run(plan, options, cage_macos_system(), status, err);
}

struct cage_launch *cage_run_ahead(const struct cage_bwrap *bwrap)
{
    (void)bwrap;
    return NULL;
}

int cage_run_ahead_limit(struct cage_launch *ahead, const struct cage_limits_way *way, struct cage_error *err)
{
    (void)ahead;
    (void)way;
    return cage_error_set(err, CAGE_ERR_INTERNAL, "nothing is started ahead here");
}

void cage_run_ahead_finish(struct cage_launch **ahead)
{
    *ahead = NULL;
}
