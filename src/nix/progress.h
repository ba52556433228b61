/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line on a terminal that says what goes on while nothing else is printed. */
#ifndef CAGE_NIX_PROGRESS_H
#define CAGE_NIX_PROGRESS_H

#include <stdbool.h>

struct cage_nix_progress {
    int fd;     /* a terminal; -1: none, nothing is ever written */
    char *text; /* owned; NULL: nothing goes on */
    bool shown; /* the cursor stands behind it */
};

/*
 * Something goes on: writes "nixcage: TEXT..." at once, cut to the terminal's width (TERM=dumb in `term`: a
 * line that stays). `text` is copied; control characters in it are replaced. fd -1: does nothing.
 */
void cage_nix_progress_begin(struct cage_nix_progress *progress, int fd, const char *term, const char *text);

/* Erases the line, before something else is printed. */
void cage_nix_progress_hide(struct cage_nix_progress *progress);
/* Brings the line back, if something goes on and it is not there. */
void cage_nix_progress_show(struct cage_nix_progress *progress);

/* It is over: erases the line and frees. Accepts a zeroed one, and one that has ended. */
void cage_nix_progress_end(struct cage_nix_progress *progress);

#endif
