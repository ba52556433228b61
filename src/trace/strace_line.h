/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The text that nixcage-tracer writes, and strace(1) with -f (-Y or not), one line a call. Programs choose
 * the names in it, so nothing is believed about its form. Pure; nothing is copied: slices point into the
 * line.
 */
#ifndef CAGE_TRACE_STRACE_LINE_H
#define CAGE_TRACE_STRACE_LINE_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

struct cage_slice {
    const char *at;
    size_t n;
};

enum { CAGE_STRACE_MAX_ARGS = 8 };

struct cage_strace_line {
    long pid;
    struct cage_slice comm;  /* n 0: strace told none */
    struct cage_slice name;  /* of the system call */
    struct cage_slice error; /* "ENOENT"; n 0: it succeeded, or did not return */
    struct cage_slice args[CAGE_STRACE_MAX_ARGS];
    size_t n_args;
};

enum cage_strace_kind {
    CAGE_STRACE_OTHER,      /* a signal, an exit, or no line of strace at all */
    CAGE_STRACE_CALL,       /* a whole call */
    CAGE_STRACE_UNFINISHED, /* its first part: goes on in a RESUMED line of the same pid */
    CAGE_STRACE_RESUMED,
    CAGE_STRACE_ENDED, /* the process has ended */
};

/*
 * Reads one line of n bytes (any bytes) without its newline. For UNFINISHED and RESUMED only pid is filled,
 * and *rest gets the part to be joined: the beginning up to " <unfinished ...>", or what follows "resumed>".
 */
enum cage_strace_kind cage_strace_read(const char *text, size_t n, struct cage_strace_line *line,
                                       struct cage_slice *rest);

/* Appends the bytes of a quoted string argument ("a\n\303"). False: it is none, was cut off or has a NUL. */
bool cage_strace_string(struct cage_slice arg, struct cage_strbuf *out);

/* Appends the annotation of a descriptor argument: "/tmp" of "AT_FDCWD</tmp>". False: there is none. */
bool cage_strace_annotation(struct cage_slice arg, struct cage_strbuf *out);

/* Whether the slice is this text; whether it contains it. */
bool cage_slice_is(struct cage_slice slice, const char *text);
/* Whether it contains the text. */
bool cage_slice_has(struct cage_slice slice, const char *text);

/* What follows `text` in the slice; n 0 when it is not in it. */
struct cage_slice cage_slice_after(struct cage_slice slice, const char *text);

#endif
