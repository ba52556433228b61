/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CAGE_BASE_UTF8_H
#define CAGE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Decodes the first code point of the NUL-terminated s into *cp and returns its
 * length in bytes, or 0 (and *cp = 0) where s is not valid UTF-8 (RFC 3629: no
 * overlong forms, no surrogates, at most U+10FFFF) or empty.
 */
size_t cage_utf8_decode(const char *s, unsigned long *cp);

/*
 * Whether what cage_utf8_decode() said of s (n and cp) can be shown on a terminal as it is: valid, no control
 * character (C0 but tab and newline, DEL, C1), no line or paragraph separator, and nothing that turns the
 * direction of writing round (Unicode bidirectional controls), with which a text can look like another one.
 */
bool cage_utf8_printable(const char *s, size_t n, unsigned long cp);

/* Whether all of s is valid UTF-8. */
bool cage_utf8_valid(const char *s);

#endif
