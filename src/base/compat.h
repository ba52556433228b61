/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Linux has and macOS spells otherwise, under Linux's name. meson.build puts it before every file when
 * it builds for macOS; nowhere else is it read.
 */
#ifndef CAGE_BASE_COMPAT_H
#define CAGE_BASE_COMPAT_H

#ifdef __APPLE__

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#define st_atim st_atimespec
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec

/* pipe2(2). Not atomic: another thread that forks in between would leak the pipe; we have no threads. */
static inline int cage_compat_pipe2(int fds[2], int flags)
{
    if (pipe(fds) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        if (flags & O_CLOEXEC)
            (void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
        if (flags & O_NONBLOCK)
            (void)fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

#define pipe2 cage_compat_pipe2

/* memrchr(3) */
static inline void *cage_compat_memrchr(const void *data, int c, size_t n)
{
    const unsigned char *p = (const unsigned char *)data + n;

    while (n-- > 0)
        if (*--p == (unsigned char)c)
            return (void *)(uintptr_t)p;
    return NULL;
}

#define memrchr cage_compat_memrchr

#endif
#endif
