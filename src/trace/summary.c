/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/summary.h"
#include "base/mem.h"
#include "trace/rows.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 20 };

/* A name that a program chose, on one line of a terminal. */
static void add_name(struct cage_strbuf *out, const char *name)
{
    CAGE_STRBUF_AUTO line = {0};

    cage_strbuf_init(&line);
    for (const char *s = name; *s; s++) {
        if (*s == '\n' || *s == '\t')
            cage_strbuf_add(&line, *s == '\n' ? "\\n" : "\\t");
        else
            cage_strbuf_addc(&line, *s);
    }
    cage_strbuf_add_printable(out, line.buf);
}

static void add_target(const struct cage_trace_row *row, struct cage_strbuf *out)
{
    bool v6 = row->event.kind == CAGE_EVENT_NET && strchr(row->event.target, ':');

    cage_strbuf_add(out, v6 ? "[" : "");
    add_name(out, row->event.target);
    cage_strbuf_add(out, v6 ? "]" : "");
    if (row->event.kind == CAGE_EVENT_NET)
        cage_strbuf_addf(out, ":%u", (unsigned)row->event.port);
    if (row->paths > 1)
        cage_strbuf_addf(out, " (%zu paths in it)", row->paths);
}

/* Names of macOS' operations come out of a log, where anything may stand. */
static void add_call(const char *name, size_t i, struct cage_strbuf *out)
{
    cage_strbuf_add(out, i ? ", " : "");
    add_name(out, name);
}

static void add_row(const struct cage_trace_row *row, struct cage_strbuf *out)
{
    cage_strbuf_addf(out, "%7zu  ", row->count);
    add_name(out, row->event.program);
    cage_strbuf_add(out, ": ");
    for (size_t i = 0; i < row->calls.n; i++)
        add_call(row->calls.items[i], i, out);
    if (row->event.target[0] != '\0')
        cage_strbuf_addc(out, ' ');
    add_target(row, out);
    cage_strbuf_addf(out, ": %s\n         %s: ", row->event.error, cage_why_text(row->verdict.why));
    add_name(out, row->verdict.reason ? row->verdict.reason : "");
    cage_strbuf_addc(out, '\n');
    if (row->verdict.fix) {
        cage_strbuf_add(out, "         to allow it: ");
        add_name(out, row->verdict.fix);
        cage_strbuf_addc(out, '\n');
    }
    if (row->verdict.secret && row->verdict.fix)
        cage_strbuf_addf(out, "         careful: whoever can use it has %s\n", row->verdict.secret);
}

static void add_harmless(const struct cage_trace_rows *rows, const struct cage_trace_log *log,
                         struct cage_strbuf *out)
{
    static const char *const texts[CAGE_WHY_FIRST_REAL] = {
        [CAGE_WHY_ABSENT] = "absent outside the cage, too",
        [CAGE_WHY_PROBING] = "searches for libraries, locales and programs",
        [CAGE_WHY_KERNEL] = "in /proc and /sys",
        [CAGE_WHY_OUTSIDE] = "would have failed outside, too",
        [CAGE_WHY_HABIT] = "that nearly every program of macOS asks for",
    };
    size_t sum = 0;
    const char *comma = "";

    for (size_t i = 0; i < CAGE_WHY_FIRST_REAL; i++)
        sum += rows->harmless[i];
    if (sum > 0) {
        cage_strbuf_addf(out, "Left out as harmless: %zu (", sum);
        for (size_t i = 0; i < CAGE_WHY_FIRST_REAL; i++)
            if (rows->harmless[i]) {
                cage_strbuf_addf(out, "%s%zu %s", comma, rows->harmless[i], texts[i]);
                comma = ", ";
            }
        cage_strbuf_add(out, ")\n");
    }
    if (log->forgotten)
        cage_strbuf_addf(out, "Not looked at, because there were too many kinds: %zu\n", log->forgotten);
}

