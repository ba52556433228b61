/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of a summary: what of a log belongs together for a reader. */
#ifndef CAGE_TRACE_ROWS_H
#define CAGE_TRACE_ROWS_H

#include "trace/log.h"

struct cage_trace_row {
    struct cage_event event; /* owned */
    struct cage_verdict verdict;
    struct cage_strv calls; /* names of the calls */
    size_t count;
    size_t paths; /* > 1: the event's target is the directory that holds them */
};

struct cage_trace_rows {
    struct cage_trace_row *rows;
    size_t n, alloc;
    size_t total;                         /* sum of the counts */
    size_t harmless[CAGE_WHY_FIRST_REAL]; /* counts of what is no denial */
};

/* Makes the rows, most frequent first, then by text. cage_trace_rows_finish() frees. */
void cage_trace_rows_make(const struct cage_trace_log *log, struct cage_trace_rows *rows);
/* Frees what it owns; accepts zeroed ones. */
void cage_trace_rows_finish(struct cage_trace_rows *rows);

#endif
