/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Between a file's name and the process that writes its next contents. */
#define TEMPORARY ".nixcage-"

int cage_fs_read_fd(int fd, size_t max, struct cage_strbuf *out, struct cage_error *err)
{
    char chunk[4096]; /* most files are smaller, and the compiler clears it each time */
    size_t total = 0;

    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cage_error_sys(err, errno, "cannot read");
        if (n == 0)
            return 0;
        total += (size_t)n;
        if (total > max)
            return cage_error_sys(err, EFBIG, "larger than %zu bytes", max);
        cage_strbuf_add_bytes(out, chunk, (size_t)n);
    }
}

int cage_fs_read(int dirfd, const char *path, size_t max, struct cage_strbuf *out, struct cage_error *err)
{
    cage_autofd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0)
        return cage_error_sys(err, errno, "cannot open %s", path);
    if (fstat(fd, &st) < 0)
        return cage_error_sys(err, errno, "cannot stat %s", path);
    if (!S_ISREG(st.st_mode))
        return cage_error_sys(err, EINVAL, "%s is not a regular file", path);
    if (cage_fs_read_fd(fd, max, out, err) < 0)
        return cage_error_wrap(err, "%s", path);
    return 0;
}

int cage_fs_write_all(int fd, const void *data, size_t n, struct cage_error *err)
{
    const char *p = data;

    while (n > 0) {
        ssize_t done = write(fd, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return cage_error_sys(err, errno, "cannot write");
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* Whether entry is a name that open_temporary() gives for base: ".BASE.nixcage-PID-N". */
static bool is_temporary(const char *entry, const char *base)
{
    size_t len = strlen(base), digits;

    if (entry[0] != '.' || strncmp(entry + 1, base, len) != 0 ||
        strncmp(entry + 1 + len, TEMPORARY, strlen(TEMPORARY)) != 0)
        return false;
    entry += 1 + len + strlen(TEMPORARY);
    digits = strspn(entry, "0123456789");
    return digits > 0 && entry[digits] == '-' &&
           entry[digits + 1 + strspn(entry + digits + 1, "0123456789")] == '\0';
}

void cage_fs_sweep(int dirfd, const char *path)
{
    cage_autofree char *dir = cage_path_dirname(path);
    int fd = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (!list) {
        cage_close(&fd);
        return;
    }
    while ((e = readdir(list))) {
        cage_autofd int file = -1;

        if (!is_temporary(e->d_name, cage_path_basename(path)))
            continue;
        file = openat(fd, e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0)
            unlinkat(fd, e->d_name, 0);
    }
    closedir(list);
}

/* The lock tells that its process is alive. True: somebody swept the file away before it was ours. */
static bool is_lost(int fd)
{
    struct stat st;

    while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
        ;
    return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

/* Opens a new file beside path; *name is its path relative to dirfd. */
static int open_temporary(int dirfd, const char *path, mode_t mode, char **name, struct cage_error *err)
{
    cage_autofree char *dir = cage_path_dirname(path);

    for (int i = 0; i < 100; i++) {
        int fd;

        free(*name);
        *name = cage_format("%s/.%s" TEMPORARY "%ld-%d", dir, cage_path_basename(path), (long)getpid(), i);
        fd = openat(dirfd, *name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0 && errno != EEXIST)
            return cage_error_sys(err, errno, "cannot create %s", *name);
        if (fd >= 0 && !is_lost(fd))
            return fd;
        cage_close(&fd);
    }
    return cage_error_sys(err, EEXIST, "cannot create a temporary file beside %s", path);
}

static int sync_directory_of(int dirfd, const char *path, struct cage_error *err)
{
    cage_autofree char *dir = cage_path_dirname(path);
    cage_autofd int fd = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL && errno != EROFS))
        return cage_error_sys(err, errno, "cannot sync %s", dir);
    return 0;
}

int cage_fs_write_atomic(int dirfd, const char *path, const void *data, size_t n, mode_t mode,
                         struct cage_error *err)
{
    cage_autofree char *tmp = NULL;
    cage_autofd int fd = -1;

    cage_fs_sweep(dirfd, path);
    fd = open_temporary(dirfd, path, mode, &tmp, err);
    if (fd < 0)
        return -1;
    if (cage_fs_write_all(fd, data, n, err) < 0) {
        cage_error_wrap(err, "%s", path);
    } else if (fsync(fd) < 0) {
        cage_error_sys(err, errno, "cannot sync %s", tmp);
    } else if (renameat(dirfd, tmp, dirfd, path) < 0) {
        cage_error_sys(err, errno, "cannot rename %s to %s", tmp, path);
    } else {
        return sync_directory_of(dirfd, path, err);
    }
    unlinkat(dirfd, tmp, 0);
    return -1;
}

int cage_fs_mkdirs(const char *path, mode_t mode, struct cage_error *err)
{
    cage_autofree char *clean = cage_path_clean(path);
    struct stat st;

    for (char *p = clean + 1; p[-1]; p++) {
        char saved = *p;

        if (saved != '/' && saved != '\0')
            continue;
        *p = '\0';
        if (mkdir(clean, mode) < 0 && errno != EEXIST &&
            !((errno == EROFS || errno == EISDIR) && stat(clean, &st) == 0))
            return cage_error_sys(err, errno, "cannot create the directory %s", clean);
        *p = saved;
        if (!saved)
            break;
    }
    if (stat(clean, &st) < 0)
        return cage_error_sys(err, errno, "cannot create the directory %s", clean);
    if (!S_ISDIR(st.st_mode))
        return cage_error_sys(err, ENOTDIR, "cannot create the directory %s", clean);
    return 0;
}

enum { REMOVE_DEPTH = 64 }; /* a descriptor is open for every level */

/* The removal of one tree. */
struct removal {
    int top;        /* the topmost directory; -1: not open yet */
    unsigned moved; /* directories that were moved up into it because they were too deep */
    struct cage_error *err;
};

static int remove_at(struct removal *r, int dirfd, const char *name, dev_t dev, int depth);

static int remove_entries(struct removal *r, DIR *dir, dev_t dev, int depth)
{
    struct dirent *e;

    while ((e = readdir(dir)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            remove_at(r, dirfd(dir), e->d_name, dev, depth) < 0)
            return -1;
    return 0;
}

/* Takes fd. The topmost directory is gone through again as long as something was moved up into it. */
static int remove_contents(struct removal *r, int take_fd, const char *name, dev_t dev, int depth)
{
    DIR *dir = fdopendir(take_fd);
    unsigned moved;
    int rc;

    if (!dir) {
        rc = cage_error_sys(r->err, errno, "cannot list %s", name);
        close(take_fd);
        return rc;
    }
    if (depth == 1)
        r->top = take_fd;
    do {
        moved = r->moved;
        rewinddir(dir);
        rc = remove_entries(r, dir, dev, depth);
    } while (rc == 0 && depth == 1 && r->moved != moved);
    closedir(dir);
    return rc;
}

/* Store copies and Nix build trees hold read-only directories: owners may open those up again. */
static int open_for_removal(int dirfd, const char *name, mode_t mode)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dirfd, name, flags);

    if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
        fd = openat(dirfd, name, flags);
    if (fd >= 0 && (mode & S_IRWXU) != S_IRWXU)
        (void)fchmod(fd, 0700);
    return fd;
}

static int move_up(struct removal *r, int dirfd, const char *name)
{
    for (int i = 0; i < 100; i++) {
        char fresh[64];

        snprintf(fresh, sizeof fresh, ".nixcage-deep-%u", r->moved++);
        if (renameat(dirfd, name, r->top, fresh) == 0)
            return 0;
        if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
            break;
    }
    return cage_error_sys(r->err, errno, "cannot remove %s", name);
}

static int remove_at(struct removal *r, int dirfd, const char *name, dev_t dev, int depth)
{
    struct stat st;
    int fd;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : cage_error_sys(r->err, errno, "cannot remove %s", name);
    if (S_ISDIR(st.st_mode)) {
        if (depth > 0 && st.st_dev != dev)
            return cage_error_sys(r->err, EXDEV, "cannot remove %s: a file system is mounted there", name);
        fd = open_for_removal(dirfd, name, st.st_mode);
        if (fd < 0)
            return errno == ENOENT ? 0 : cage_error_sys(r->err, errno, "cannot open %s", name);
        if (depth >= REMOVE_DEPTH) {
            close(fd);
            return move_up(r, dirfd, name);
        }
        if (remove_contents(r, fd, name, st.st_dev, depth + 1) < 0)
            return -1;
    }
    if (unlinkat(dirfd, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT)
        return cage_error_sys(r->err, errno, "cannot remove %s", name);
    return 0;
}

int cage_fs_remove_tree(int dirfd, const char *path, struct cage_error *err)
{
    struct removal r = {.top = -1, .err = err};

    return remove_at(&r, dirfd, path, 0, 0);
}

int cage_fs_lock(const char *path, bool wait, struct cage_error *err)
{
    cage_autofd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc;

    if (fd < 0)
        return cage_error_sys(err, errno, "cannot open the lock %s", path);
    do
        rc = flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return cage_error_sys(err, errno, "cannot lock %s", path);
    return cage_steal_fd(&fd);
}

char *cage_fs_readlink(int dirfd, const char *path)
{
    for (size_t size = 256; size <= 65536; size *= 2) {
        char *buf = cage_alloc(size);
        ssize_t n = readlinkat(dirfd, path, buf, size);

        if (n >= 0 && (size_t)n < size) {
            buf[n] = '\0';
            return buf;
        }
        free(buf);
        if (n < 0)
            return NULL;
    }
    errno = ENAMETOOLONG;
    return NULL;
}
