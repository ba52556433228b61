/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making, entering, verifying and removing the cgroup of a cage. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "limits/limits_internal.h"
#include "limits/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PERIOD_US = 100000 };

static int write_file(const char *dir, const char *name, const char *text)
{
    cage_autofree char *path = cage_path_join(dir, name);
    cage_autofd int fd = open(path, O_WRONLY | O_CLOEXEC);
    size_t n = strlen(text);

    return fd >= 0 && write(fd, text, n) == (ssize_t)n ? 0 : -1;
}

static int set_limit(const char *dir, const char *name, const char *text, struct cage_error *err)
{
    if (write_file(dir, name, text) == 0)
        return 0;
    return cage_error_sys(err, errno, "cannot write %s to %s/%s", text, dir, name);
}

static int set_limits(const char *dir, const struct cage_limits *l, struct cage_error *err)
{
    cage_autofree char *cpu = cage_format("%.0f %d", ceil(l->cpus * (double)PERIOD_US), PERIOD_US);
    cage_autofree char *memory = cage_format("%llu", (unsigned long long)l->memory);
    cage_autofree char *pids = cage_format("%llu", (unsigned long long)l->pids);

    if (l->cpus > 0 && set_limit(dir, "cpu.max", cpu, err) < 0)
        return -1;
    if (l->memory > 0 && set_limit(dir, "memory.max", memory, err) < 0)
        return -1;
    /* Not there on a kernel without swap accounting: then there is nothing to forbid. */
    if (l->memory > 0 && write_file(dir, "memory.swap.max", "0") < 0 && errno != ENOENT)
        return cage_error_sys(err, errno, "cannot forbid swap in %s", dir);
    return l->pids > 0 ? set_limit(dir, "pids.max", pids, err) : 0;
}

/* Already on is fine; what is still off shows when the limit is written. */
static void switch_controllers_on(const char *parent, const struct cage_limits *l)
{
    const struct {
        bool wanted;
        const char *text;
    } controllers[] = {{l->cpus > 0, "+cpu"}, {l->memory > 0, "+memory"}, {l->pids > 0, "+pids"}};

    for (size_t i = 0; i < CAGE_LEN(controllers); i++)
        if (controllers[i].wanted)
            (void)write_file(parent, "cgroup.subtree_control", controllers[i].text);
}

static int enter_scope(const struct cage_limits_way *way, pid_t pid, struct cage_limits_group *group,
                       struct cage_error *err)
{
    cage_autofree char *unit = cage_format(CAGE_LIMITS_GROUP_PREFIX "%ld.scope", (long)pid);
    const struct cage_scope_request request = {
        .manager = way->manager,
        .hurry = way->hurry,
        .unit = unit,
        /*
         * Not system.slice, where it would be: systemd would switch controllers on there, and off again after
         * the cage, for every service of the machine. Where root logs in, others have them, too.
         */
        .slice = way->method == CAGE_LIMITS_SYSTEMD_SYSTEM ? "user.slice" : NULL,
        .pid = pid,
        .limits = &way->limits,
    };

    group->scope = cage_scope_ask(&request, err);
    return group->scope ? 0 : -1;
}

static int enter_cgroup(const struct cage_limits_way *way, pid_t pid, struct cage_limits_group *group,
                        struct cage_error *err)
{
    cage_autofree char *number = cage_format("%ld", (long)pid);

    switch_controllers_on(way->parent, &way->limits);
    group->path = cage_format("%s/" CAGE_LIMITS_GROUP_PREFIX "%s", way->parent, number);
    if (mkdir(group->path, 0755) < 0 && errno != EEXIST)
        return cage_error_sys(err, errno, "cannot make the cgroup %s", group->path);
    group->ours = true;
    if (set_limits(group->path, &way->limits, err) < 0)
        return -1;
    if (write_file(group->path, "cgroup.procs", number) < 0)
        return cage_error_sys(err, errno, "cannot put the cage into the cgroup %s", group->path);
    return 0;
}

#ifdef __linux__
/* The first ceil(cpus) of the processors this process may use, for another one. */
static int set_affinity(pid_t pid, double cpus)
{
    cpu_set_t may, use;
    int left = (int)ceil(cpus);

    if (sched_getaffinity(0, sizeof may, &may) < 0)
        return errno;
    CPU_ZERO(&use);
    for (size_t i = 0; i < CPU_SETSIZE && left > 0; i++)
        if (CPU_ISSET(i, &may)) {
            CPU_SET(i, &use);
            left--;
        }
    return sched_setaffinity(pid, sizeof use, &use) < 0 ? errno : 0;
}
#else
static int set_affinity(pid_t pid, double cpus)
{
    (void)pid;
    (void)cpus;
    return 0;
}
#endif

static int enter(const struct cage_limits_way *way, pid_t pid, struct cage_limits_group *group,
                 struct cage_error *err)
{
    int sys;

