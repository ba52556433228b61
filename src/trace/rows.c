/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/rows.h"
#include "base/mem.h"
#include "base/path.h"
#include "trace/advice.h"

#include <stdlib.h>
#include <string.h>

enum { FOLD_FROM = 4 /* paths of one directory that become one row */ };

static void copy_event(const struct cage_event *from, struct cage_event *to)
{
    *to = *from;
    to->program = cage_strdup(from->program);
    to->call = cage_strdup(from->call);
    to->error = cage_strdup(from->error);
    to->target = cage_strdup(from->target);
    to->other = NULL;
}

static void copy_verdict(const struct cage_verdict *from, struct cage_verdict *to)
{
    to->why = from->why;
    to->reason = cage_strdup(from->reason);
    to->fix = cage_strdup(from->fix);
    to->secret = cage_strdup(from->secret);
}

static void row_finish(struct cage_trace_row *row)
{
    cage_event_finish(&row->event);
    cage_verdict_finish(&row->verdict);
    cage_strv_finish(&row->calls);
}

static struct cage_trace_row *add_row(struct cage_trace_rows *rows, const struct cage_event *event)
{
    struct cage_trace_row *row;

    if (rows->n == rows->alloc) {
        rows->alloc = rows->alloc ? rows->alloc * 2 : 32;
        rows->rows = cage_realloc_array(rows->rows, rows->alloc, sizeof *rows->rows);
    }
    row = &rows->rows[rows->n++];
    *row = (struct cage_trace_row){.paths = 1};
    copy_event(event, &row->event);
    return row;
}

static bool is_same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* For a reader, stat and open of one path are one thing. */
static bool belongs(const struct cage_trace_row *row, const struct cage_trace_entry *entry)
{
    return row->event.port == entry->event.port && row->event.write == entry->event.write &&
           row->verdict.why == entry->verdict.why && is_same_text(row->event.target, entry->event.target) &&
           is_same_text(row->event.program, entry->event.program) &&
           is_same_text(row->verdict.fix, entry->verdict.fix);
}

static void add_entry(struct cage_trace_rows *rows, const struct cage_trace_entry *entry)
{
    struct cage_trace_row *row = NULL;

    for (size_t i = 0; i < rows->n && !row; i++)
        if (belongs(&rows->rows[i], entry))
            row = &rows->rows[i];
    if (!row) {
        row = add_row(rows, &entry->event);
        copy_verdict(&entry->verdict, &row->verdict);
    }
    row->count += entry->count;
    if (!cage_strv_has(&row->calls, entry->event.call))
        cage_strv_add(&row->calls, entry->event.call);
}

/* A file that was not found in a directory of PATH. */
static bool is_search(const struct cage_trace_log *log, const struct cage_trace_entry *entry)
{
    cage_autofree char *dir = NULL;

    if (entry->event.kind != CAGE_EVENT_FILE || entry->event.write ||
        (strcmp(entry->event.error, "ENOENT") != 0 && strcmp(entry->event.error, "ENOTDIR") != 0))
        return false;
    dir = cage_path_dirname(entry->event.target);
    return cage_judge_is_path_dir(&log->judge, dir);
}

static size_t count_path_dirs(const char *path_value)
{
    CAGE_STRV_AUTO dirs = {0};

    for (const char *at = path_value; at && *at;) {
        size_t n = strcspn(at, ":");

        if (n > 0)
            cage_strv_take(&dirs, cage_strndup(at, n));
        at += n;
        at += *at == ':';
    }
    cage_strv_sort_unique(&dirs);
    return dirs.n;
}

/* The places where entry's program looked for a file of that name; *least: how often at the least. */
static size_t count_places(const struct cage_trace_log *log, const size_t *searches, size_t n,
                           const struct cage_trace_entry *entry, size_t *least)
{
    const char *name = cage_path_basename(entry->event.target);
    CAGE_STRV_AUTO places = {0};

    *least = 0;
    for (size_t i = 0; i < n; i++) {
        const struct cage_trace_entry *other = &log->entries[searches[i]];

        if (strcmp(cage_path_basename(other->event.target), name) != 0 ||
            strcmp(other->event.program, entry->event.program) != 0)
            continue;
        if (!cage_strv_has(&places, other->event.target))
            cage_strv_add(&places, other->event.target);
        *least = *least == 0 || other->count < *least ? other->count : *least;
    }
    return places.n;
}

static bool is_known_row(const struct cage_trace_rows *rows, const struct cage_event *event)
{
    for (size_t i = 0; i < rows->n; i++)
        if (rows->rows[i].verdict.why == CAGE_WHY_PROGRAM &&
            is_same_text(cage_path_basename(rows->rows[i].event.target), cage_path_basename(event->target)) &&
            is_same_text(rows->rows[i].event.program, event->program))
            return true;
    return false;
}

static void add_program(const struct cage_trace_log *log, const struct cage_event *event, size_t count,
                        struct cage_trace_rows *rows)
{
    struct cage_trace_row *row = add_row(rows, event);
    const char *name = cage_path_basename(row->event.target);
    const char *package = cage_advice_package(name);

