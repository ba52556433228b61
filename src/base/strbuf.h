/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing byte buffer. Invariant: buf is never NULL after init and
 * buf[len] is always '\0', so buf is a C string when no NUL was added.
 */
#ifndef CAGE_BASE_STRBUF_H
#define CAGE_BASE_STRBUF_H

#include <stddef.h>

struct cage_strbuf {
    char *buf;
    size_t len, alloc;
};

#define CAGE_STRBUF_AUTO __attribute__((cleanup(cage_strbuf_finish))) struct cage_strbuf

/* Makes an empty buffer; its text is "" then, never NULL. */
void cage_strbuf_init(struct cage_strbuf *sb);
/* Frees the contents. A finished or zeroed one may be finished again. */
void cage_strbuf_finish(struct cage_strbuf *sb);

/* Forgets the contents, keeps the memory. */
void cage_strbuf_reset(struct cage_strbuf *sb);

/* Returns the contents, which the caller frees; leaves the buffer as finish() does. It can be added to again.
 */
char *cage_strbuf_steal(struct cage_strbuf *sb);

/* Appends a string. */
void cage_strbuf_add(struct cage_strbuf *sb, const char *s);
/* Appends one byte. */
void cage_strbuf_addc(struct cage_strbuf *sb, int c);
/* Appends n bytes, NULs included. */
void cage_strbuf_add_bytes(struct cage_strbuf *sb, const void *data, size_t n);
/* Appends formatted text, as printf(3). */
void cage_strbuf_addf(struct cage_strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Appends s fit for a terminal: control characters (C0 but tab and newline, DEL, C1), invalid
 * UTF-8 and what else cage_utf8_printable() refuses become "\xNN". Use it for any text from a file, a
 * program or the network.
 */
void cage_strbuf_add_printable(struct cage_strbuf *sb, const char *s);

/*
 * Appends a JSON text (RFC 8259; UTF-8), in whose strings what cage_utf8_printable() refuses becomes
 * "\uNNNN": it means the same, and can be shown on a terminal. A serializer need not escape DEL, C1 and what
 * turns the direction of writing round.
 */
void cage_strbuf_add_json(struct cage_strbuf *sb, const char *json);

/* Appends s as one POSIX shell word, quoted only where it must be. */
void cage_strbuf_add_shell_word(struct cage_strbuf *sb, const char *s);

/* Appends s as a TOML basic string with its quotes. */
void cage_strbuf_add_toml_string(struct cage_strbuf *sb, const char *s);

#endif
