/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/log.h"
#include "backend/backend.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ENTRIES = 8192, SLOTS = 16384, MAX_PENDING = 256, MAX_PROGRAMS = 1024 };

void cage_trace_log_init(struct cage_trace_log *log, const struct cage_judge *judge, cage_event_cwd *cwd,
                         void *context)
{
    *log = (struct cage_trace_log){.judge = *judge, .cwd = cwd, .context = context, .n_slots = SLOTS};
    log->slots = cage_alloc(SLOTS * sizeof *log->slots);
    log->pending = cage_alloc(MAX_PENDING * sizeof *log->pending);
    log->programs = cage_alloc(MAX_PROGRAMS * sizeof *log->programs);
}

void cage_trace_log_finish(struct cage_trace_log *log)
{
    for (size_t i = 0; i < log->n; i++) {
        cage_event_finish(&log->entries[i].event);
        cage_verdict_finish(&log->entries[i].verdict);
    }
    for (size_t i = 0; i < log->n_pending; i++)
        free(log->pending[i].text);
    for (size_t i = 0; i < log->n_programs; i++)
        free(log->programs[i].name);
    free(log->programs);
    free(log->entries);
    free(log->slots);
    free(log->pending);
    *log = (struct cage_trace_log){0};
}

/* FNV-1a; the table is bounded, so that chosen names cost time at worst. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211U;
    return hash * 31;
}

static bool is_same(const struct cage_event *a, const struct cage_event *b)
{
    return a->kind == b->kind && a->port == b->port && a->write == b->write &&
           strcmp(a->target, b->target) == 0 && strcmp(a->call, b->call) == 0 &&
           strcmp(a->error, b->error) == 0 && strcmp(a->program, b->program) == 0;
}

/* The slot of an event of this kind, or the free one where it belongs. */
static size_t *find_slot(const struct cage_trace_log *log, const struct cage_event *event)
{
    uint64_t hash = hash_text(14695981039346656037U, event->target);
    size_t i;

    hash = hash_text(hash_text(hash_text(hash, event->call), event->error), event->program);
    for (i = (size_t)(hash % log->n_slots); log->slots[i]; i = (i + 1) % log->n_slots)
        if (is_same(&log->entries[log->slots[i] - 1].event, event))
            break;
    return &log->slots[i];
}

/* Which of two names was busy: the one that the cage has a part in, else the first. */
static void choose_name(const struct cage_trace_log *log, struct cage_event *event)
{
    for (int i = 0; event->other && i < 2; i++) {
        struct cage_verdict verdict;
        char *name = event->target;
        bool real;

        cage_judge_event(&log->judge, event, &verdict);
        real = verdict.why >= CAGE_WHY_FIRST_REAL;
        cage_verdict_finish(&verdict);
        if (real)
            return;
        event->target = event->other;
        event->other = name;
    }
}

const struct cage_trace_entry *cage_trace_log_event(struct cage_trace_log *log, struct cage_event *take_event,
                                                    size_t count)
{
    struct cage_trace_entry *entry;
    size_t *slot;

    choose_name(log, take_event);
    slot = find_slot(log, take_event);

    log->total += count;
    if (*slot) {
        entry = &log->entries[*slot - 1];
        entry->count += count;
        entry->event.pid = take_event->pid;
        cage_event_finish(take_event);
        return entry;
    }
    if (log->n == MAX_ENTRIES) {
        log->forgotten += count;
        cage_event_finish(take_event);
        return NULL;
    }
    if (log->n == log->alloc) {
        log->alloc = log->alloc ? log->alloc * 2 : 64;
        log->entries = cage_realloc_array(log->entries, log->alloc, sizeof *log->entries);
    }
    entry = &log->entries[log->n++];
    *entry = (struct cage_trace_entry){.event = *take_event, .count = count};
    *take_event = (struct cage_event){0};
    *slot = log->n;
    cage_judge_event(&log->judge, &entry->event, &entry->verdict);
    return entry;
}

/* The command runs: where else it was looked for is of no interest any more. */
static void start(struct cage_trace_log *log)
{
    for (size_t i = 0; i < log->n; i++) {
        cage_event_finish(&log->entries[i].event);
        cage_verdict_finish(&log->entries[i].verdict);
    }
    log->n = log->total = log->forgotten = 0;
    memset(log->slots, 0, log->n_slots * sizeof *log->slots);
    log->started = true;
}

