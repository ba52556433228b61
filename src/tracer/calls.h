/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system calls that nixcage-tracer looks at, and what their arguments are. Pure. */
#ifndef CAGE_TRACER_CALLS_H
#define CAGE_TRACER_CALLS_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

enum { CAGE_CALL_MAX_FILTER = 256 };

struct cage_call {
    const char *name;
    long nr; /* -1: not on this architecture */
    /*
     * One letter an argument: d directory descriptor, s path, f flags of open(2), h struct open_how, a
     * address of a socket (its length follows), n domain of a socket, - nothing of interest.
     */
    const char *args;
    bool always;    /* else only in a complete trace */
    int empty_flag; /* the argument that may have AT_EMPTY_PATH: then it is about an open file. 0: none */
};

/* The call of this number, or NULL: none of ours. */
const struct cage_call *cage_call_find(long nr);
/* The i-th of the table, or NULL behind the last. */
const struct cage_call *cage_call_at(size_t i);

/*
 * Writes the filter for seccomp(2) that stops a traced process at the calls that are always looked at;
 * returns the number of instructions, at most CAGE_CALL_MAX_FILTER.
 */
size_t cage_call_filter(struct sock_filter filter[CAGE_CALL_MAX_FILTER]);

/* "ENOENT", for the errors that a cage can be the reason of; NULL for others. Static. */
const char *cage_call_error(long error);

#endif