    row->count = count;
    row->verdict.why = CAGE_WHY_PROGRAM;
    row->verdict.reason = cage_strdup("no package of this cage has it");
    if (package) {
        cage_autofree char *line = cage_advice_list(log->judge.config, CAGE_KEY_NIX_PACKAGES, package);

        /* Its own name is only a guess, if a good one. */
        row->verdict.fix = cage_format("%s%s", line, package == name ? ", if nixpkgs calls it that" : "");
    }
    cage_strv_add(&row->calls, event->call);
    memmove(row->event.target, name, strlen(name) + 1);
}

/* Looked for in every directory of PATH, and in none of them. */
static void add_missing_programs(const struct cage_trace_log *log, struct cage_trace_rows *rows)
{
    size_t dirs = count_path_dirs(log->judge.plan->path_value), n = 0, least;
    cage_autofree size_t *searches = cage_alloc((log->n + 1) * sizeof *searches);

    for (size_t i = 0; i < log->n; i++)
        if (is_search(log, &log->entries[i]))
            searches[n++] = i;
    for (size_t i = 0; i < n && dirs > 0; i++) {
        const struct cage_trace_entry *entry = &log->entries[searches[i]];
        const char *name = cage_path_basename(entry->event.target);

        if (!is_known_row(rows, &entry->event) && count_places(log, searches, n, entry, &least) >= dirs &&
            !cage_judge_on_path(&log->judge, name) && !cage_advice_is_optional(entry->event.program, name))
            add_program(log, &entry->event, least, rows);
    }
}

static bool is_sibling(const struct cage_trace_row *row, const struct cage_trace_row *other, const char *dir)
{
    cage_autofree char *its = cage_path_dirname(other->event.target);

    return other->event.kind == CAGE_EVENT_FILE && other->paths == 1 && !other->verdict.secret &&
           other->verdict.why == row->verdict.why && other->event.write == row->event.write &&
           strcmp(other->event.program, row->event.program) == 0 && strcmp(its, dir) == 0;
}

static void drop_row(struct cage_trace_rows *rows, size_t i)
{
    row_finish(&rows->rows[i]);
    memmove(&rows->rows[i], &rows->rows[i + 1], (rows->n - i - 1) * sizeof rows->rows[0]);
    rows->n--;
}

/* Many files of one directory are one row, when the directory is what one would allow. */
static void fold(const struct cage_trace_log *log, struct cage_trace_rows *rows, size_t first)
{
    struct cage_trace_row *row = &rows->rows[first];
    cage_autofree char *dir = cage_path_dirname(row->event.target);
    struct cage_verdict verdict;
    struct cage_event whole;
    size_t siblings = 0;

    for (size_t i = first; i < rows->n; i++)
        siblings += is_sibling(row, &rows->rows[i], dir);
    if (siblings < FOLD_FROM || cage_advice_too_wide(log->judge.host, dir))
        return;
    copy_event(&row->event, &whole);
    free(whole.target);
    whole.target = cage_strdup(dir);
    cage_judge_event(&log->judge, &whole, &verdict);
    if (verdict.why == row->verdict.why && verdict.fix && !verdict.secret) {
        for (size_t i = rows->n - 1; i > first; i--)
            if (is_sibling(row, &rows->rows[i], dir)) {
                row->count += rows->rows[i].count;
                drop_row(rows, i);
            }
        row->paths = siblings;
        free(row->event.target);
        row->event.target = cage_strdup(dir);
        cage_verdict_finish(&row->verdict);
        copy_verdict(&verdict, &row->verdict);
    }
    cage_verdict_finish(&verdict);
    cage_event_finish(&whole);
}

static int by_count(const void *a, const void *b)
{
    const struct cage_trace_row *x = a, *y = b;
    int order;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    order = strcmp(x->event.program, y->event.program);
    if (order == 0)
        order = strcmp(x->event.target, y->event.target);
    if (order == 0)
        order = (int)x->event.port - (int)y->event.port;
    return order ? order : strcmp(x->event.call, y->event.call);
}

void cage_trace_rows_make(const struct cage_trace_log *log, struct cage_trace_rows *rows)
{
    *rows = (struct cage_trace_rows){0};
    add_missing_programs(log, rows);
    for (size_t i = 0; i < log->n; i++) {
        const struct cage_trace_entry *entry = &log->entries[i];

        if (entry->verdict.why < CAGE_WHY_FIRST_REAL)
            rows->harmless[entry->verdict.why] += entry->count;
        else
            add_entry(rows, entry);
    }
    for (size_t i = 0; i < rows->n; i++)
        if (rows->rows[i].verdict.why == CAGE_WHY_NOT_MOUNTED ||
            rows->rows[i].verdict.why == CAGE_WHY_NOT_GRANTED ||
            rows->rows[i].verdict.why == CAGE_WHY_READ_ONLY)
            fold(log, rows, i);
    for (size_t i = 0; i < rows->n; i++)
        rows->total += rows->rows[i].count;
    if (rows->n > 0)
        qsort(rows->rows, rows->n, sizeof rows->rows[0], by_count);
}

void cage_trace_rows_finish(struct cage_trace_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        row_finish(&rows->rows[i]);
    free(rows->rows);
    *rows = (struct cage_trace_rows){0};
}
