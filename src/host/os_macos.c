/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "host/host_internal.h"

#include <errno.h>
#include <mach-o/dyld.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/sysctl.h>
#include <unistd.h>

char *cage_host_own_program(void)
{
    uint32_t size = 0;
    cage_autofree char *path = NULL;

    (void)_NSGetExecutablePath(NULL, &size); /* dyld(3): tells the size */
    path = cage_alloc(size + 1);
    return _NSGetExecutablePath(path, &size) == 0 ? realpath(path, NULL) : NULL;
}

uint64_t cage_host_memory(void)
{
    uint64_t bytes = 0;
    size_t size = sizeof bytes;

    return sysctlbyname("hw.memsize", &bytes, &size, NULL, 0) == 0 ? bytes : 0;
}

int cage_host_landlock_abi(void)
{
    return 0;
}

/* Users are in Open Directory: /etc/passwd only knows the system's own. */
bool cage_host_find_user(uid_t uid, char **name, char **dir)
{
    const struct passwd *pw = getpwuid(uid);

    if (!pw)
        return false;
    *name = cage_strdup(pw->pw_name);
    *dir = cage_strdup(pw->pw_dir);
    return true;
}

int cage_host_stat(const char *path, struct stat *st, char **real)
{
    if (stat(path, st) < 0)
        return errno;
    *real = realpath(path, NULL);
    return *real ? 0 : errno;
}
