/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A transient scope of systemd: asked for on the manager's private socket, as systemctl(1) and systemd-run(1)
 * do it, so that no bus daemon is needed.
 */
#ifndef CAGE_LIMITS_SCOPE_H
#define CAGE_LIMITS_SCOPE_H

#include "base/strbuf.h"
#include "limits/limits.h"

#include <sys/types.h>

/* What is asked for. */
struct cage_scope_request {
    const char *manager; /* path of the socket */
    /*
     * A cgroup.procs that may be opened for writing, or NULL. Before a process is moved to another cgroup,
     * the kernel waits until every processor has been through its scheduler (an RCU grace period: two or
     * three ticks, 10 ms with 250 of them a second), unless somebody moved one a moment ago. A write that
     * moves nobody, and even one that is refused then, has it begin with that while systemd still reads the
     * request.
     */
    const char *hurry;
    const char *unit;  /* "NAME.scope" */
    const char *slice; /* where it is put; NULL: where systemd puts scopes */
    pid_t pid;         /* who is to be in it; its children follow when they are born in it */
    const struct cage_limits *limits;
};

struct cage_scope; /* one that was asked for */

/*
 * Asks, and does not wait for the answer: a process of its own does, which is in the scope beside `pid` until
 * it was told. Else a nixcage that is killed meanwhile would leave an empty scope for ever: `pid` ends with
 * it, and systemd takes a scope away when the last one leaves, not when nobody ever came. The caller gives
 * the result to cage_scope_free(); NULL on failure.
 */
struct cage_scope *cage_scope_ask(const struct cage_scope_request *request, struct cage_error *err);

/*
 * Waits until `pid` is in its scope: ten seconds at most for a manager to take the request, and as long for
 * its answer. -1: it is not, and *err has the reason, systemd's if it gave one.
 */
int cage_scope_wait(struct cage_scope *scope, struct cage_error *err) CAGE_MUST_CHECK;

/*
 * After cage_scope_wait(): who asked is gone and no longer counts in the scope. Before: leaves it to itself.
 * Accepts NULL.
 */
void cage_scope_free(struct cage_scope *scope);

/* What was understood of the answer so far. Internal, and for tests. */
struct cage_scope_talk {
    const char *unit;
    struct cage_strbuf got; /* not understood yet */
    bool greeted;           /* the lines before the messages are over */
    char *job;              /* what was answered; NULL: nothing yet */
    char *ended, *result;   /* the job of our unit that has ended, and how; NULL: none yet */
};

/* Begins one; unit stays the caller's. */
void cage_scope_talk_init(struct cage_scope_talk *talk, const char *unit);
/* Frees what it owns. */
void cage_scope_talk_finish(struct cage_scope_talk *talk);

/*
 * Takes n bytes that the manager sent, divided as they come. Returns 1 when the processes are in their scope,
 * 0 when there is more to wait for, -1 when they will not be.
 */
int cage_scope_talk_take(struct cage_scope_talk *talk, const void *data, size_t n,
                         struct cage_error *err) CAGE_MUST_CHECK;

#endif
