/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/gitconfig.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

struct reader {
    const char *at;
    struct cage_strbuf section, subsection, name, value;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void add_lower(struct cage_strbuf *out, char c)
{
    cage_strbuf_addc(out, tolower((unsigned char)c));
}

/* `[section]`, `[section "sub"]` and the old `[section.sub]`, which is not told apart from a section. */
static bool read_header(struct reader *r)
{
    cage_strbuf_reset(&r->section);
    cage_strbuf_reset(&r->subsection);
    for (r->at++; isalnum((unsigned char)*r->at) || *r->at == '-' || *r->at == '.'; r->at++)
        add_lower(&r->section, *r->at);
    while (is_blank(*r->at))
        r->at++;
    if (*r->at == '"') {
        for (r->at++; *r->at && *r->at != '"' && *r->at != '\n'; r->at++) {
            if (*r->at == '\\' && r->at[1])
                r->at++;
            cage_strbuf_addc(&r->subsection, *r->at);
        }
        if (*r->at++ != '"')
            return false;
    }
    return *r->at++ == ']';
}

/* The character after a backslash; false: git knows no such escape. */
static bool add_escaped(struct cage_strbuf *out, char c)
{
    static const char from[] = "ntb\\\"", to[] = "\n\t\b\\\"";
    const char *known = c ? strchr(from, c) : NULL;

    if (c == '\n')
        return true; /* the value goes on in the next line */
    if (!known)
        return false;
    cage_strbuf_addc(out, to[known - from]);
    return true;
}

/* From after the "=" to the end of the line. */
static bool read_value(struct reader *r)
{
    bool quoted = false;
    size_t end = 0; /* without the blanks at the end, unless quoted */

    cage_strbuf_reset(&r->value);
    while (is_blank(*r->at))
        r->at++;
    for (; *r->at && (*r->at != '\n'); r->at++) {
        char c = *r->at;

        if (c == '\r' && r->at[1] == '\n')
            continue;
        if (!quoted && (c == '#' || c == ';')) {
            r->at += strcspn(r->at, "\n");
            break;
        }
        if (c == '"') {
            quoted = !quoted;
            end = r->value.len;
            continue;
        }
        if (c != '\\')
            cage_strbuf_addc(&r->value, c);
        else if (r->at[1] == '\r' && r->at[2] == '\n')
            r->at += 2;
        else if (!add_escaped(&r->value, *++r->at))
            return false;
        if (quoted || !is_blank(c))
            end = r->value.len;
    }
    if (end < r->value.len) {
        r->value.buf[end] = '\0';
        r->value.len = end;
    }
    return !quoted;
}

static bool read_variable(struct reader *r, cage_gitconfig_fn *fn, void *data)
{
    cage_strbuf_reset(&r->name);
    for (; isalnum((unsigned char)*r->at) || *r->at == '-'; r->at++)
        add_lower(&r->name, *r->at);
    while (is_blank(*r->at))
        r->at++;
    if (*r->at != '=') {
        /* A name alone is a boolean. */
        r->at += strcspn(r->at, "\n");
        return r->name.len > 0;
    }
    r->at++;
    if (r->name.len == 0 || !read_value(r))
        return false;
    fn(r->section.buf, r->subsection.buf, r->name.buf, r->value.buf, data);
    return true;
}

static bool read_one(struct reader *r, cage_gitconfig_fn *fn, void *data)
{
    if (*r->at == '#' || *r->at == ';') {
        r->at += strcspn(r->at, "\n");
        return true;
    }
    if (*r->at == '[')
        return read_header(r);
    return isalpha((unsigned char)*r->at) && read_variable(r, fn, data);
}

void cage_gitconfig_parse(const char *text, cage_gitconfig_fn *fn, void *data)
{
    struct reader r = {.at = text};
    struct cage_strbuf *buffers[] = {&r.section, &r.subsection, &r.name, &r.value};

    for (size_t i = 0; i < CAGE_LEN(buffers); i++)
        cage_strbuf_init(buffers[i]);
    if (strncmp(r.at, "\xef\xbb\xbf", 3) == 0)
        r.at += 3;
    for (;;) {
        r.at += strspn(r.at, " \t\r\n");
        if (!*r.at || !read_one(&r, fn, data))
            break;
    }
    for (size_t i = 0; i < CAGE_LEN(buffers); i++)
        cage_strbuf_finish(buffers[i]);
}

char *cage_gitconfig_quote(const char *text)
{
    CAGE_STRBUF_AUTO out = {0};

    cage_strbuf_init(&out);
    cage_strbuf_addc(&out, '"');
    for (; *text; text++) {
        if (*text == '\n' || *text == '\t' || *text == '\b') {
            cage_strbuf_addc(&out, '\\');
            cage_strbuf_addc(&out, *text == '\n' ? 'n' : *text == '\t' ? 't' : 'b');
            continue;
        }
        if (*text == '"' || *text == '\\')
            cage_strbuf_addc(&out, '\\');
        cage_strbuf_addc(&out, *text);
    }
    cage_strbuf_addc(&out, '"');
    return cage_strbuf_steal(&out);
}
