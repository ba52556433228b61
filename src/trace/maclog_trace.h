/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tracer.h is on Linux: takes the lines of macOS' log as they come, and sums them up in the end. */
#ifndef CAGE_TRACE_MACLOG_TRACE_H
#define CAGE_TRACE_MACLOG_TRACE_H

#include "base/strbuf.h"
#include "run/run.h"
#include "trace/log.h"

struct cage_maclog_trace {
    struct cage_trace_log log;
    struct cage_run_denials
        denials; /* for cage_run_options; its context is the trace, which must stay where it is */
    struct cage_strbuf json;
    int events; /* descriptor for the JSON lines, or -1; not closed */
};

/* What the judge points to must outlive the trace. finish() accepts a zeroed one. */
void cage_maclog_trace_init(struct cage_maclog_trace *trace, const struct cage_judge *judge, int events);
/* Frees what it owns; the file of events stays open. */
void cage_maclog_trace_finish(struct cage_maclog_trace *trace);

/* After the run: appends the summary, and writes the rest of the JSON lines. */
void cage_maclog_trace_end(struct cage_maclog_trace *trace, struct cage_strbuf *summary);

#endif
