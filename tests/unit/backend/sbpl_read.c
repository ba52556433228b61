/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From text to S-expressions: nothing that Scheme would also accept, only what we mean to write. */
#include "sbpl_read.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail(struct sbpl_reader *r, const char *what)
{
    if (r->why[0] == '\0')
        snprintf(r->why, sizeof r->why, "offset %td: %s", r->p - r->start, what);
    return false;
}

static void skip(struct sbpl_reader *r)
{
    for (;;) {
        while (*r->p == ' ' || *r->p == '\n')
            r->p++;
        if (*r->p != ';')
            return;
        while (*r->p && *r->p != '\n')
            r->p++;
    }
}

static struct sbpl_node *append(struct sbpl_node *list)
{
    list->items = realloc(list->items, (list->n + 1) * sizeof *list->items);
    if (!list->items)
        abort();
    list->items[list->n] = (struct sbpl_node){0};
    return &list->items[list->n++];
}

static bool read_string(struct sbpl_reader *r, struct sbpl_node *node)
{
    char *out = node->text = calloc(strlen(r->p) + 1, 1);

    node->kind = SBPL_STRING;
    for (r->p++; *r->p != '"'; r->p++) {
        if ((unsigned char)*r->p < 0x20 || *r->p == 0x7f)
            return fail(r, "control character or end in a string");
        if (*r->p == '\\') {
            r->p++;
            if (*r->p != '"' && *r->p != '\\')
                return fail(r, "unknown escape");
        }
        *out++ = *r->p;
    }
    r->p++;
    return true;
}

static bool read_regex(struct sbpl_reader *r, struct sbpl_node *node)
{
    const char *end = strchr(r->p + 2, '"');

    if (r->p[1] != '"' || !end)
        return fail(r, "not a regex");
    node->kind = SBPL_REGEX;
    node->text = strndup(r->p + 2, (size_t)(end - r->p) - 2);
    r->p = end + 1;
    return true;
}

static bool read_atom(struct sbpl_reader *r, struct sbpl_node *node)
{
    size_t n = 0;

    while (isalnum((unsigned char)r->p[n]) || (r->p[n] && strchr("-*", r->p[n])))
        n++;
    if (n == 0)
        return fail(r, "unexpected character");
    node->kind = SBPL_ATOM;
    node->text = strndup(r->p, n);
    r->p += n;
    return *r->p == ' ' || *r->p == '\n' || *r->p == ')' ? true : fail(r, "an atom runs on");
}

static bool read_node(struct sbpl_reader *r, struct sbpl_node *node, int depth)
{
    if (*r->p == '"')
        return read_string(r, node);
    if (*r->p == '#')
        return read_regex(r, node);
    if (*r->p != '(')
        return read_atom(r, node);
    if (depth > 6)
        return fail(r, "too deep");
    node->kind = SBPL_LIST;
    for (r->p++, skip(r); *r->p != ')'; skip(r)) {
        if (!*r->p)
            return fail(r, "a list does not end");
        if (!read_node(r, append(node), depth + 1))
            return false;
    }
    r->p++;
    return true;
}

bool sbpl_read(struct sbpl_reader *r, const char *text, struct sbpl_node *root)
{
    *r = (struct sbpl_reader){.start = text, .p = text};
    *root = (struct sbpl_node){.kind = SBPL_LIST};
    for (skip(r); *r->p; skip(r)) {
        if (*r->p != '(')
            return fail(r, "text outside of a rule");
        if (!read_node(r, append(root), 0))
            return false;
    }
    return true;
}

void sbpl_node_free(struct sbpl_node *node)
{
    for (size_t i = 0; i < node->n; i++)
        sbpl_node_free(&node->items[i]);
    free(node->items);
    free(node->text);
    *node = (struct sbpl_node){0};
}
