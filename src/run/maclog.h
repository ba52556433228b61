/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading what macOS logs about denials, one JSON object a line (log(1) stream --style ndjson). Pure. */
#ifndef CAGE_RUN_MACLOG_H
#define CAGE_RUN_MACLOG_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* One kind of denial. */
struct cage_maclog_entry {
    char *operation;
    char *target; /* "" where the line names none */
    size_t count;
};

struct cage_maclog {
    struct cage_maclog_entry *entries;
    size_t n, alloc;
    size_t total;
    size_t dropped; /* kinds beyond the most that are kept */
};

void cage_maclog_init(struct cage_maclog *log);
void cage_maclog_finish(struct cage_maclog *log);

/*
 * Takes one line of n bytes (any bytes) without its newline. Counted is what carries `tag` (NULL:
 * everything); "N duplicate reports for" counts N times. Returns whether it was a denial that was counted.
 */
bool cage_maclog_line(struct cage_maclog *log, const char *line, size_t n, const char *tag);

/*
 * The text of a denial: `Sandbox: cat(1234) deny(1) file-read-data /x`, perhaps after `3 duplicate reports
 * for `. Fills the three (allocated); false: it is none.
 */
bool cage_maclog_message(const char *message, char **operation, char **target, size_t *count);

/* Whether the line tells that `log stream` is listening. */
bool cage_maclog_is_ready(const char *line, size_t n);

/*
 * Appends the summary as the user sees it, most frequent first, at most 20 rows: "Sandbox denials (U unique,
 * T total):", or "No sandbox denials detected".
 */
void cage_maclog_summary(struct cage_maclog *log, struct cage_strbuf *out);

#endif
