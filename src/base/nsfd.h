/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A namespace of another process, and the user namespace that owns it. Whoever made a user namespace has all
 * capabilities in it (user_namespaces(7)), so a child of ours may enter both (setns(2)).
 */
#ifndef CAGE_BASE_NSFD_H
#define CAGE_BASE_NSFD_H

#include "base/error.h"

#include <sys/types.h>

enum cage_ns_kind { CAGE_NS_MOUNT, CAGE_NS_NET };

struct cage_ns {
    enum cage_ns_kind kind;
    int fd;      /* -1: not open */
    int user_fd; /* the user namespace that owns it; -1: the one this process is in, nothing to enter */
};

/* Opens a namespace of process pid (/proc/PID/ns/…), and finds its owner (ioctl_ns(2)). */
int cage_ns_open(struct cage_ns *ns, pid_t pid, enum cage_ns_kind kind,
                 struct cage_error *err) CAGE_MUST_CHECK;

/* Moves the calling process there; it must have one thread. Returns 0, or -1 with errno. */
int cage_ns_enter(const struct cage_ns *ns) CAGE_MUST_CHECK;

/* Closes both; a finished one may be finished again. */
void cage_ns_finish(struct cage_ns *ns);

#endif
