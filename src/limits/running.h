/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The running cages of a project and what they use, found in /proc: nixcage keeps the project's directory
 * open for as long as its cage runs, and the cage's process 1 is its descendant. Nothing is written down for
 * it.
 */
#ifndef CAGE_LIMITS_RUNNING_H
#define CAGE_LIMITS_RUNNING_H

#include "limits/limits.h"

#include <stddef.h>

/* Where running cages are looked for; tests put directories of their own in their place. */
struct cage_running_system {
    const char *proc;        /* "/proc" */
    const char *cgroup_root; /* "/sys/fs/cgroup" */
    int pause_ms;            /* between the two readings that processor use is computed from */
};

struct cage_use {
    double used;  /* < 0: not known */
    double limit; /* 0: none */
};

struct cage_running {
    pid_t pid;                    /* nixcage, which waits for the cage */
    pid_t init;                   /* the cage's process 1 */
    double seconds;               /* since the cage began */
    char *group;                  /* directory of its own cgroup v2, which holds the limits; NULL: none */
    struct cage_use cpus;         /* cores; without a group the limit is the processors it is bound to */
    struct cage_use memory;       /* bytes; without a group what its processes have for themselves */
    struct cage_use pids;         /* tasks; without a group the limit is the command's RLIMIT_NPROC */
    unsigned long long oom_kills; /* processes that the kernel killed for memory */
    double usage_us, read_at_us;  /* the first reading: processor time, and when (monotonic) */
};

struct cage_running_list {
    struct cage_running *items;
    size_t n;
};

/*
 * The cages of the project that the directory is open on, oldest process number first. What cannot be read
 * (another user's processes, what has just ended) is left out; where there is no /proc there are none.
 */
void cage_running_find(struct cage_running_list *list, int project_dirfd,
                       const struct cage_running_system *system);
/* Frees what it owns; accepts a zeroed one. */
void cage_running_finish(struct cage_running_list *list);

#endif
