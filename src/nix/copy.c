/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nix/copy.h"
#include "base/fs.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/fs.h>
#endif

/* Every file of a Nix store has this time: one second after the epoch. */
static const struct timespec store_times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

static int copy_by_hand(int in, int out, const char *name, struct cage_error *err)
{
    char chunk[65536];

    for (;;) {
        ssize_t n = read(in, chunk, sizeof chunk);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cage_error_sys(err, errno, "cannot read %s", name);
        if (n == 0)
            return 0;
        if (cage_fs_write_all(out, chunk, (size_t)n, err) < 0)
            return cage_error_wrap(err, "%s", name);
    }
}

static int copy_contents(int in, int out, const char *name, struct cage_error *err)
{
#ifdef __linux__
    ssize_t n;

    if (ioctl(out, FICLONE, in) == 0)
        return 0;
    do
        n = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0);
    while (n > 0);
    if (n == 0 && lseek(out, 0, SEEK_CUR) == lseek(in, 0, SEEK_END))
        return 0;
    if (n < 0 && errno == ENOSPC)
        return cage_error_sys(err, errno, "cannot write %s", name);
    /* Not between these file systems, or not for this file: from the start again. */
    if (lseek(in, 0, SEEK_SET) < 0 || lseek(out, 0, SEEK_SET) < 0 || ftruncate(out, 0) < 0)
        return cage_error_sys(err, errno, "cannot copy %s", name);
#endif
    return copy_by_hand(in, out, name, err);
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st,
                     struct cage_error *err)
{
    cage_autofd int in = openat(from_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    cage_autofd int out = -1;

    if (in < 0)
        return cage_error_sys(err, errno, "cannot open %s", name);
    out = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out < 0)
        return cage_error_sys(err, errno, "cannot create %s", name);
    if (copy_contents(in, out, name, err) < 0)
        return -1;
    /* No set-id bits: a store has none. */
    if (fchmod(out, st->st_mode & 0111 ? 0555 : 0444) < 0 || futimens(out, store_times) < 0)
        return cage_error_sys(err, errno, "cannot set the mode of %s", name);
    return 0;
}

static int copy_symlink(int from_dir, int to_dir, const char *name, struct cage_error *err)
{
    cage_autofree char *target = cage_fs_readlink(from_dir, name);

    if (!target || symlinkat(target, to_dir, name) < 0 ||
        utimensat(to_dir, name, store_times, AT_SYMLINK_NOFOLLOW) < 0)
        return cage_error_sys(err, errno, "cannot copy the symlink %s", name);
    return 0;
}

static int copy_entry(int from_dir, int to_dir, const char *name, const struct cage_nix_guard *guard,
                      struct cage_error *err);

static int copy_listing(DIR *dir, int to_fd, const struct cage_nix_guard *guard, struct cage_error *err)
{
    struct dirent *e;

    while ((errno = 0, e = readdir(dir))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (copy_entry(dirfd(dir), to_fd, e->d_name, guard, err) < 0)
            return -1;
    }
    return errno ? cage_error_sys(err, errno, "cannot list a directory") : 0;
}

static int copy_directory(int from_dir, int to_dir, const char *name, const struct cage_nix_guard *guard,
                          struct cage_error *err)
{
    cage_autofd int from_fd = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    cage_autofd int to_fd = -1;
    DIR *dir;
    int rc;

    if (from_fd < 0 || mkdirat(to_dir, name, 0700) < 0)
        return cage_error_sys(err, errno, "cannot copy the directory %s", name);
    to_fd = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    dir = to_fd < 0 ? NULL : fdopendir(from_fd);
    if (!dir)
        return cage_error_sys(err, errno, "cannot open the directory %s", name);
    from_fd = -1; /* dir's now */
    rc = copy_listing(dir, to_fd, guard, err);
    closedir(dir);
    if (rc == 0 && (fchmod(to_fd, 0555) < 0 || futimens(to_fd, store_times) < 0))
        rc = cage_error_sys(err, errno, "cannot set the mode of %s", name);
    return rc;
}

static int copy_entry(int from_dir, int to_dir, const char *name, const struct cage_nix_guard *guard,
                      struct cage_error *err)
{
    struct stat st;

    if (cage_nix_guard_interrupted(guard)) {
        cage_error_set(err, CAGE_ERR_NIX, "interrupted");
        if (err)
            err->sys = EINTR;
        return -1;
    }
    if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return cage_error_sys(err, errno, "cannot stat %s", name);
    if (S_ISREG(st.st_mode))
        return copy_file(from_dir, to_dir, name, &st, err);
    if (S_ISLNK(st.st_mode))
        return copy_symlink(from_dir, to_dir, name, err);
    if (S_ISDIR(st.st_mode))
        return copy_directory(from_dir, to_dir, name, guard, err);
    cage_error_set(err, CAGE_ERR_NIX, "%s is neither a file nor a directory nor a symlink", name);
    return cage_error_hint(err, "the store holds what cannot be copied: use another store_mode");
}

int cage_nix_copy_tree(const char *from_dir, const char *to_dir, const char *name,
                       const struct cage_nix_guard *guard, struct cage_error *err)
{
    cage_autofd int from_fd = open(from_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cage_autofd int to_fd = open(to_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (from_fd < 0)
        return cage_error_sys(err, errno, "cannot open %s", from_dir);
    if (to_fd < 0)
        return cage_error_sys(err, errno, "cannot open %s", to_dir);
    if (copy_entry(from_fd, to_fd, name, guard, err) < 0)
        return cage_error_wrap(err, "cannot copy %s/%s to %s", from_dir, name, to_dir);
    return 0;
}
