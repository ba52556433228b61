/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/kernel.h"
#include "base/mem.h"

#include <errno.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

/* From asm-generic/unistd.h; these numbers are the same everywhere. */
enum {
    NR_OPEN_TREE = 428,
    NR_PIDFD_OPEN = 434,
    NR_CLOSE_RANGE = 436,
    NR_OPENAT2 = 437,
    NR_MOUNT_SETATTR = 442,
};

/* With arguments that are wrong everywhere: what is there says EBADF, EINVAL or EFAULT. */
static bool is_there(long number)
{
    return syscall(number, -1L, "", -1L, "", 0L) >= 0 || (errno != ENOSYS && errno != EPERM);
}

static bool has_seccomp(void)
{
    uint32_t action = SECCOMP_RET_ERRNO;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* Whether the number in a sysctl is not 0; what is not there does not forbid anything. */
static bool allows(const struct cage_host *host, const char *file)
{
    cage_autofree char *text = host->read_small(host, file);

    return !text || strtoull(text, NULL, 10) > 0;
}

static bool has_user_namespaces(const struct cage_host *host)
{
    return access("/proc/self/ns/user", F_OK) == 0 && allows(host, "/proc/sys/user/max_user_namespaces") &&
           (host->uid == 0 || allows(host, "/proc/sys/kernel/unprivileged_userns_clone"));
}

/* Words of a line, as in cgroup.controllers. */
static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = text; at && (at = strstr(at, word)); at += n)
        if ((at == text || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\n' || at[n] == '\0'))
            return true;
    return false;
}

void cage_kernel_probe(const struct cage_host *host, struct cage_kernel *kernel)
{
    cage_autofree char *controllers = host->read_small(host, "/sys/fs/cgroup/cgroup.controllers");
    struct statfs fs;
    struct utsname u;

    *kernel = (struct cage_kernel){
        .user_namespaces = has_user_namespaces(host),
        .seccomp = has_seccomp(),
        .landlock_abi = host->landlock_abi,
        .openat2 = is_there(NR_OPENAT2),
        .new_mounts = is_there(NR_OPEN_TREE) && is_there(NR_MOUNT_SETATTR),
        .pidfd = is_there(NR_PIDFD_OPEN),
        .cgroup2 = statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC,
        .cpu = has_word(controllers, "cpu"),
        .memory = has_word(controllers, "memory"),
        .pids = has_word(controllers, "pids"),
    };
    /* From 1 to 0 is no range: EINVAL. */
    kernel->close_range = syscall(NR_CLOSE_RANGE, 1U, 0U, 0U) == 0 || errno != ENOSYS;
    if (uname(&u) == 0)
        snprintf(kernel->release, sizeof kernel->release, "%s", u.release);
}
