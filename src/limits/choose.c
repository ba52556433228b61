/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which way to hold the limits on this machine. Looks, and changes nothing. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "limits/limits_internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/magic.h>
#include <sys/vfs.h>
#endif

const char *cage_limits_method_text(enum cage_limits_method method)
{
    switch (method) {
    case CAGE_LIMITS_SYSTEMD_USER:
        return "cgroup v2, through a scope of the user's systemd";
    case CAGE_LIMITS_SYSTEMD_SYSTEM:
        return "cgroup v2, through a scope of the system's systemd";
    case CAGE_LIMITS_CGROUP:
        return "cgroup v2, in a delegated subtree";
    case CAGE_LIMITS_FALLBACK:
        return "only by affinity and RLIMIT_NPROC: the kernel does not hold them";
    case CAGE_LIMITS_NONE:
        break;
    }
    return "no limits";
}

const char *cage_limits_how(enum cage_limits_method method, enum cage_limit limit, bool is_root)
{
    static const char *const kernel[] = {"cpu.max", "memory.max, without swap", "pids.max"};
    static const char *const fallback[] = {"bound to that many processors", "not limited", "RLIMIT_NPROC"};

    if (method == CAGE_LIMITS_NONE)
        return "no limit";
    if (method != CAGE_LIMITS_FALLBACK)
        return kernel[limit];
    return limit == CAGE_LIMIT_PIDS && is_root ? "not limited: the kernel exempts root" : fallback[limit];
}

void cage_limits_way_finish(struct cage_limits_way *way)
{
    free(way->parent);
    free(way->manager);
    free(way->hurry);
    free(way->why_not);
    *way = (struct cage_limits_way){0};
}

