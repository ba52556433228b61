/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing SBPL: one rule at a time, never one with an empty filter list, every path quoted. */
#ifndef CAGE_BACKEND_SEATBELT_EMIT_H
#define CAGE_BACKEND_SEATBELT_EMIT_H

#include "base/error.h"
#include "base/strbuf.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stddef.h>

/* State of a profile being written. Filters are collected first: a rule without any is dropped. */
struct cage_sbpl {
    struct cage_strbuf text, filters;
    const char *tag;        /* goes into every deny; NULL: none */
    const char *operations; /* of the open rule */
    bool deny;
    size_t n_filters;
};

enum cage_sbpl_match {
    CAGE_SBPL_LITERAL = 1, /* this path */
    CAGE_SBPL_SUBPATH = 2, /* it and all below */
    CAGE_SBPL_BOTH = 3,
};

/* An empty profile; tag goes into every denial and stays the caller's (NULL: none). */
void cage_sbpl_init(struct cage_sbpl *s, const char *tag);

/* Frees the text; a zeroed or finished one is fine. */
void cage_sbpl_finish(struct cage_sbpl *s);

/*
 * Whether a path may stand in a profile: absolute, clean, valid UTF-8 without control characters (C0, DEL,
 * C1). If not, fills *err (CAGE_ERR_CONFIG) and returns -1.
 */
int cage_sbpl_path_check(const char *path, struct cage_error *err) CAGE_MUST_CHECK;

/* Appends s as a string literal: only '"' and '\' need an escape. */
void cage_sbpl_quote(struct cage_strbuf *out, const char *s);

/* Opens a rule that allows; operations is static text, separated by spaces. cage_sbpl_end() closes it. */
void cage_sbpl_allow(struct cage_sbpl *s, const char *operations);
/* As cage_sbpl_allow(), for a rule that denies. With a tag in s the rule carries it. */
void cage_sbpl_deny(struct cage_sbpl *s, const char *operations);

/* Adds a filter as it is: text of ours. */
void cage_sbpl_filter(struct cage_sbpl *s, const char *filter);
/* The same, formatted; the arguments must be ours, too: nothing is quoted. */
void cage_sbpl_filterf(struct cage_sbpl *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Adds filters for a path under all its names: /private/tmp is also /tmp (and so /var, /etc). Denials
 * also name it below /System/Volumes/Data, where the whole data volume is visible again.
 */
void cage_sbpl_path(struct cage_sbpl *s, enum cage_sbpl_match match, const char *path);

/* Adds a filter for a path under this name only. */
void cage_sbpl_literal(struct cage_sbpl *s, const char *path);

/* Closes the rule and writes it, if it has a filter. */
void cage_sbpl_end(struct cage_sbpl *s);

/* A rule that is meant to have no filter. */
void cage_sbpl_bare(struct cage_sbpl *s, const char *operation);

/* A comment line of our own; never user text. */
void cage_sbpl_section(struct cage_sbpl *s, const char *title);

/*
 * Adds to *names every name under which macOS shows a physical path: "/tmp/x" for "/private/tmp/x". For
 * denials also the one below /System/Volumes/Data.
 */
void cage_sbpl_names(const char *path, bool deny, struct cage_strv *names);

#endif
