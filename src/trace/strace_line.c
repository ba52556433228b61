/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/strace_line.h"

#include <string.h>

enum { MAX_PID_DIGITS = 10 };

bool cage_slice_is(struct cage_slice slice, const char *text)
{
    return slice.n == strlen(text) && memcmp(slice.at, text, slice.n) == 0;
}

struct cage_slice cage_slice_after(struct cage_slice slice, const char *text)
{
    struct cage_slice rest = {slice.at, 0};
    const char *found = slice.n ? memmem(slice.at, slice.n, text, strlen(text)) : NULL;

    if (found) {
        rest.at = found + strlen(text);
        rest.n = slice.n - (size_t)(rest.at - slice.at);
    }
    return rest;
}

bool cage_slice_has(struct cage_slice slice, const char *text)
{
    return slice.n > 0 && memmem(slice.at, slice.n, text, strlen(text)) != NULL;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Steps over a string that begins at text[i] with its quote; returns the place behind it, at most n. */
static size_t skip_string(const char *text, size_t n, size_t i)
{
    for (i++; i < n && text[i] != '"'; i++)
        if (text[i] == '\\')
            i++;
    return i < n ? i + 1 : n;
}

/* The pid, and the comm that -Y puts behind it; returns the place of what follows, or 0. */
static size_t read_who(const char *text, size_t n, struct cage_strace_line *line)
{
    size_t i = 0;

    for (line->pid = 0; i < n && i < MAX_PID_DIGITS && text[i] >= '0' && text[i] <= '9'; i++)
        line->pid = line->pid * 10 + (text[i] - '0');
    if (i == 0)
        return 0;
    if (i < n && text[i] == '<') {
        const char *end = memmem(text + i, n - i, "> ", 2);

        if (!end)
            return 0;
        line->comm = (struct cage_slice){text + i + 1, (size_t)(end - text) - i - 1};
        i = (size_t)(end - text) + 1;
    }
    if (i >= n || text[i] != ' ')
        return 0;
    while (i < n && text[i] == ' ')
        i++;
    return i;
}

static void add_arg(struct cage_strace_line *line, const char *text, size_t from, size_t to)
{
    while (from < to && text[from] == ' ')
        from++;
    if (line->n_args < CAGE_STRACE_MAX_ARGS && (to > from || line->n_args > 0))
        line->args[line->n_args++] = (struct cage_slice){text + from, to - from};
}

/* Splits at the commas of the top level; text[i] is behind '('. Returns the place behind ')', or 0. */
static size_t read_args(const char *text, size_t n, size_t i, struct cage_strace_line *line)
{
    size_t depth = 0, from = i;

    while (i < n) {
        char c = text[i];

        if (c == '"') {
            i = skip_string(text, n, i);
            continue;
        }
        if (c == '(' || c == '[' || c == '{') {
            depth++;
        } else if (depth > 0 && (c == ')' || c == ']' || c == '}')) {
            depth--;
        } else if (c == '<') { /* a path, in which strace escapes '>' */
            const char *end = memchr(text + i, '>', n - i);

            i = end ? (size_t)(end - text) : i;
        } else if (depth == 0 && (c == ',' || c == ')')) {
            add_arg(line, text, from, i);
            from = i + 1;
            if (c == ')')
                return i + 1;
        }
        i++;
    }
    return 0;
}

/* "= -1 ENOENT (No such file…)": the name. */
static bool read_result(const char *text, size_t n, size_t i, struct cage_strace_line *line)
{
    size_t from;

    while (i < n && text[i] == ' ')
        i++;
    if (i >= n || text[i] != '=')
        return false;
    for (i++; i < n && text[i] == ' ';)
        i++;
    if (n - i < 4 || memcmp(text + i, "-1 E", 4) != 0)
        return true;
    for (from = i += 3; i < n && text[i] >= '0' && text[i] <= 'Z';)
        i++;
    line->error = (struct cage_slice){text + from, i - from};
    return true;
}

static bool ends_with(const char *text, size_t n, const char *end)
{
    size_t len = strlen(end);

    return n >= len && memcmp(text + n - len, end, len) == 0;
}

enum cage_strace_kind cage_strace_read(const char *text, size_t n, struct cage_strace_line *line,
                                       struct cage_slice *rest)
{
    static const char unfinished[] = " <unfinished ...>", resumed[] = " resumed>";
    size_t i, from;

    *line = (struct cage_strace_line){.pid = 0};
    *rest = (struct cage_slice){text, 0};
    from = i = read_who(text, n, line);
    if (i == 0)
        return CAGE_STRACE_OTHER;
    if (n - i > 5 && memcmp(text + i, "<... ", 5) == 0) {
        *rest = cage_slice_after((struct cage_slice){text + i, n - i}, resumed);
        return rest->n ? CAGE_STRACE_RESUMED : CAGE_STRACE_OTHER;
    }
    if (n - i > 4 && memcmp(text + i, "+++ ", 4) == 0)
        return CAGE_STRACE_ENDED;
    while (i < n && is_name(text[i]))
        i++;
    if (i == from || i >= n || text[i] != '(')
        return CAGE_STRACE_OTHER;
    if (ends_with(text, n, unfinished)) {
        rest->n = n - strlen(unfinished);
        return CAGE_STRACE_UNFINISHED;
    }
    line->name = (struct cage_slice){text + from, i - from};
    i = read_args(text, n, i + 1, line);
    return i && read_result(text, n, i, line) ? CAGE_STRACE_CALL : CAGE_STRACE_OTHER;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte of the escape whose letter is text[*i]; *i moves to its last character. */
static int escaped(const char *text, size_t n, size_t *i)
{
    static const char letters[] = "abfnrtve", bytes[] = "\a\b\f\n\r\t\v\033";
    const char *known = text[*i] ? strchr(letters, text[*i]) : NULL;
    int value = 0, digits = 0;

    if (known)
        return bytes[known - letters];
    if (text[*i] == 'x' && *i + 2 < n && hex(text[*i + 1]) >= 0 && hex(text[*i + 2]) >= 0) {
        value = hex(text[*i + 1]) * 16 + hex(text[*i + 2]);
        *i += 2;
        return value;
    }
    if (text[*i] < '0' || text[*i] > '7')
        return (unsigned char)text[*i];
    for (; digits < 3 && *i < n && text[*i] >= '0' && text[*i] <= '7'; digits++, (*i)++)
        value = value * 8 + (text[*i] - '0');
    (*i)--;
    return value & 0xff;
}

/* The characters up to `end`, escapes resolved. Returns the place of `end`, or n. */
static size_t unescape(const char *text, size_t n, size_t i, char end, struct cage_strbuf *out, bool *nul)
{
    for (; i < n && text[i] != end; i++) {
        int c = (unsigned char)text[i];

        if (c == '\\' && i + 1 < n) {
            i++;
            c = escaped(text, n, &i);
        }
        *nul |= c == 0;
        cage_strbuf_addc(out, c);
    }
    return i;
}

bool cage_strace_string(struct cage_slice arg, struct cage_strbuf *out)
{
    bool nul = false;
    size_t i;

    if (arg.n < 2 || arg.at[0] != '"')
        return false;
    i = unescape(arg.at, arg.n, 1, '"', out, &nul);
    /* strace puts "..." behind what it cut off */
    return !nul && i + 1 == arg.n;
}

bool cage_strace_annotation(struct cage_slice arg, struct cage_strbuf *out)
{
    const char *open = arg.n ? memchr(arg.at, '<', arg.n) : NULL;
    bool nul = false;
    size_t i;

    if (!open)
        return false;
    i = unescape(arg.at, arg.n, (size_t)(open - arg.at) + 1, '>', out, &nul);
    return !nul && i < arg.n;
}
