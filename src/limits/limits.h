/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Limits on processors, memory and processes of a cage ([sandbox.resources]), held by cgroup v2.
 *
 * Three ways lead there, tried in this order: a transient scope of the systemd manager (the user's own, or
 * the system's for root), a cgroup v2 subtree that was delegated to us, and, only with enforce = "warn", what
 * a process can do to itself. A limit that cannot be verified in the kernel's files counts as not in force.
 */
#ifndef CAGE_LIMITS_LIMITS_H
#define CAGE_LIMITS_LIMITS_H

#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Names of scopes and cgroups of ours begin with it; the process number of bwrap follows. */
#define CAGE_LIMITS_GROUP_PREFIX "nixcage-"

/* What is asked for. 0: no limit. */
struct cage_limits {
    double cpus;     /* cores */
    uint64_t memory; /* bytes, swap included */
    uint64_t pids;   /* tasks in the cage, its init included */
};

enum cage_limits_method {
    CAGE_LIMITS_NONE, /* nothing was asked for */
    CAGE_LIMITS_SYSTEMD_USER,
    CAGE_LIMITS_SYSTEMD_SYSTEM,
    CAGE_LIMITS_CGROUP,   /* a directory of our own below `parent` */
    CAGE_LIMITS_FALLBACK, /* affinity and RLIMIT_NPROC: weaker, only when the user chose "warn" */
};

/* How they will be held here. Zeroed: no limits. */
struct cage_limits_way {
    enum cage_limits_method method;
    struct cage_limits limits;
    bool required; /* a limit that turns out not to be in force ends the run */
    char *parent;  /* CGROUP: directory below which ours is made */
    char *manager; /* SYSTEMD_*: the socket on which the manager is asked */
    char *hurry;   /* SYSTEMD_*: what a write to makes the kernel hurry (cage_scope_request); NULL: nothing */
    char *why_not; /* FALLBACK: why the kernel cannot hold them */
};

/* Where the limits are looked for; tests put directories of their own in their place. */
struct cage_limits_system {
    const char *cgroup_root; /* "/sys/fs/cgroup" */
    const char *own_cgroup;  /* text of /proc/self/cgroup */
    const char *systemd_dir; /* "/run/systemd/system": there when systemd is process 1 (sd_booted(3)) */
    const char *runtime_dir; /* XDG_RUNTIME_DIR, or NULL */
    const char *manager;     /* "/run/systemd/private": the system's manager, which answers root alone */
    bool is_root;
    bool check_type; /* require cgroup_root to be a cgroup2 file system */
};

/* The way in words, for `plan` and `status`: "cgroup v2 through the user's systemd". Static. */
const char *cage_limits_method_text(enum cage_limits_method method);

enum cage_limit { CAGE_LIMIT_CPUS, CAGE_LIMIT_MEMORY, CAGE_LIMIT_PIDS, CAGE_LIMIT_COUNT };

/* What holds one limit that way, or that nothing does, in words for `plan`. Static. */
const char *cage_limits_how(enum cage_limits_method method, enum cage_limit limit, bool is_root);

/*
 * Decides how `limits` can be held on this system; starts nothing and changes nothing. Where only the
 * fallback is left, `require` makes that an error that says why and what to do; else way->why_not says it.
 */
int cage_limits_choose(struct cage_limits_way *way, const struct cage_limits *limits,
                       const struct cage_limits_system *system, bool require,
                       struct cage_error *err) CAGE_MUST_CHECK;
/* Frees what it owns; accepts a zeroed one. */
void cage_limits_way_finish(struct cage_limits_way *way);

/* What holds a cage. None: zeroed, with events_fd -1. */
struct cage_limits_group {
    bool entered;             /* cage_limits_enter() did its part */
    struct cage_scope *scope; /* SYSTEMD_*: one that was asked for (limits/scope.h) */
    char *path;               /* directory of the cgroup; NULL: not known yet */
    bool ours;                /* we made it and remove it */
    int events_fd;            /* memory.events, or -1 */
};

/*
 * Puts the process `pid`, our child, under the limits: asks systemd for a scope around it, makes a cgroup and
 * moves it there, or binds it to processors. What it starts before cage_limits_entered() may be missed. On
 * failure the group is empty again.
 */
int cage_limits_enter(const struct cage_limits_way *way, pid_t pid, struct cage_limits_group *group,
                      struct cage_error *err) CAGE_MUST_CHECK;

/* Waits until that is done: from now on what the process starts is under the limits, too. */
int cage_limits_entered(struct cage_limits_group *group, struct cage_error *err) CAGE_MUST_CHECK;

/*
 * Once the cage is up and before its command runs: finds the cgroup of `pid` and compares the limits in force
 * there with those asked for. Looser, or not there: an error. (What is set further up can only be tighter.)
 */
int cage_limits_verify(const struct cage_limits_way *way, const struct cage_limits_system *system, pid_t pid,
                       struct cage_limits_group *group, struct cage_error *err) CAGE_MUST_CHECK;

/* Whether the kernel killed a process of the group for memory (oom_kill in memory.events, cgroup v2
 * document). */
bool cage_limits_oom_killed(const struct cage_limits_group *group);

/* Closes and, when it is ours, kills what is left in the group and removes it. */
void cage_limits_group_finish(struct cage_limits_group *group);

/* Text of a kernel limit file value: "max" is UINT64_MAX. Returns false when it is no number. */
bool cage_limits_parse_value(const char *text, uint64_t *value);

/* cpu.max ("QUOTA PERIOD" in microseconds, or "max PERIOD") as cores; INFINITY for max. False: malformed. */
bool cage_limits_parse_cpu(const char *text, double *cpus);

/* The cgroup v2 path ("/user.slice/…") in the text of /proc/PID/cgroup; the caller frees. NULL: none. */
char *cage_limits_parse_own(const char *text);

#endif
