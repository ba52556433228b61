/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines that are longer than the terminal is wide. */
#ifndef CAGE_CLI_WRAP_H
#define CAGE_CLI_WRAP_H

#include "base/strbuf.h"

/*
 * Appends text with every line longer than `width` columns broken at spaces. What goes on in a new line
 * starts below the last column of a table (two or more spaces come before it) that leaves it some room, else
 * a little to the right of where the line starts. A word is never broken. Escape sequences (CSI) have no
 * width, every other code point is one column. A width of 0 leaves all as it is. Pure.
 */
void cage_wrap(const char *text, size_t width, struct cage_strbuf *out);

#endif
