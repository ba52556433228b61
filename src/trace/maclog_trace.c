/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/maclog_trace.h"
#include "base/fs.h"
#include "trace/maclog.h"
#include "trace/summary.h"

enum { FLUSH_AT = 65536 };

/* What cannot be written is not tried again. */
static void flush_json(struct cage_maclog_trace *trace, size_t from)
{
    struct cage_error ignored;

    if (trace->events < 0 || trace->json.len < from)
        return;
    if (cage_fs_write_all(trace->events, trace->json.buf, trace->json.len, &ignored) < 0)
        trace->events = -1;
    cage_strbuf_reset(&trace->json);
}

static bool take_line(void *context, const char *line, size_t n, const char *tag)
{
    struct cage_maclog_trace *trace = context;
    const struct cage_trace_entry *entry = NULL;
    size_t count = 0;

    if (!cage_maclog_line(&trace->log, line, n, tag, &entry, &count))
        return false;
    if (entry && trace->events >= 0) {
        cage_trace_event_json(entry, count, &trace->json);
        flush_json(trace, FLUSH_AT);
    }
    return true;
}

void cage_maclog_trace_init(struct cage_maclog_trace *trace, const struct cage_judge *judge, int events)
{
    *trace = (struct cage_maclog_trace){.events = events, .denials = {.take = take_line, .context = trace}};
    cage_trace_log_init(&trace->log, judge, NULL, NULL);
    cage_strbuf_init(&trace->json);
}

void cage_maclog_trace_finish(struct cage_maclog_trace *trace)
{
    cage_trace_log_finish(&trace->log);
    cage_strbuf_finish(&trace->json);
    *trace = (struct cage_maclog_trace){.events = -1};
}

void cage_maclog_trace_end(struct cage_maclog_trace *trace, struct cage_strbuf *summary)
{
    cage_trace_summary(&trace->log, summary);
    if (trace->events >= 0) {
        cage_trace_summary_json(&trace->log, &trace->json);
        flush_json(trace, 0);
    }
}
