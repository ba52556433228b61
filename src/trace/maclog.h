/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What macOS logs about denials, one JSON object a line (log(1) stream --style ndjson), as the events that a
 * trace of Linux is made of. Pure.
 */
#ifndef CAGE_TRACE_MACLOG_H
#define CAGE_TRACE_MACLOG_H

#include "trace/log.h"

#include <stdbool.h>
#include <stddef.h>

/* What the text of a denial says. */
struct cage_maclog_denial {
    char *program;
    long pid;
    char *operation; /* "file-read-data" */
    char *target;    /* "" where the line names none */
    size_t count;    /* reports: "3 duplicate reports for" */
};

/*
 * Reads the text of a denial: `Sandbox: cat(1234) deny(1) file-read-data /x`, perhaps after `3 duplicate
 * reports for `. False: it is none. What is filled is freed by cage_maclog_denial_finish().
 */
bool cage_maclog_message(const char *message, struct cage_maclog_denial *denial);
/* Frees what it owns; accepts a zeroed one. */
void cage_maclog_denial_finish(struct cage_maclog_denial *denial);

/* Makes the event of a denial, which is finished by that; cage_event_finish() frees the event. */
void cage_maclog_event(struct cage_maclog_denial *take_denial, struct cage_event *event);

/*
 * Takes one line of n bytes (any bytes) without its newline. Counted in log is what carries `tag` (NULL:
 * everything), "N duplicate reports for" N times. Returns whether it was a denial that was counted; then
 * *entry (NULL: not wanted) is what it was counted at, or NULL when its kind is not kept any more, and *count
 * (NULL: not wanted) how many there were.
 */
bool cage_maclog_line(struct cage_trace_log *log, const char *line, size_t n, const char *tag,
                      const struct cage_trace_entry **entry, size_t *count);

#endif