static struct cage_trace_pending *find_pending(const struct cage_trace_log *log, long pid)
{
    for (size_t i = 0; i < log->n_pending; i++)
        if (log->pending[i].pid == pid)
            return &log->pending[i];
    return NULL;
}

static void keep_pending(struct cage_trace_log *log, long pid, struct cage_slice text)
{
    struct cage_trace_pending *place = find_pending(log, pid);

    if (!place) {
        if (log->n_pending == MAX_PENDING)
            return;
        place = &log->pending[log->n_pending++];
        *place = (struct cage_trace_pending){.pid = pid};
    }
    free(place->text);
    place->text = cage_strndup(text.at, text.n);
}

static struct cage_trace_program *find_program(const struct cage_trace_log *log, long pid)
{
    for (size_t i = 0; i < log->n_programs; i++)
        if (log->programs[i].pid == pid)
            return &log->programs[i];
    return NULL;
}

static void forget_program(struct cage_trace_log *log, long pid)
{
    struct cage_trace_program *program = find_program(log, pid);

    if (!program)
        return;
    free(program->name);
    *program = log->programs[--log->n_programs];
}

/* A process became another program. When there are too many, the oldest goes. */
static void note_program(struct cage_trace_log *log, const struct cage_strace_line *line, size_t path)
{
    struct cage_trace_program *program = find_program(log, line->pid);
    CAGE_STRBUF_AUTO file = {0};

    cage_strbuf_init(&file);
    if (path >= line->n_args || !cage_strace_string(line->args[path], &file) || file.len == 0)
        return;
    if (strcmp(file.buf, CAGE_INIT_DEST) == 0)
        log->init_seen = true;
    else if (log->init_seen && !log->started)
        start(log);
    if (!program) {
        if (log->n_programs == MAX_PROGRAMS)
            forget_program(log, log->programs[0].pid);
        program = &log->programs[log->n_programs++];
        *program = (struct cage_trace_program){.pid = line->pid};
    }
    free(program->name);
    program->name = cage_strdup(cage_path_basename(file.buf));
}

static const struct cage_trace_entry *take_call(struct cage_trace_log *log, struct cage_strace_line *line)
{
    const struct cage_trace_program *program;
    struct cage_event event;

    if (line->error.n == 0) {
        if (cage_slice_is(line->name, "execve"))
            note_program(log, line, 0);
        else if (cage_slice_is(line->name, "execveat"))
            note_program(log, line, 1);
        return NULL;
    }
    if (!log->init_seen || !cage_event_read(line, log->cwd, log->context, &event))
        return NULL;
    /* Until then all is nixcage's own, but for the command that cannot be executed. */
    if (!log->started && !event.execute) {
        cage_event_finish(&event);
        return NULL;
    }
    program = find_program(log, line->pid);
    if (program || !log->started) {
        free(event.program);
        event.program = cage_strdup(log->started ? program->name : "nixcage");
    }
    return cage_trace_log_event(log, &event, 1);
}

const struct cage_trace_entry *cage_trace_log_line(struct cage_trace_log *log, const char *text, size_t n)
{
    struct cage_strace_line line;
    struct cage_trace_pending *first;
    CAGE_STRBUF_AUTO whole = {0};
    struct cage_slice rest;

    switch (cage_strace_read(text, n, &line, &rest)) {
    case CAGE_STRACE_CALL:
        return take_call(log, &line);
    case CAGE_STRACE_UNFINISHED:
        keep_pending(log, line.pid, rest);
        return NULL;
    case CAGE_STRACE_RESUMED:
        first = find_pending(log, line.pid);
        if (!first)
            return NULL;
        cage_strbuf_init(&whole);
        cage_strbuf_add(&whole, first->text);
        cage_strbuf_add_bytes(&whole, rest.at, rest.n);
        free(first->text);
        *first = log->pending[--log->n_pending];
        return cage_strace_read(whole.buf, whole.len, &line, &rest) == CAGE_STRACE_CALL
                   ? take_call(log, &line)
                   : NULL;
    case CAGE_STRACE_ENDED:
        forget_program(log, line.pid);
        break;
    case CAGE_STRACE_OTHER:
        break;
    }
    return NULL;
}
