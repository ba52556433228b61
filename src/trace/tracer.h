/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run under nixcage-tracer (src/tracer), which writes into a pipe; a process of ours outside the cage reads
 * it as it comes, so that the supervisor stays as it is. The cage cannot reach either.
 */
#ifndef CAGE_TRACE_TRACER_H
#define CAGE_TRACE_TRACER_H

#include "base/error.h"
#include "run/run.h"
#include "trace/judge.h"
#ifdef __linux__
#include "tracer/calls.h"
#endif

#include <sys/types.h>

struct cage_tracer {
    struct cage_wrapper wrapper; /* for cage_run_options */
    pid_t reader;
    int report; /* memory file that the reader fills with the summary */
#ifdef __linux__
    struct sock_filter filter[CAGE_CALL_MAX_FILTER]; /* that the wrapper points to */
#endif
};

/* Nothing is started yet. */
void cage_tracer_init(struct cage_tracer *tracer);

/*
 * Tries whether programs can be traced here and starts the reader. events: descriptor for the JSON lines, or
 * -1; with it the trace is complete (also what the system call filter refuses) and slower. What the judge
 * points to is copied with the process. Fails with CAGE_ERR_MISSING when they cannot.
 */
int cage_tracer_start(struct cage_tracer *tracer, const struct cage_judge *judge, int events,
                      struct cage_error *err) CAGE_MUST_CHECK;

/* After the run: waits for the reader and appends its summary. */
int cage_tracer_end(struct cage_tracer *tracer, struct cage_strbuf *summary,
                    struct cage_error *err) CAGE_MUST_CHECK;
/* Ends the reader, closes and frees; accepts one that was never started. */
void cage_tracer_finish(struct cage_tracer *tracer);

/* The reader's work, apart from being a process: all of `in`, until its end. events -1: none. */
void cage_trace_read(int in, int report, int events, const struct cage_judge *judge);

#endif
