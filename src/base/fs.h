/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files: whole reads, atomic writes, directories, locks, openat2(2). */
#ifndef CAGE_BASE_FS_H
#define CAGE_BASE_FS_H

#include "base/error.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Appends the file `path` (relative to dirfd, which may be AT_FDCWD) to *out.
 * Fails when it is not a regular file or larger than max bytes. err->sys says why.
 */
int cage_fs_read(int dirfd, const char *path, size_t max, struct cage_strbuf *out,
                 struct cage_error *err) CAGE_MUST_CHECK;

/* Appends what is left in fd up to max bytes (more is an error). */
int cage_fs_read_fd(int fd, size_t max, struct cage_strbuf *out, struct cage_error *err) CAGE_MUST_CHECK;

/* Writes all n bytes to fd, restarting after EINTR and short writes. */
int cage_fs_write_all(int fd, const void *data, size_t n, struct cage_error *err) CAGE_MUST_CHECK;

/* Removes the temporary files of cage_fs_write_atomic() for dirfd/path that no living process holds
 * (flock(2)). */
void cage_fs_sweep(int dirfd, const char *path);

/*
 * Replaces or makes dirfd/path with the given contents so that a reader, a crash or a
 * full disk sees the old file or the new one and nothing between: temporary file
 * `.NAME.nixcage-PID-N` beside it with mode (less umask), fsync, rename, fsync of the directory. A failure
 * leaves the old file and no temporary one; those of processes that died are removed first.
 */
int cage_fs_write_atomic(int dirfd, const char *path, const void *data, size_t n, mode_t mode,
                         struct cage_error *err) CAGE_MUST_CHECK;

/* mkdir -p: makes path and its missing parents with mode (less umask). Existing directories are kept. */
int cage_fs_mkdirs(const char *path, mode_t mode, struct cage_error *err) CAGE_MUST_CHECK;

/*
 * Removes dirfd/path and everything below, never following a symlink and never
 * crossing into another file system. Trees may be deeper than PATH_MAX. A path that is not there is no error.
 */
int cage_fs_remove_tree(int dirfd, const char *path, struct cage_error *err) CAGE_MUST_CHECK;

/*
 * Takes an exclusive flock(2) on the file path (made with 0600 if missing) and
 * returns its descriptor (close-on-exec), or -1. wait: block until it is free,
 * else fail with err->sys == EWOULDBLOCK. Closing the descriptor releases it.
 */
int cage_fs_lock(const char *path, bool wait, struct cage_error *err) CAGE_MUST_CHECK;

/*
 * openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS and O_CLOEXEC:
 * opens path below dirfd, or fails with ELOOP/EXDEV where a symlink or ".." takes part. flags
 * without O_CREAT; O_PATH | O_NOFOLLOW opens a symlink that is the last component itself.
 * Returns the descriptor or -1 with errno set. Where the kernel has no openat2 (before 5.6)
 * the components are walked one by one with O_NOFOLLOW.
 */
int cage_fs_open_beneath(int dirfd, const char *path, int flags);

/* A close-on-exec memfd with these contents, offset 0, or -1. name is for debugging. */
int cage_fs_memfd(const char *name, const void *data, size_t n, struct cage_error *err) CAGE_MUST_CHECK;

/* readlink(2) with a buffer that fits. Returns NULL with errno set on failure. The caller frees. */
char *cage_fs_readlink(int dirfd, const char *path);

#endif
