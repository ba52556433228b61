/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/edit_list.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NONE = -1 };

/* One item: its bytes with the quotes, and the comma after it. */
struct item {
    size_t begin, end;
    long comma; /* NONE: there is none */
};

/* An array of strings in a text that is known to be valid TOML. */
struct array {
    const char *text;
    size_t open, close; /* of "[" and "]" */
    struct item *items;
    size_t n;
};

const char *cage_edit_newline(const char *text)
{
    const char *newline = strchr(text, '\n');

    return newline && newline > text && newline[-1] == '\r' ? "\r\n" : "\n";
}

/* The offset after the string that begins at `at`. */
static size_t string_end(const char *text, size_t at)
{
    char quote = text[at];
    bool multi = text[at + 1] == quote && text[at + 2] == quote;

    for (at += multi ? 3 : 1; text[at]; at++) {
        if (text[at] == '\\' && quote == '"' && text[at + 1]) {
            at++;
        } else if (text[at] == quote && !multi) {
            return at + 1;
        } else if (text[at] == quote && text[at + 1] == quote && text[at + 2] == quote) {
            /* Up to two quotes may stand before the three that close it. */
            for (at += 3; text[at] == quote; at++)
                ;
            return at;
        }
    }
    return at;
}

static void scan(struct array *array, const char *text, size_t open)
{
    size_t at = open + 1;

    *array = (struct array){.text = text, .open = open};
    while (text[at] && text[at] != ']') {
        if (text[at] == '"' || text[at] == '\'') {
            struct item item = {.begin = at, .end = string_end(text, at), .comma = NONE};

            array->items = cage_realloc_array(array->items, array->n + 1, sizeof *array->items);
            array->items[array->n++] = item;
            at = item.end;
        } else if (text[at] == '#') {
            at += strcspn(text + at, "\n");
        } else {
            if (text[at] == ',' && array->n > 0)
                array->items[array->n - 1].comma = (long)at;
            at++;
        }
    }
    array->close = at;
}

static size_t line_start(const char *text, size_t at)
{
    while (at > 0 && text[at - 1] != '\n')
        at--;
    return at;
}

/* Where the line of `at` ends: its "\n" or "\r\n", or the end of the text. */
static size_t line_end(const char *text, size_t at)
{
    at += strcspn(text + at, "\n");
    return at > 0 && text[at] && text[at - 1] == '\r' ? at - 1 : at;
}

static bool only_blanks(const char *text, size_t from, size_t to)
{
    return strspn(text + from, " \t") >= to - from;
}

/* Replaces text[from, to) by `by`, the rest is copied. */
static void splice(const char *text, size_t from, size_t to, const char *by, struct cage_strbuf *out)
{
    cage_strbuf_add_bytes(out, text, from);
    cage_strbuf_add(out, by);
    cage_strbuf_add(out, text + to);
}

static char *toml_string(const char *name)
{
    CAGE_STRBUF_AUTO sb = {0};

    cage_strbuf_init(&sb);
    cage_strbuf_add_toml_string(&sb, name);
    return cage_strbuf_steal(&sb);
}

static void add_first(const struct array *a, const char *item, struct cage_strbuf *out)
{
    size_t start = line_start(a->text, a->close);
    cage_autofree char *line = NULL;

    if (start <= a->open || !only_blanks(a->text, start, a->close)) {
        splice(a->text, a->open + 1, only_blanks(a->text, a->open + 1, a->close) ? a->close : a->open + 1,
               item, out);
        return;
    }
    line = cage_format("%.*s  %s,%s", (int)(a->close - start), a->text + start, item,
                       cage_edit_newline(a->text));
    splice(a->text, start, start, line, out);
}