void cage_trace_summary(const struct cage_trace_log *log, struct cage_strbuf *out)
{
    struct cage_trace_rows rows;

    cage_trace_rows_make(log, &rows);
    if (rows.n == 0)
        cage_strbuf_add(out, "No sandbox access failures detected\n");
    else
        cage_strbuf_addf(out, "Sandbox access failures (%zu unique, %zu total):\n", rows.n, rows.total);
    for (size_t i = 0; i < rows.n && i < MAX_ROWS; i++)
        add_row(&rows.rows[i], out);
    if (rows.n > MAX_ROWS)
        cage_strbuf_addf(out, "  ... and %zu more\n", rows.n - MAX_ROWS);
    add_harmless(&rows, log, out);
    cage_trace_rows_finish(&rows);
}

/* What is not UTF-8 becomes "\xNN". */
static json_t *json_text(const char *text)
{
    CAGE_STRBUF_AUTO printable = {0};
    json_t *json = text ? json_string(text) : NULL;

    if (json || !text)
        return json;
    cage_strbuf_init(&printable);
    cage_strbuf_add_printable(&printable, text);
    return json_string(printable.buf);
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_text(text));
}

static void add_line(json_t *take_object, struct cage_strbuf *out)
{
    cage_autofree char *text = json_dumps(take_object, JSON_COMPACT);

    json_decref(take_object);
    cage_strbuf_add_json(out, text ? text : "{}");
    cage_strbuf_addc(out, '\n');
}

static json_t *describe(const char *type, const struct cage_event *event, const struct cage_verdict *verdict)
{
    static const char *const names[] = {[CAGE_EVENT_FILE] = "path",
                                        [CAGE_EVENT_NET] = "address",
                                        [CAGE_EVENT_UNIX] = "socket",
                                        [CAGE_EVENT_REFUSED] = "about",
                                        [CAGE_EVENT_SYSTEM] = "object"};
    json_t *object = json_object();

    set_text(object, "type", type);
    set_text(object, "program", event->program);
    set_text(object, "call", event->call);
    set_text(object, "error", event->error);
    set_text(object, names[event->kind], event->target);
    if (event->kind == CAGE_EVENT_NET)
        json_object_set_new(object, "port", json_integer(event->port));
    json_object_set_new(object, "write", json_boolean(event->write));
    set_text(object, "why", cage_why_text(verdict->why));
    json_object_set_new(object, "denied", json_boolean(verdict->why >= CAGE_WHY_FIRST_REAL));
    return object;
}

void cage_trace_event_json(const struct cage_trace_entry *entry, size_t count, struct cage_strbuf *out)
{
    json_t *object = describe("event", &entry->event, &entry->verdict);

    if (count > 1)
        json_object_set_new(object, "count", json_integer((json_int_t)count));
    json_object_set_new(object, "pid", json_integer(entry->event.pid));
    add_line(object, out);
}

void cage_trace_summary_json(const struct cage_trace_log *log, struct cage_strbuf *out)
{
    struct cage_trace_rows rows;
    json_t *end = json_object(), *harmless = json_object();

    cage_trace_rows_make(log, &rows);
    for (size_t i = 0; i < rows.n; i++) {
        json_t *object = describe("denial", &rows.rows[i].event, &rows.rows[i].verdict);

        json_object_set_new(object, "count", json_integer((json_int_t)rows.rows[i].count));
        json_object_set_new(object, "paths", json_integer((json_int_t)rows.rows[i].paths));
        set_text(object, "reason", rows.rows[i].verdict.reason);
        set_text(object, "fix", rows.rows[i].verdict.fix);
        set_text(object, "gives_away", rows.rows[i].verdict.secret);
        add_line(object, out);
    }
    for (size_t i = 0; i < CAGE_WHY_FIRST_REAL; i++)
        json_object_set_new(harmless, cage_why_text((enum cage_why)i),
                            json_integer((json_int_t)rows.harmless[i]));
    set_text(end, "type", "end");
    json_object_set_new(end, "unique", json_integer((json_int_t)rows.n));
    json_object_set_new(end, "total", json_integer((json_int_t)rows.total));
    json_object_set_new(end, "harmless", harmless);
    json_object_set_new(end, "forgotten", json_integer((json_int_t)log->forgotten));
    add_line(end, out);
    cage_trace_rows_finish(&rows);
}
