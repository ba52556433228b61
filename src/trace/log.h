/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All that was denied in a run: each once, counted. Memory is bounded: kinds beyond the most that are kept
 * are counted only.
 */
#ifndef CAGE_TRACE_LOG_H
#define CAGE_TRACE_LOG_H

#include "trace/judge.h"

#include <stddef.h>

struct cage_trace_entry {
    struct cage_event event; /* the first of its kind; pid is that one's */
    struct cage_verdict verdict;
    size_t count;
};

struct cage_trace_pending {
    long pid;
    char *text;
};

/* What a process has executed: its name, longer than the kernel has it. */
struct cage_trace_program {
    long pid;
    char *name;
};

struct cage_trace_log {
    struct cage_judge judge;
    cage_event_cwd *cwd; /* or NULL */
    void *context;
    struct cage_trace_entry *entries;
    size_t n, alloc;
    size_t *slots; /* open hash table of 1 + index into entries */
    size_t n_slots;
    size_t total;                       /* events */
    size_t forgotten;                   /* of kinds that were not kept */
    struct cage_trace_pending *pending; /* unfinished calls */
    size_t n_pending;
    struct cage_trace_program *programs;
    size_t n_programs;
    bool init_seen; /* the cage's process 1 was executed */
    bool started;   /* and after it the command; before, only what kept it from that is an event */
};

/* What the judge points to must outlive the log. finish() accepts a zeroed one. */
void cage_trace_log_init(struct cage_trace_log *log, const struct cage_judge *judge, cage_event_cwd *cwd,
                         void *context);
/* Frees what it owns; accepts a zeroed one. */
void cage_trace_log_finish(struct cage_trace_log *log);

/*
 * Takes one line as strace writes it (any n bytes, without the newline). Returns the entry it was counted at,
 * or NULL: no failure, from before the command was executed (but for its own), or of a kind that is not kept
 * any more. Valid until the next call.
 */
const struct cage_trace_entry *cage_trace_log_line(struct cage_trace_log *log, const char *text, size_t n);

/* Counts an event `count` times; its contents are moved into the log or freed. Returns as above. */
const struct cage_trace_entry *cage_trace_log_event(struct cage_trace_log *log, struct cage_event *take_event,
                                                    size_t count);

#endif
