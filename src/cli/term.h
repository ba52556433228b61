/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the terminal at the other end can show. */
#ifndef CAGE_CLI_TERM_H
#define CAGE_CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>

struct cage_term {
    bool utf8;
    bool colour;
};

/*
 * What to send to descriptor fd: UTF-8 when the locale says so (LC_ALL, LC_CTYPE, LANG in this order,
 * POSIX 8.2), colours on terminals unless NO_COLOR is set and not empty (no-color.org) or TERM is dumb.
 */
struct cage_term cage_term_of(int fd, char *const *environ_);

/*
 * Columns of the terminal at fd: COLUMNS when it is a number, else what the terminal says. 0: not a terminal,
 * or it does not say.
 */
size_t cage_term_width(int fd, char *const *environ_);

/* "✓" or "✗" in green or red, or "ok" and "--" where the terminal cannot. Static. */
const char *cage_term_mark(const struct cage_term *term, bool ok);

#endif
