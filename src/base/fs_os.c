/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of fs.h that only Linux has in this form; elsewhere they are emulated. */
#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

/* Whether ".." is a component of path. */
static bool climbs(const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");

        if (n == 2 && path[0] == '.' && path[1] == '.')
            return true;
        path += n + (path[n] == '/');
    }
    return false;
}

/*
 * Opens one component that must not be a symlink. O_PATH | O_NOFOLLOW would open the link itself and
 * O_DIRECTORY | O_NOFOLLOW answers ENOTDIR, so look: openat2 says ELOOP for both.
 */
static int open_component(int at, const char *name, int flags)
{
    cage_autofd int fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    int saved = errno;

    if (fd < 0) {
        if (saved == ENOTDIR && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
            saved = ELOOP;
        errno = saved;
        return -1;
    }
    if (!(flags & O_NOFOLLOW) && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) {
        errno = ELOOP;
        return -1;
    }
    return cage_steal_fd(&fd);
}

/* One component at a time, none of them a symlink: what openat2 does in one call. */
static int walk_beneath(int dirfd, const char *path, int flags)
{
    cage_autofd int at = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (at < 0)
        return -1;
    if (!*path) {
        errno = ENOENT;
        return -1;
    }
    for (;;) {
        size_t n = strcspn(path, "/");
        const char *rest = path + n + strspn(path + n, "/");
        cage_autofree char *name = cage_strndup(path, n);
        int next;

        if (n == 0) {
            errno = EXDEV;
            return -1;
        }
        if (!*rest)
            return open_component(at, name, path[n] == '/' ? flags | O_DIRECTORY : flags);
        next = open_component(at, name, O_RDONLY | O_DIRECTORY);
        if (next < 0)
            return -1;
        cage_close(&at);
        at = next;
        path = rest;
    }
}

int cage_fs_open_beneath(int dirfd, const char *path, int flags)
{
#ifdef SYS_openat2
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
    };
    long fd;
#endif

    if (climbs(path)) {
        errno = EXDEV;
        return -1;
    }
#ifdef SYS_openat2
    fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
    /* Old container runtimes' seccomp filters answer EPERM for calls they do not know. */
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
        return (int)fd;
#endif
    return walk_beneath(dirfd, path, flags);
}

int cage_fs_memfd(const char *name, const void *data, size_t n, struct cage_error *err)
{
#ifdef __linux__
    cage_autofd int fd = memfd_create(name, MFD_CLOEXEC);
#else
    char path[] = "/tmp/nixcage-XXXXXX";
    cage_autofd int fd = mkostemp(path, O_CLOEXEC);

    (void)name;
    if (fd >= 0)
        unlink(path);
#endif
    if (fd < 0)
        return cage_error_sys(err, errno, "cannot make a memory file");
    if (cage_fs_write_all(fd, data, n, err) < 0)
        return -1;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return cage_error_sys(err, errno, "cannot rewind a memory file");
    return cage_steal_fd(&fd);
}
