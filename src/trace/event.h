/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A failed call: what was tried, by whom, on what. Pure. */
#ifndef CAGE_TRACE_EVENT_H
#define CAGE_TRACE_EVENT_H

#include "trace/strace_line.h"

#include <stdbool.h>
#include <stdint.h>

enum cage_event_kind {
    CAGE_EVENT_FILE,    /* target is an absolute path in the cage */
    CAGE_EVENT_NET,     /* target is an address; port is set */
    CAGE_EVENT_UNIX,    /* target is the path of a socket, or "@name" of an abstract one */
    CAGE_EVENT_REFUSED, /* a call that the system call filter may have refused; target is what it was about,
                           or "" */
    CAGE_EVENT_SYSTEM,  /* macOS: target is a service, a value of the kernel's, a process, or "" */
};

struct cage_event {
    enum cage_event_kind kind;
    long pid;
    char *program; /* its name as the kernel has it: at most 15 bytes (macOS: 32) */
    char *call;    /* "openat"; macOS: the operation, "file-read-data" */
    char *error;   /* "ENOENT"; macOS: "denied", its log has no more */
    char *target;
    char *other; /* rename(2) that answers EBUSY: the new name, which it may be about just as well; or NULL */
    uint16_t port;
    bool write;   /* would change or make something */
    bool execute; /* would run it */
};

/* Tells the current directory of a process, for calls that name no directory. The caller frees; NULL: gone.
 */
typedef char *cage_event_cwd(void *context, long pid);

/*
 * Makes an event of a whole call. False: it did not fail, or not in a way that a cage has a part in. What is
 * filled is freed by cage_event_finish(), which accepts a zeroed one.
 */
bool cage_event_read(const struct cage_strace_line *line, cage_event_cwd *cwd, void *context,
                     struct cage_event *event);
/* Frees what it owns; accepts a zeroed one. */
void cage_event_finish(struct cage_event *event);

#endif