    switch (way->method) {
    case CAGE_LIMITS_SYSTEMD_USER:
    case CAGE_LIMITS_SYSTEMD_SYSTEM:
        return enter_scope(way, pid, group, err);
    case CAGE_LIMITS_CGROUP:
        return enter_cgroup(way, pid, group, err);
    case CAGE_LIMITS_FALLBACK:
        sys = way->limits.cpus > 0 ? set_affinity(pid, way->limits.cpus) : 0;
        return sys ? cage_error_sys(err, sys, "cannot put the cage under its limits") : 0;
    case CAGE_LIMITS_NONE:
        break;
    }
    return 0;
}

int cage_limits_enter(const struct cage_limits_way *way, pid_t pid, struct cage_limits_group *group,
                      struct cage_error *err)
{
    *group = (struct cage_limits_group){.events_fd = -1};
    if (enter(way, pid, group, err) < 0) {
        cage_limits_group_finish(group);
        return -1;
    }
    group->entered = true;
    return 0;
}

int cage_limits_entered(struct cage_limits_group *group, struct cage_error *err)
{
    return group->scope ? cage_scope_wait(group->scope, err) : 0;
}

/* Whether the value in force in one directory is at most what was asked for (5 % for rounding to ticks and
 * pages). */
static bool holds_here(const char *dir, const char *file, double wanted)
{
    cage_autofree char *text = cage_limits_read(dir, file);
    uint64_t value;
    double cpus;

    if (!text)
        return false;
    if (strcmp(file, "cpu.max") == 0)
        return cage_limits_parse_cpu(text, &cpus) && cpus <= wanted * 1.05;
    return cage_limits_parse_value(text, &value) && value != UINT64_MAX && (double)value <= wanted * 1.05;
}

static int check_limit(const char *dir, const char *file, double wanted, struct cage_error *err)
{
    if (wanted <= 0 || holds_here(dir, file, wanted))
        return 0;
    cage_error_set(err, CAGE_ERR_CAGE,
                   "the limit was accepted but is not in force: %s/%s is missing or looser", dir, file);
    return cage_error_hint(err, "use a machine with cgroup v2 and systemd, or set enforce = \"warn\" in "
                                "[sandbox.resources]");
}

int cage_limits_verify(const struct cage_limits_way *way, const struct cage_limits_system *system, pid_t pid,
                       struct cage_limits_group *group, struct cage_error *err)
{
    cage_autofree char *dir = cage_format("/proc/%ld", (long)pid);
    cage_autofree char *text = NULL;
    cage_autofree char *own = NULL;
    cage_autofree char *events = NULL;
    cage_autofree char *found = NULL;
    cage_autofree char *now = NULL;
    const struct cage_limits *l = &way->limits;

    if (way->method == CAGE_LIMITS_NONE || way->method == CAGE_LIMITS_FALLBACK)
        return 0;
    /* Here it costs nothing any more: it had the whole time that bwrap took. */
    cage_scope_free(group->scope);
    group->scope = NULL;
    text = cage_limits_read(dir, "cgroup");
    own = cage_limits_parse_own(text ? text : "");
    found = own ? cage_format("%s%s", system->cgroup_root, own) : NULL;
    now = found ? cage_path_clean(found) : NULL;
    /* What is in a group of ours is killed at the end: it must not become another one. */
    if (!now || (group->ours && strcmp(now, group->path) != 0)) {
        cage_error_set(err, CAGE_ERR_CAGE, "the cage is in no cgroup v2 group%s: its limits are not in force",
                       now ? " of its own" : "");
        return cage_error_hint(
            err, "something moved it: run it again, or set enforce = \"warn\" in [sandbox.resources]");
    }
    free(group->path);
    group->path = cage_steal(&now);
    if (check_limit(group->path, "cpu.max", l->cpus, err) < 0 ||
        check_limit(group->path, "memory.max", (double)l->memory, err) < 0 ||
        check_limit(group->path, "pids.max", (double)l->pids, err) < 0)
        return -1;
    events = cage_path_join(group->path, "memory.events");
    cage_close(&group->events_fd);
    group->events_fd = open(events, O_RDONLY | O_CLOEXEC);
    return 0;
}

bool cage_limits_oom_killed(const struct cage_limits_group *group)
{
    char text[1024];
    const char *at;
    ssize_t n;

    if (group->events_fd < 0)
        return false;
    n = pread(group->events_fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return false;
    text[n] = '\0';
    at = strstr(text, "oom_kill ");
    return at && (at == text || at[-1] == '\n') && strtoull(at + strlen("oom_kill "), NULL, 10) > 0;
}

void cage_limits_group_finish(struct cage_limits_group *group)
{
    cage_close(&group->events_fd);
    cage_scope_free(group->scope);
    if (group->ours && group->path) {
        /* Everything in the cage is dead by now, or dying: rmdir answers EBUSY until the last task is reaped.
         */
        (void)write_file(group->path, "cgroup.kill", "1");
        for (int i = 0; i < 200 && rmdir(group->path) < 0 && errno == EBUSY; i++)
            poll(NULL, 0, 5);
    }
    free(group->path);
    *group = (struct cage_limits_group){.events_fd = -1};
}