/* The last item stands at the beginning of a line: so does the new one, with the same indentation. */
static void add_line(const struct array *a, const char *item, struct cage_strbuf *out)
{
    const struct item *last = &a->items[a->n - 1];
    const char *text = a->text, *newline = cage_edit_newline(text);
    size_t start = line_start(text, last->begin);
    size_t after = last->comma == NONE ? last->end : (size_t)last->comma + 1;
    size_t end = line_end(text, after);
    cage_autofree char *line = cage_format("%s%.*s%s%s", newline, (int)(last->begin - start), text + start,
                                           item, last->comma == NONE ? "" : ",");

    if (end > a->close)
        end = after; /* the closing bracket is on this line too */
    cage_strbuf_add_bytes(out, text, last->end);
    if (last->comma == NONE)
        cage_strbuf_addc(out, ',');
    cage_strbuf_add_bytes(out, text + last->end, end - last->end);
    cage_strbuf_add(out, line);
    cage_strbuf_add(out, text + end);
}

void cage_edit_list_add(const char *text, size_t open, const char *name, struct cage_strbuf *out)
{
    cage_autofree char *item = toml_string(name);
    struct array a;

    scan(&a, text, open);
    if (a.n == 0) {
        add_first(&a, item, out);
    } else {
        const struct item *last = &a.items[a.n - 1];
        size_t start = line_start(text, last->begin);

        if (start > a.open && only_blanks(text, start, last->begin)) {
            add_line(&a, item, out);
        } else {
            cage_autofree char *more = cage_format(", %s", item);

            splice(text, last->end, last->end, more, out);
        }
    }
    free(a.items);
}

/* Whether nothing but the item, its comma and a comment stands on its lines. */
static bool alone_on_line(const struct array *a, const struct item *item)
{
    size_t start = line_start(a->text, item->begin);
    size_t after = item->comma == NONE ? item->end : (size_t)item->comma + 1;
    size_t rest = after + strspn(a->text + after, " \t");

    return start > a->open && only_blanks(a->text, start, item->begin) &&
           (item->comma == NONE || only_blanks(a->text, item->end, (size_t)item->comma)) && a->text[rest] &&
           strchr("#\r\n", a->text[rest]);
}

/* One of several on a line: what goes with it is one comma and the blanks around it. */
static void remove_inline(const struct array *a, size_t index, struct cage_strbuf *out)
{
    const struct item *item = &a->items[index];
    const struct item *previous = index ? item - 1 : NULL;
    bool last = index + 1 == a->n;
    size_t from = item->begin, to = item->end;

    if (last && previous && previous->comma != NONE &&
        only_blanks(a->text, previous->end, (size_t)previous->comma) &&
        only_blanks(a->text, (size_t)previous->comma + 1, item->begin)) {
        from = previous->end; /* takes the comma before it; one after it stays as the trailing comma */
    } else if (item->comma != NONE && only_blanks(a->text, to, (size_t)item->comma)) {
        size_t after = (size_t)item->comma + 1, next = after + strspn(a->text + after, " \t");

        to = a->text[next] == '#' ? after : next;
        while (strchr("\r\n", a->text[next]) && from > 0 && strchr(" \t", a->text[from - 1]))
            from--; /* nothing follows on this line: leave no blanks at its end */
    } else if (item->comma != NONE) {
        /* A comment or a line end stands between the item and its comma: take out both, leave that. */
        cage_strbuf_add_bytes(out, a->text, from);
        cage_strbuf_add_bytes(out, a->text + to, (size_t)item->comma - to);
        cage_strbuf_add(out, a->text + item->comma + 1);
        return;
    }
    if (a->n == 1 && only_blanks(a->text, a->open + 1, from) && only_blanks(a->text, to, a->close)) {
        from = a->open + 1;
        to = a->close;
    }
    splice(a->text, from, to, "", out);
}

void cage_edit_list_remove(const char *text, size_t open, size_t index, struct cage_strbuf *out)
{
    struct array a;

    scan(&a, text, open);
    if (index >= a.n) {
        cage_strbuf_add(out, text); /* two readers of one text disagree: the caller compares and refuses */
    } else if (alone_on_line(&a, &a.items[index])) {
        size_t start = line_start(text, a.items[index].begin);
        size_t end = a.items[index].end;

        end += strcspn(text + end, "\n");
        splice(text, start, text[end] ? end + 1 : end, "", out);
    } else {
        remove_inline(&a, index, out);
    }
    free(a.items);
}
