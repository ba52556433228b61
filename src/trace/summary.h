/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user reads when the run has ended. */
#ifndef CAGE_TRACE_SUMMARY_H
#define CAGE_TRACE_SUMMARY_H

#include "trace/log.h"

/*
 * Appends "Sandbox access failures (U unique, T total):" and what they are, most frequent first, at most 20,
 * each with its reason and the line that would allow it, or "No sandbox access failures detected"; then how
 * many harmless ones were left out. Control characters in names are replaced.
 */
void cage_trace_summary(const struct cage_trace_log *log, struct cage_strbuf *out);

/* Appends the same rows, all of them, as JSON lines {"type":"denial",…}, and one {"type":"end",…}. */
void cage_trace_summary_json(const struct cage_trace_log *log, struct cage_strbuf *out);

/* Appends one event as a JSON line {"type":"event",…}, which says how many it stands for when that is not 1.
 */
void cage_trace_event_json(const struct cage_trace_entry *entry, size_t count, struct cage_strbuf *out);

#endif
