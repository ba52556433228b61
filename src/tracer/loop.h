/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ptrace(2): from stop to stop, until the last process has ended. */
#ifndef CAGE_TRACER_LOOP_H
#define CAGE_TRACER_LOOP_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Attaches to a child, before the filter of cage_call_filter() is in force, and to all that come from it
 * later. 0, or an errno.
 */
int cage_loop_attach(pid_t child);

/*
 * Lets them run and writes a line to `out` (-1: nowhere) for each call of cage_call_find() that failed as
 * cage_call_error() knows it, and for each program that was executed. complete: also of those calls that are
 * not always looked at, and those that another filter refused. Returns how `child` ended, as waitpid(2)
 * tells it; or, as if it had ended with 125, that the kernel is too old to tell one call from another.
 */
int cage_loop_run(pid_t child, bool complete, int out);

#endif
