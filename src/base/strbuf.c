/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/strbuf.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct cage_strbuf *sb, size_t extra)
{
    size_t want = sb->len + extra + 1;

    if (sb->buf && want <= sb->alloc)
        return;
    if (want < 2 * sb->alloc)
        want = 2 * sb->alloc;
    if (want < 64)
        want = 64;
    sb->buf = cage_realloc_array(sb->buf, want, 1);
    sb->alloc = want;
}

void cage_strbuf_init(struct cage_strbuf *sb)
{
    memset(sb, 0, sizeof *sb);
    reserve(sb, 0);
    sb->buf[0] = '\0';
}

void cage_strbuf_finish(struct cage_strbuf *sb)
{
    free(sb->buf);
    memset(sb, 0, sizeof *sb);
}

void cage_strbuf_reset(struct cage_strbuf *sb)
{
    reserve(sb, 0);
    sb->len = 0;
    sb->buf[0] = '\0';
}

char *cage_strbuf_steal(struct cage_strbuf *sb)
{
    char *s;

    reserve(sb, 0);
    sb->buf[sb->len] = '\0';
    s = sb->buf;
    memset(sb, 0, sizeof *sb);
    return s;
}

void cage_strbuf_add_bytes(struct cage_strbuf *sb, const void *data, size_t n)
{
    reserve(sb, n);
    if (n)
        memcpy(sb->buf + sb->len, data, n);
    sb->len += n;
    sb->buf[sb->len] = '\0';
}

void cage_strbuf_add(struct cage_strbuf *sb, const char *s)
{
    cage_strbuf_add_bytes(sb, s, strlen(s));
}

void cage_strbuf_addc(struct cage_strbuf *sb, int c)
{
    char byte = (char)c;

    cage_strbuf_add_bytes(sb, &byte, 1);
}

void cage_strbuf_addf(struct cage_strbuf *sb, const char *fmt, ...)
{
    va_list ap, again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    /* clang 14 loses sight of va_start() when it looks at this as a part of a caller. */
    n = vsnprintf(NULL, 0, fmt, ap); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(ap);
    if (n > 0) {
        reserve(sb, (size_t)n);
        vsnprintf(sb->buf + sb->len, (size_t)n + 1, fmt, again);
        sb->len += (size_t)n;
    }
    va_end(again);
}

void cage_strbuf_add_printable(struct cage_strbuf *sb, const char *s)
{
    while (*s) {
        unsigned long cp;
        size_t n = cage_utf8_decode(s, &cp);

        if (!cage_utf8_printable(s, n, cp)) {
            for (size_t i = 0; i < (n ? n : 1); i++)
                cage_strbuf_addf(sb, "\\x%02x", (unsigned)(unsigned char)s[i]);
        } else {
            cage_strbuf_add_bytes(sb, s, n);
        }
        s += n ? n : 1;
    }
}

void cage_strbuf_add_json(struct cage_strbuf *sb, const char *json)
{
    while (*json) {
        unsigned long cp;
        size_t n = cage_utf8_decode(json, &cp);

        if (cage_utf8_printable(json, n, cp))
            cage_strbuf_add_bytes(sb, json, n);
        else
            cage_strbuf_addf(sb, "\\u%04lx", n ? cp : 0xfffd); /* all that is refused is below U+10000 */
        json += n ? n : 1;
    }
}

void cage_strbuf_add_shell_word(struct cage_strbuf *sb, const char *s)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%_+=:,./-";

    if (*s && strspn(s, safe) == strlen(s)) {
        cage_strbuf_add(sb, s);
        return;
    }
    cage_strbuf_addc(sb, '\'');
    for (; *s; s++) {
        if (*s == '\'')
            cage_strbuf_add(sb, "'\\''");
        else
            cage_strbuf_addc(sb, *s);
    }
    cage_strbuf_addc(sb, '\'');
}

void cage_strbuf_add_toml_string(struct cage_strbuf *sb, const char *s)
{
    cage_strbuf_addc(sb, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '"' || c == '\\')
            cage_strbuf_addf(sb, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            cage_strbuf_addf(sb, "\\u%04x", (unsigned)c);
        else
            cage_strbuf_addc(sb, c);
    }
    cage_strbuf_addc(sb, '"');
}
