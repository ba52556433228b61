/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fs.h"
#include "base/mem.h"
#include "trace/log.h"
#include "trace/summary.h"
#include "trace/tracer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 65536, MAX_LINE = 1 << 20, FLUSH_AT = 65536 };

struct reading {
    struct cage_trace_log log;
    struct cage_strbuf line, json;
    bool skipping; /* the rest of a line that is too long */
    int events;
};

static void flush_json(struct reading *reading, size_t from)
{
    struct cage_error ignored;

    if (reading->events < 0 || reading->json.len < from)
        return;
    if (cage_fs_write_all(reading->events, reading->json.buf, reading->json.len, &ignored) < 0)
        reading->events = -1;
    cage_strbuf_reset(&reading->json);
}

static void take_line(struct reading *reading)
{
    const struct cage_trace_entry *entry =
        cage_trace_log_line(&reading->log, reading->line.buf, reading->line.len);

    if (entry && reading->events >= 0) {
        cage_trace_event_json(entry, 1, &reading->json);
        flush_json(reading, FLUSH_AT);
    }
    cage_strbuf_reset(&reading->line);
}

static void take_bytes(struct reading *reading, const char *text, size_t n)
{
    while (n > 0) {
        const char *end = memchr(text, '\n', n);
        size_t part = end ? (size_t)(end - text) : n;

        if (!reading->skipping && reading->line.len + part <= MAX_LINE)
            cage_strbuf_add_bytes(&reading->line, text, part);
        else
            reading->skipping = true;
        if (!end)
            return;
        if (!reading->skipping)
            take_line(reading);
        cage_strbuf_reset(&reading->line);
        reading->skipping = false;
        text += part + 1;
        n -= part + 1;
    }
}

void cage_trace_read(int in, int report, int events, const struct cage_judge *judge)
{
    cage_autofree char *chunk = cage_alloc(CHUNK);
    struct reading reading = {.events = events};
    CAGE_STRBUF_AUTO summary = {0};
    struct cage_error ignored;
    ssize_t n;

    cage_trace_log_init(&reading.log, judge, NULL, NULL);
    cage_strbuf_init(&reading.line);
    cage_strbuf_init(&reading.json);
    cage_strbuf_init(&summary);
    while ((n = read(in, chunk, CHUNK)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            take_bytes(&reading, chunk, (size_t)n);
    cage_trace_summary(&reading.log, &summary);
    (void)!cage_fs_write_all(report, summary.buf, summary.len, &ignored);
    if (events >= 0) {
        cage_trace_summary_json(&reading.log, &reading.json);
        flush_json(&reading, 0);
    }
    cage_strbuf_finish(&reading.line);
    cage_strbuf_finish(&reading.json);
    cage_trace_log_finish(&reading.log);
}