static bool is_cgroup2(const struct cage_limits_system *system)
{
#ifdef __linux__
    struct statfs fs;

    if (!system->check_type)
        return true;
    return statfs(system->cgroup_root, &fs) == 0 && (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC;
#else
    (void)system;
    return false;
#endif
}

bool cage_limits_has_word(const char *text, const char *word)
{
    size_t n = strlen(word);

    while (*text) {
        size_t len = strcspn(text, " \n");

        if (len == n && memcmp(text, word, n) == 0)
            return true;
        text += len;
        text += strspn(text, " \n");
    }
    return false;
}

char *cage_limits_read(const char *dir, const char *name)
{
    cage_autofree char *path = cage_path_join(dir, name);
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    if (cage_fs_read(AT_FDCWD, path, 65536, &text, NULL) < 0)
        return NULL;
    return cage_strbuf_steal(&text);
}

/* The first controller that the limits need and `file` of the directory does not name; NULL: all are there.
 */
static const char *lacking(const char *dir, const char *file, const struct cage_limits *limits)
{
    cage_autofree char *text = cage_limits_read(dir, file);

    if (limits->cpus > 0 && !(text && cage_limits_has_word(text, "cpu")))
        return "cpu";
    if (limits->memory > 0 && !(text && cage_limits_has_word(text, "memory")))
        return "memory";
    if (limits->pids > 0 && !(text && cage_limits_has_word(text, "pids")))
        return "pids";
    return NULL;
}

/* The cgroup of the user's manager (user@.service(5)). */
static char *user_service(const struct cage_limits_system *system)
{
    unsigned uid = (unsigned)getuid();

    return cage_format("%s/user.slice/user-%u.slice/user@%u.service", system->cgroup_root, uid, uid);
}

char *cage_limits_writable(const struct cage_limits_system *system)
{
    cage_autofree char *path = cage_limits_parse_own(system->own_cgroup ? system->own_cgroup : "");
    cage_autofree char *service = user_service(system);
    cage_autofree char *own = cage_format("%s%s/cgroup.procs", system->cgroup_root, path ? path : "");
    cage_autofree char *manager = cage_path_join(service, "cgroup.procs");

    if (path && access(own, W_OK) == 0)
        return cage_steal(&own);
    return access(manager, W_OK) == 0 ? cage_steal(&manager) : NULL;
}

/* The systemd manager that may be asked, and whether it was given the controllers. Else says why not. */
static bool choose_systemd(struct cage_limits_way *way, const struct cage_limits_system *system)
{
    cage_autofree char *private = NULL;
    cage_autofree char *service = NULL;
    const char *missing;

    if (access(system->systemd_dir, F_OK) < 0) {
        way->why_not = cage_strdup("systemd does not run this machine");
        return false;
    }
    if (system->is_root) {
        if (access(system->manager, F_OK) < 0) {
            way->why_not = cage_format("systemd does not answer on %s", system->manager);
            return false;
        }
        /* A container's systemd takes every limit and holds those for which its host left it a controller. */
        missing = lacking(system->cgroup_root, "cgroup.controllers", &way->limits);
        if (missing) {
            way->why_not = cage_format("%s/cgroup.controllers does not name the %s controller",
                                       system->cgroup_root, missing);
            return false;
        }
        way->manager = cage_strdup(system->manager);
        way->method = CAGE_LIMITS_SYSTEMD_SYSTEM;
        return true;
    }
    private = system->runtime_dir ? cage_path_join(system->runtime_dir, "systemd/private") : NULL;
    if (!private || access(private, F_OK) < 0) {
        way->why_not =
            cage_strdup("no systemd manager of this user is running (loginctl enable-linger starts one)");
        return false;
    }
    service = user_service(system);
    missing = lacking(service, "cgroup.controllers", &way->limits);
    if (missing) {
        way->why_not =
            cage_format("the user's systemd manager was not given the %s controller (see Delegate= in "
                        "systemd.resource-control(5))",
                        missing);
        return false;
    }
    way->manager = cage_steal(&private);
    way->method = CAGE_LIMITS_SYSTEMD_USER;
    return true;
}

/* Whether a child of dir can have the limits: we may make it, and the controllers are or can be switched on.
 */
static bool can_hold(const char *dir, const struct cage_limits *limits)
{
    cage_autofree char *control = cage_path_join(dir, "cgroup.subtree_control");
    cage_autofree char *procs = cage_path_join(dir, "cgroup.procs");
    cage_autofree char *members = NULL;

    if (access(dir, W_OK) < 0 || access(procs, W_OK) < 0)
        return false;
    if (!lacking(dir, "cgroup.subtree_control", limits))
        return true;
    if (lacking(dir, "cgroup.controllers", limits) || access(control, W_OK) < 0)
        return false;
    /* A cgroup with processes of its own cannot switch controllers on for children ("no internal processes").
     */
    members = cage_limits_read(dir, "cgroup.procs");
    return members && !*members;
}

static bool choose_cgroup(struct cage_limits_way *way, const struct cage_limits_system *system)
{
    cage_autofree char *own = cage_limits_parse_own(system->own_cgroup);
    cage_autofree char *dir = own ? cage_format("%s%s", system->cgroup_root, own) : NULL;
    cage_autofree char *clean = dir ? cage_path_clean(dir) : NULL;

    while (clean && cage_path_is_under(clean, system->cgroup_root)) {
        char *up;

        if (can_hold(clean, &way->limits)) {
            way->parent = cage_strdup(clean);
            way->method = CAGE_LIMITS_CGROUP;
            return true;
        }
        up = cage_path_dirname(clean);
        free(clean);
        clean = up;
    }
    return false;
}

int cage_limits_choose(struct cage_limits_way *way, const struct cage_limits *limits,
                       const struct cage_limits_system *system, bool require, struct cage_error *err)
{
    *way = (struct cage_limits_way){.limits = *limits, .required = require};
    if (limits->cpus <= 0 && limits->memory == 0 && limits->pids == 0)
        return 0;
    if (!is_cgroup2(system))
        way->why_not = cage_format("%s is not a cgroup v2 hierarchy", system->cgroup_root);
    else if (choose_systemd(way, system)) {
        way->hurry = cage_limits_writable(system);
        return 0;
    } else if (choose_cgroup(way, system))
        return 0;
    if (!require) {
        way->method = CAGE_LIMITS_FALLBACK;
        return 0;
    }
    cage_error_set(err, CAGE_ERR_MISSING, "the limits cannot be enforced here: %s", way->why_not);
    cage_error_hint(err, "log in through systemd with cgroup v2, have a cgroup v2 subtree delegated, "
                         "or set enforce = \"warn\" in [sandbox.resources]");
    cage_limits_way_finish(way);
    return -1;
}
