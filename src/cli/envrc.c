/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/envrc.h"

#include <string.h>

static const char made_line[] = "# This file was made by nixcage.";
static const char hook_line[] = "eval \"$(nixcage _direnv_hook)\"";

/* Offsets of the block's first byte and of the byte after its last line; from == to: there is none. */
struct block {
    size_t from, to;
    bool made; /* holds made_line */
};

static bool line_is(const char *line, size_t len, const char *what)
{
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' ' || line[len - 1] == '\t'))
        len--;
    return len == strlen(what) && memcmp(line, what, len) == 0;
}

static int unpaired(int line, const char *marker, struct cage_error *err)
{
    cage_error_set(err, CAGE_ERR_PROJECT, "'%s' has no counterpart", marker);
    cage_error_at(err, ".envrc", line, 1);
    return cage_error_hint(err, "repair or remove nixcage's lines by hand: they go from '%s' to '%s'",
                           CAGE_ENVRC_BEGIN, CAGE_ENVRC_END);
}

static int find_block(const char *text, size_t n, struct block *block, struct cage_error *err)
{
    int line = 0, begin = 0;

    *block = (struct block){0};
    for (size_t at = 0, next; at < n; at = next) {
        const char *nl = memchr(text + at, '\n', n - at);
        size_t len = nl ? (size_t)(nl - text) - at : n - at;

        next = at + len + (nl ? 1 : 0);
        line++;
        if (line_is(text + at, len, CAGE_ENVRC_BEGIN)) {
            if (begin || block->to)
                return unpaired(line, CAGE_ENVRC_BEGIN, err);
            begin = line;
            block->from = at;
        } else if (line_is(text + at, len, CAGE_ENVRC_END)) {
            if (!begin)
                return unpaired(line, CAGE_ENVRC_END, err);
            begin = 0;
            block->to = next;
        } else if (begin && line_is(text + at, len, made_line)) {
            block->made = true;
        }
    }
    if (begin)
        return unpaired(begin, CAGE_ENVRC_BEGIN, err);
    return 0;
}

static void add_block(struct cage_strbuf *out, bool made)
{
    cage_strbuf_addf(out, "%s\n%s%s%s\n%s\n", CAGE_ENVRC_BEGIN, made ? made_line : "", made ? "\n" : "",
                     hook_line, CAGE_ENVRC_END);
}

int cage_envrc_add_block(const char *text, size_t n, struct cage_strbuf *out, struct cage_error *err)
{
    struct block block;

    if (!text) {
        add_block(out, true);
        return 0;
    }
    if (find_block(text, n, &block, err) < 0)
        return -1;
    if (block.to == 0)
        block.from = block.to = n;
    cage_strbuf_add_bytes(out, text, block.from);
    if (block.from > 0 && text[block.from - 1] != '\n')
        cage_strbuf_addc(out, '\n');
    add_block(out, block.made);
    cage_strbuf_add_bytes(out, text + block.to, n - block.to);
    return 0;
}

static bool is_blank(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr(" \t\r\n", text[i]) || text[i] == '\0')
            return false;
    return true;
}

int cage_envrc_remove_block(const char *text, size_t n, struct cage_strbuf *out, enum cage_envrc_state *state,
                            struct cage_error *err)
{
    struct block block;
    size_t start = out->len;

    if (find_block(text, n, &block, err) < 0)
        return -1;
    cage_strbuf_add_bytes(out, text, block.from);
    cage_strbuf_add_bytes(out, text + block.to, n - block.to);
    if (block.to == 0)
        *state = CAGE_ENVRC_NO_BLOCK;
    else if (block.made && is_blank(out->buf + start, out->len - start))
        *state = CAGE_ENVRC_OWN_FILE;
    else
        *state = CAGE_ENVRC_IN_USERS;
    return 0;
}
