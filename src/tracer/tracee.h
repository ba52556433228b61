/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The processes and threads that are traced: what each is at, its memory, its directories. */
#ifndef CAGE_TRACER_TRACEE_H
#define CAGE_TRACER_TRACEE_H

#include "base/strbuf.h"
#include "tracer/calls.h"

#include <stdint.h>
#include <sys/types.h>

enum { CAGE_TRACEE_COMM = 32, CAGE_CALL_ARGS = 6, CAGE_TRACEE_BUCKETS = 512 };

struct cage_tracee {
    pid_t tid;
    const struct cage_call *call; /* that it is in; NULL: none of ours */
    uint64_t args[CAGE_CALL_ARGS];
    char *early;                 /* the text of an execve(2), made before the memory is gone; or NULL */
    char comm[CAGE_TRACEE_COMM]; /* as it is printed; "": not asked yet */
    struct cage_tracee *next;
};

struct cage_tracees {
    struct cage_tracee *buckets[CAGE_TRACEE_BUCKETS];
};

/* The one with this number, made when there is none. */
struct cage_tracee *cage_tracee_get(struct cage_tracees *tracees, pid_t tid);
/* Forgets one; nothing when there is none. */
void cage_tracee_drop(struct cage_tracees *tracees, pid_t tid);
/* A thread executed a program and got the number of its process, as exec does. */
void cage_tracee_rename(struct cage_tracees *tracees, pid_t from, pid_t to);
/* It is in no call any more. */
void cage_tracee_leave(struct cage_tracee *tracee);

/* Reads n bytes of a stopped tracee's memory, which may be none of the tracer's otherwise. False: not there.
 */
bool cage_tracee_read(pid_t tid, uint64_t at, void *data, size_t n);
/* Appends the string there. False: there is none, or it is longer than a path can be. */
bool cage_tracee_string(pid_t tid, uint64_t at, struct cage_strbuf *out);
/* Its name as the kernel has it, without what would break a line of text. */
const char *cage_tracee_comm(struct cage_tracee *tracee);
/* Appends the path behind a directory descriptor, or behind AT_FDCWD. False: it cannot be told. */
bool cage_tracee_dir(pid_t tid, int fd, struct cage_strbuf *out);

#endif
