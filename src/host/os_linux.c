/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fs.h"
#include "base/mem.h"
#include "host/host_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

char *cage_host_own_program(void)
{
    return cage_fs_readlink(AT_FDCWD, "/proc/self/exe");
}

uint64_t cage_host_memory(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

int cage_host_landlock_abi(void)
{
#if defined(SYS_landlock_create_ruleset) && defined(LANDLOCK_CREATE_RULESET_VERSION)
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi > 0 ? (int)abi : 0;
#else
    return 0;
#endif
}

/*
 * /etc/passwd is read directly: getpwuid(3) may load NSS modules, which costs more than everything else here.
 * It is only asked about users that are not in the file (LDAP, systemd-homed).
 */
bool cage_host_find_user(uid_t uid, char **name, char **dir)
{
    cage_autofile FILE *f = fopen("/etc/passwd", "re");
    struct passwd *pw;

    while (f && (pw = fgetpwent(f)))
        if (pw->pw_uid == uid) {
            *name = cage_strdup(pw->pw_name);
            *dir = cage_strdup(pw->pw_dir);
            return true;
        }
    return false;
}

/* The physical path of an open descriptor; realpath(3) where /proc is not there. */
static char *physical_path(int fd, const char *path)
{
    cage_autofree char *link = cage_format("/proc/self/fd/%d", fd);
    char *real = cage_fs_readlink(AT_FDCWD, link);

    if (real && real[0] == '/')
        return real;
    free(real);
    return realpath(path, NULL);
}

int cage_host_stat(const char *path, struct stat *st, char **real)
{
    cage_autofd int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0 || fstat(fd, st) < 0)
        return errno;
    *real = physical_path(fd, path);
    return *real ? 0 : errno;
}
