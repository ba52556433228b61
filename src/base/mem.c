/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *cage_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);

    if (!p)
        abort();
    return p;
}

void *cage_realloc_array(void *old, size_t n, size_t size)
{
    void *p;

    if (size && n > SIZE_MAX / size)
        abort();
    p = realloc(old, n && size ? n * size : 1);
    if (!p)
        abort();
    return p;
}

char *cage_strdup(const char *s)
{
    return s ? cage_strndup(s, strlen(s)) : NULL;
}

char *cage_strndup(const char *s, size_t n)
{
    char *p = cage_alloc(n + 1);

    memcpy(p, s, n);
    return p;
}

char *cage_format(const char *fmt, ...)
{
    va_list ap;
    char *s = NULL;

    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        abort();
    va_end(ap);
    return s;
}

char *cage_steal(char **slot)
{
    char *p = *slot;

    *slot = NULL;
    return p;
}

int cage_steal_fd(int *slot)
{
    int fd = *slot;

    *slot = -1;
    return fd;
}

void cage_close(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

void cage_cleanup_free(void *p)
{
    int saved = errno;

    free(*(void **)p);
    errno = saved;
}

void cage_cleanup_fd(int *fd)
{
    cage_close(fd);
}

void cage_cleanup_file(FILE **f)
{
    int saved = errno;

    if (*f)
        fclose(*f);
    errno = saved;
}
