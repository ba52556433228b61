/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backend/seatbelt_emit.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void cage_sbpl_init(struct cage_sbpl *s, const char *tag)
{
    *s = (struct cage_sbpl){.tag = tag};
    cage_strbuf_init(&s->text);
    cage_strbuf_init(&s->filters);
}

void cage_sbpl_finish(struct cage_sbpl *s)
{
    cage_strbuf_finish(&s->text);
    cage_strbuf_finish(&s->filters);
}

int cage_sbpl_path_check(const char *path, struct cage_error *err)
{
    CAGE_STRBUF_AUTO shown = {0};
    cage_autofree char *clean = NULL;
    unsigned long cp;

    cage_strbuf_init(&shown);
    cage_strbuf_add_printable(&shown, path);
    if (path[0] != '/') {
        cage_error_set(err, CAGE_ERR_CONFIG, "\"%s\" is not an absolute path", shown.buf);
        return cage_error_hint(err, "write it from /, or from ~");
    }
    for (const char *p = path; *p;) {
        size_t n = cage_utf8_decode(p, &cp);

        if (n == 0) {
            cage_error_set(err, CAGE_ERR_CONFIG, "the path \"%s\" is not valid UTF-8", shown.buf);
            return cage_error_hint(err, "rename it, or leave it out: a Seatbelt profile is text");
        }
        if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0)) {
            cage_error_set(err, CAGE_ERR_CONFIG, "the path \"%s\" has a control character in it", shown.buf);
            return cage_error_hint(err, "rename it, or leave it out: a Seatbelt profile is text");
        }
        p += n;
    }
    clean = cage_path_clean(path);
    if (strcmp(clean, path) != 0)
        return cage_error_set(err, CAGE_ERR_INTERNAL, "the path \"%s\" is not clean", shown.buf);
    return 0;
}

void cage_sbpl_quote(struct cage_strbuf *out, const char *s)
{
    cage_strbuf_addc(out, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            cage_strbuf_addc(out, '\\');
        cage_strbuf_addc(out, *s);
    }
    cage_strbuf_addc(out, '"');
}

static void open_rule(struct cage_sbpl *s, bool deny, const char *operations)
{
    s->deny = deny;
    s->operations = operations;
    s->n_filters = 0;
    cage_strbuf_reset(&s->filters);
}

void cage_sbpl_allow(struct cage_sbpl *s, const char *operations)
{
    open_rule(s, false, operations);
}

void cage_sbpl_deny(struct cage_sbpl *s, const char *operations)
{
    open_rule(s, true, operations);
}

void cage_sbpl_filter(struct cage_sbpl *s, const char *filter)
{
    cage_strbuf_add(&s->filters, "\n  ");
    cage_strbuf_add(&s->filters, filter);
    s->n_filters++;
}

void cage_sbpl_filterf(struct cage_sbpl *s, const char *fmt, ...)
{
    cage_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        abort();
    va_end(ap);
    cage_sbpl_filter(s, text);
}

void cage_sbpl_names(const char *path, bool deny, struct cage_strv *names)
{
    static const char *const linked[] = {"/private/tmp", "/private/var", "/private/etc"};

    cage_strv_add(names, path);
    for (size_t i = 0; i < CAGE_LEN(linked); i++)
        if (cage_path_is_under(path, linked[i]))
            cage_strv_add(names, path + strlen("/private"));
    if (deny && !cage_path_is_under(path, "/System"))
        cage_strv_addf(names, "/System/Volumes/Data%s", path);
}

static void one_path(struct cage_sbpl *s, const char *kind, const char *path)
{
    cage_strbuf_addf(&s->filters, "\n  (%s ", kind);
    cage_sbpl_quote(&s->filters, path);
    cage_strbuf_addc(&s->filters, ')');
    s->n_filters++;
}

void cage_sbpl_path(struct cage_sbpl *s, enum cage_sbpl_match match, const char *path)
{
    CAGE_STRV_AUTO names = {0};

    cage_sbpl_names(path, s->deny, &names);
    for (size_t i = 0; i < names.n; i++) {
        if (match & CAGE_SBPL_LITERAL)
            one_path(s, "literal", names.items[i]);
        if (match & CAGE_SBPL_SUBPATH)
            one_path(s, "subpath", names.items[i]);
    }
}

void cage_sbpl_literal(struct cage_sbpl *s, const char *path)
{
    one_path(s, "literal", path);
}

void cage_sbpl_end(struct cage_sbpl *s)
{
    if (s->n_filters == 0)
        return;
    cage_strbuf_addf(&s->text, "(%s %s", s->deny ? "deny" : "allow", s->operations);
    cage_strbuf_add(&s->text, s->filters.buf);
    if (s->deny && s->tag) {
        cage_strbuf_add(&s->text, "\n  (with message ");
        cage_sbpl_quote(&s->text, s->tag);
        cage_strbuf_addc(&s->text, ')');
    }
    cage_strbuf_add(&s->text, ")\n");
}

void cage_sbpl_bare(struct cage_sbpl *s, const char *operation)
{
    cage_strbuf_addf(&s->text, "(allow %s)\n", operation);
}

void cage_sbpl_section(struct cage_sbpl *s, const char *title)
{
    cage_strbuf_addf(&s->text, "\n; %s\n", title);
}
