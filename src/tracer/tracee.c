/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tracer/tracee.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CHUNK = 256, PAGE = 4096 };

static struct cage_tracee **find(struct cage_tracees *tracees, pid_t tid)
{
    struct cage_tracee **slot = &tracees->buckets[(unsigned)tid % CAGE_TRACEE_BUCKETS];

    while (*slot && (*slot)->tid != tid)
        slot = &(*slot)->next;
    return slot;
}

struct cage_tracee *cage_tracee_get(struct cage_tracees *tracees, pid_t tid)
{
    struct cage_tracee **slot = find(tracees, tid);

    if (!*slot) {
        *slot = cage_alloc(sizeof **slot);
        (*slot)->tid = tid;
    }
    return *slot;
}

void cage_tracee_drop(struct cage_tracees *tracees, pid_t tid)
{
    struct cage_tracee **slot = find(tracees, tid), *gone = *slot;

    if (!gone)
        return;
    *slot = gone->next;
    free(gone->early);
    free(gone);
}

void cage_tracee_rename(struct cage_tracees *tracees, pid_t from, pid_t to)
{
    struct cage_tracee **slot, *tracee;

    if (from == to)
        return;
    cage_tracee_drop(tracees, to);
    slot = find(tracees, from);
    tracee = *slot;
    if (!tracee)
        return;
    *slot = tracee->next;
    tracee->tid = to;
    slot = find(tracees, to);
    tracee->next = *slot;
    *slot = tracee;
}

void cage_tracee_leave(struct cage_tracee *tracee)
{
    tracee->call = NULL;
    free(tracee->early);
    tracee->early = NULL;
}

/* Works also for a process that is not dumpable, such as the cage's init. */
static bool peek(pid_t tid, uint64_t at, void *data, size_t n)
{
    unsigned char *to = data;

    while (n > 0) {
        uint64_t start = at & ~(uint64_t)(sizeof(long) - 1);
        size_t skip = (size_t)(at - start), part = sizeof(long) - skip < n ? sizeof(long) - skip : n;
        long word;

        errno = 0;
        word = ptrace(PTRACE_PEEKDATA, tid, (void *)(uintptr_t)start, NULL);
        if (errno)
            return false;
        memcpy(to, (const char *)&word + skip, part);
        to += part;
        at += part;
        n -= part;
    }
    return true;
}

bool cage_tracee_read(pid_t tid, uint64_t at, void *data, size_t n)
{
    struct iovec here = {data, n}, there = {(void *)(uintptr_t)at, n};

    return process_vm_readv(tid, &here, 1, &there, 1, 0) == (ssize_t)n || peek(tid, at, data, n);
}

bool cage_tracee_string(pid_t tid, uint64_t at, struct cage_strbuf *out)
{
    char chunk[CHUNK];

    for (size_t total = 0; at && total < PATH_MAX;) {
        size_t n = PAGE - (size_t)(at % PAGE); /* the next page may not be there */
        const char *end;

        if (n > sizeof chunk)
            n = sizeof chunk;
        if (!cage_tracee_read(tid, at, chunk, n))
            return false;
        end = memchr(chunk, '\0', n);
        cage_strbuf_add_bytes(out, chunk, end ? (size_t)(end - chunk) : n);
        if (end)
            return true;
        at += n;
        total += n;
    }
    return false;
}

const char *cage_tracee_comm(struct cage_tracee *tracee)
{
    char path[64];
    cage_autofd int fd = -1;
    ssize_t n;

    if (tracee->comm[0])
        return tracee->comm;
    snprintf(path, sizeof path, "/proc/%ld/comm", (long)tracee->tid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? 0 : read(fd, tracee->comm, sizeof tracee->comm - 1);
    tracee->comm[n > 0 ? n - 1 : 0] = '\0'; /* its newline */
    for (char *c = tracee->comm; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f || strchr("<>", *c))
            *c = '?';
    return tracee->comm;
}

bool cage_tracee_dir(pid_t tid, int fd, struct cage_strbuf *out)
{
    char link[64], path[PATH_MAX];
    ssize_t n;

    if (fd == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/%ld/cwd", (long)tid);
    else
        snprintf(link, sizeof link, "/proc/%ld/fd/%d", (long)tid, fd);
    n = readlink(link, path, sizeof path);
    if (n <= 0 || n == (ssize_t)sizeof path || path[0] != '/')
        return false;
    cage_strbuf_add_bytes(out, path, (size_t)n);
    return true;
}
