/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors as values. Every function that can fail returns 0 or -1 and takes a
 * `struct cage_error *` as its last parameter; the caller keeps it on its stack.
 * Library code fills it in and never prints; main() renders it once.
 *
 * A finished error answers three questions: where (file, line, column, or the
 * subject named in the message), what (message), and how to fix it (hint).
 */
#ifndef CAGE_BASE_ERROR_H
#define CAGE_BASE_ERROR_H

struct cage_strbuf;

#define CAGE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define CAGE_MUST_CHECK __attribute__((warn_unused_result))

enum cage_error_code {
    CAGE_ERR_NONE = 0,
    CAGE_ERR_USAGE,    /* the command line is wrong */
    CAGE_ERR_CONFIG,   /* nixcage.toml or a preset is wrong */
    CAGE_ERR_PROJECT,  /* no project here, or its files are not as expected */
    CAGE_ERR_MISSING,  /* a program, permission or kernel feature is not there */
    CAGE_ERR_SYSTEM,   /* a system call failed */
    CAGE_ERR_NIX,      /* Nix could not provide the environment */
    CAGE_ERR_TRUST,    /* the configuration is not allowed */
    CAGE_ERR_CAGE,     /* the cage could not be built as planned */
    CAGE_ERR_INTERNAL, /* a bug */
};

struct cage_error {
    enum cage_error_code code;
    int sys;          /* errno, or 0 */
    int line, column; /* from 1; 0: none */
    char file[512];   /* "" when the error is not about a place in a file */
    char message[1024];
    char hint[512];     /* what to do about it; "" if nothing is known */
    char excerpt[256];  /* the offending source line, printed with a caret; a part of it when it is long */
    int excerpt_column; /* where in the excerpt the caret stands, when that is not `column`; 0: it is */
};

/*
 * Fills *err with code and a message; forgets what was there before. Returns -1,
 * so that callers can write `return cage_error_set(...)`. err may be NULL.
 */
int cage_error_set(struct cage_error *err, enum cage_error_code code, const char *fmt, ...) CAGE_PRINTF(3, 4);

/* As cage_error_set() with CAGE_ERR_SYSTEM; appends ": " and strerror(sys). Returns -1. */
int cage_error_sys(struct cage_error *err, int sys, const char *fmt, ...) CAGE_PRINTF(3, 4);

/* Puts "context: " before the message. Returns -1. */
int cage_error_wrap(struct cage_error *err, const char *fmt, ...) CAGE_PRINTF(2, 3);

/* Sets the hint: one sentence in the imperative, no full stop. Returns -1. */
int cage_error_hint(struct cage_error *err, const char *fmt, ...) CAGE_PRINTF(2, 3);

/* Sets the place in a file; line and column count from 1 (0: unknown). Returns -1. */
int cage_error_at(struct cage_error *err, const char *file, int line, int column);

/*
 * Appends the error as the user sees it, without the "nixcage: " prefix and
 * with a trailing newline: "file:line:col: message", the excerpt with its caret,
 * and "hint: ...": the hint that was set, else, of a failed system call or a bug, one by its errno or code.
 * Control characters in it are replaced, so that a hostile file cannot write to the terminal.
 */
void cage_error_render(const struct cage_error *err, struct cage_strbuf *out);

#endif
