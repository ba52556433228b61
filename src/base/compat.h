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
#include <sys/socket.h>
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

/* socket(2) with flags in its type. Writing to a closed socket is an error, not a signal, as with
 * MSG_NOSIGNAL.
 */
enum { SOCK_CLOEXEC = 1 << 30, SOCK_NONBLOCK = 1 << 29 };

static inline int cage_compat_socket(int domain, int type, int protocol)
{
    int one = 1, fd = socket(domain, type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK), protocol);

    if (fd < 0)
        return -1;
    if (type & SOCK_CLOEXEC)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (type & SOCK_NONBLOCK)
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
    return fd;
}

#define socket cage_compat_socket

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* close_range(2) for the flags 0. */
static inline int cage_compat_close_range(unsigned first, unsigned last, unsigned flags)
{
    unsigned end = (unsigned)getdtablesize();

    (void)flags;
    for (unsigned fd = first; fd < end && fd <= last; fd++)
        (void)close((int)fd);
    return 0;
}

#define close_range cage_compat_close_range

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
