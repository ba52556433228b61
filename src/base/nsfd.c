/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/nsfd.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *file, *words;
    int flag;
} kinds[] = {
    [CAGE_NS_MOUNT] = {"mnt", "mount", CLONE_NEWNS},
    [CAGE_NS_NET] = {"net", "network", CLONE_NEWNET},
};

static bool is_own_user_namespace(int fd)
{
    struct stat theirs, ours;

    return fstat(fd, &theirs) == 0 && stat("/proc/self/ns/user", &ours) == 0 &&
           theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

int cage_ns_open(struct cage_ns *ns, pid_t pid, enum cage_ns_kind kind, struct cage_error *err)
{
    char path[64];

    *ns = (struct cage_ns){kind, -1, -1};
    (void)snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, kinds[kind].file);
    ns->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (ns->fd < 0)
        return cage_error_sys(err, errno, "cannot open the %s namespace of the cage", kinds[kind].words);
    ns->user_fd = ioctl(ns->fd, NS_GET_USERNS);
    if (ns->user_fd < 0) {
        cage_error_sys(err, errno, "cannot find the owner of the cage's %s namespace", kinds[kind].words);
        cage_ns_finish(ns);
        return -1;
    }
    (void)fcntl(ns->user_fd, F_SETFD, FD_CLOEXEC);
    if (is_own_user_namespace(ns->user_fd))
        cage_close(&ns->user_fd);
    return 0;
}

int cage_ns_enter(const struct cage_ns *ns)
{
    if (ns->user_fd >= 0 && setns(ns->user_fd, CLONE_NEWUSER) < 0)
        return -1;
    return setns(ns->fd, kinds[ns->kind].flag);
}

void cage_ns_finish(struct cage_ns *ns)
{
    cage_close(&ns->fd);
    cage_close(&ns->user_fd);
}
