/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nixcage for a systemd that has no controllers to give, where it refuses: linked with these two functions
 * around the real ones (ld --wrap), which look at a made-up cgroup tree that says what is wanted. All the
 * rest, the scope of systemd too, is as it is. For timing only: nothing is limited.
 */
#include "base/fs.h"
#include "base/mem.h"
#include "limits/limits_internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TREE "/run/nixcage-held"

int __real_cage_limits_choose(struct cage_limits_way *way, const struct cage_limits *limits,
                              const struct cage_limits_system *system, bool require, struct cage_error *err);
int __real_cage_limits_verify(const struct cage_limits_way *way, const struct cage_limits_system *system,
                              pid_t pid, struct cage_limits_group *group, struct cage_error *err);
int __wrap_cage_limits_choose(struct cage_limits_way *way, const struct cage_limits *limits,
                              const struct cage_limits_system *system, bool require, struct cage_error *err);
int __wrap_cage_limits_verify(const struct cage_limits_way *way, const struct cage_limits_system *system,
                              pid_t pid, struct cage_limits_group *group, struct cage_error *err);

static struct cage_limits_system elsewhere(const struct cage_limits_system *system)
{
    struct cage_limits_system copy = *system;

    copy.cgroup_root = TREE;
    copy.check_type = false;
    return copy;
}

int __wrap_cage_limits_choose(struct cage_limits_way *way, const struct cage_limits *limits,
                              const struct cage_limits_system *system, bool require, struct cage_error *err)
{
    struct cage_limits_system copy = elsewhere(system);
    int rc = __real_cage_limits_choose(way, limits, &copy, require, err);

    /* Of the real tree, in which systemd works. */
    if (way->manager && !way->hurry)
        way->hurry = cage_limits_writable(system);
    return rc;
}

/* cost-guest.sh has made one directory of limits; the way to it is that of the scope. */
int __wrap_cage_limits_verify(const struct cage_limits_way *way, const struct cage_limits_system *system,
                              pid_t pid, struct cage_limits_group *group, struct cage_error *err)
{
    struct cage_limits_system copy = elsewhere(system);
    cage_autofree char *file = cage_format("/proc/%ld/cgroup", (long)pid);
    CAGE_STRBUF_AUTO text = {0};
    cage_autofree char *own = NULL;
    cage_autofree char *dir = NULL;
    cage_autofree char *up = NULL;

    cage_strbuf_init(&text);
    if (cage_fs_read(AT_FDCWD, file, 65536, &text, err) < 0)
        return -1;
    own = cage_limits_parse_own(text.buf);
    /* What is timed is the way of nixcage only when it led into the scope. */
    if (!own || !strstr(own, "/" CAGE_LIMITS_GROUP_PREFIX))
        return cage_error_set(err, CAGE_ERR_CAGE, "process %ld is in no scope: %s", (long)pid, text.buf);
    dir = cage_format("%s%s", TREE, own);
    up = cage_strdup(dir);
    *strrchr(up, '/') = '\0';
    if (cage_fs_mkdirs(up, 0700, err) < 0 || symlink(TREE "/limits", dir) < 0)
        return cage_error_set(err, CAGE_ERR_CAGE, "cannot make %s", dir);
    return __real_cage_limits_verify(way, &copy, pid, group, err);
}
