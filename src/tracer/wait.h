/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for the next stop, awake while they come thick. */
#ifndef CAGE_TRACER_WAIT_H
#define CAGE_TRACER_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A processor that has nothing to do sleeps, and to wake it takes tens of microseconds, in a virtual machine
 * most: many times what a stop costs else, and a build has ten thousand. So while one stop follows another at
 * once, the tracer asks for the next again and again, for a moment, before it sleeps. It does not where that
 * would take the processor from somebody: when more is to run than there are processors.
 */
struct cage_wait {
    int loadavg;        /* /proc/loadavg; -1: never spin */
    long processors;    /* that we may run on */
    bool hot;           /* the last stop came soon */
    bool free;          /* not more runs than processors are there, */
    int64_t free_until; /* as was seen that long ago (ns of CLOCK_MONOTONIC) */
};

/* Finds out whether waiting awake can pay here: there is more than one processor. */
void cage_wait_init(struct cage_wait *wait);
/* Closes what init() opened. */
void cage_wait_finish(struct cage_wait *wait);

/* waitpid(2) for any child, thread or not. */
pid_t cage_wait_next(struct cage_wait *wait, int *status);

#endif
