/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/wrap.h"
#include "base/utf8.h"

#include <string.h>

enum {
    ROOM = 24, /* columns: less than that for a table's last column reads badly */
    STEP = 4,
};

/* Bytes and columns of the first character or escape sequence of s. */
static size_t next(const char *s, size_t *columns)
{
    unsigned long cp;
    size_t n;

    *columns = 0;
    if (s[0] == '\033' && s[1] == '[') {
        n = 2 + strcspn(s + 2, "ABCDEFGHJKSTfmhl\n");
        return s[n] && s[n] != '\n' ? n + 1 : n;
    }
    *columns = 1;
    n = cage_utf8_decode(s, &cp);
    return n ? n : 1;
}

/* Columns of the first n bytes of s. */
static size_t columns_of(const char *s, size_t n)
{
    size_t total = 0, columns;

    for (size_t i = 0; i < n; total += columns)
        i += next(s + i, &columns);
    return total;
}

/* Where the lines that follow this one start. */
static size_t hanging(const char *line, size_t n, size_t width)
{
    size_t indent = strspn(line, " "), hang = indent + STEP;

    for (size_t i = indent; i + 2 < n; i++) {
        size_t blanks = strspn(line + i, " "), column;

        if (blanks < 2)
            continue;
        column = columns_of(line, i + blanks);
        if (column + ROOM > width)
            break;
        hang = column;
        i += blanks;
    }
    return hang + STEP < width ? hang : 0;
}

static void add_line(const char *line, size_t n, size_t width, struct cage_strbuf *out)
{
    size_t hang = hanging(line, n, width), step = strspn(line, " ") + STEP;
    size_t column = 0, at = 0;

    while (at < n) {
        size_t blanks = strspn(line + at, " ");
        size_t length = strcspn(line + at + blanks, " \n");
        size_t columns = columns_of(line + at + blanks, length);

        if (at > 0 && column + blanks + columns > width) {
            /* A word too long for its column may still fit when it starts more to the left. */
            size_t start = hang + columns > width && step < hang ? step : hang;

            cage_strbuf_addf(out, "\n%*s", (int)start, "");
            column = start + columns;
        } else {
            cage_strbuf_addf(out, "%*s", (int)blanks, "");
            column += blanks + columns;
        }
        cage_strbuf_add_bytes(out, line + at + blanks, length);
        at += blanks + length;
    }
}

void cage_wrap(const char *text, size_t width, struct cage_strbuf *out)
{
    while (*text) {
        size_t n = strcspn(text, "\n");

        if (width == 0 || columns_of(text, n) <= width)
            cage_strbuf_add_bytes(out, text, n);
        else
            add_line(text, n, width, out);
        text += n;
        if (*text == '\n') {
            cage_strbuf_addc(out, '\n');
            text++;
        }
    }
}
