/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/words.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <string.h>

static bool wrong(struct cage_objection *why, const char *what)
{
    why->what = what;
    why->fix = "Quote it if it is meant literally, or use [\"sh\", \"-c\", \"...\"] for a shell";
    return false;
}

static bool open_quote(struct cage_objection *why)
{
    why->what = "a quote in it is not closed";
    why->fix = "Close the quote, or write the command as a list of words";
    return false;
}

static bool ends_in_backslash(struct cage_objection *why)
{
    why->what = "it ends in a backslash";
    why->fix = "Remove the backslash, or put it in quotes";
    return false;
}

/* Reads from the character after `"` up to and over the closing one; NULL: there is none, or an expansion. */
static const char *double_quoted(const char *p, struct cage_strbuf *word, struct cage_objection *why)
{
    for (; *p != '"'; p++) {
        if (!*p)
            return open_quote(why), NULL;
        if (*p == '$' || *p == '`')
            return wrong(why, "nothing is expanded in it, so $ and ` have no meaning"), NULL;
        if (*p == '\\' && p[1] && strchr("$`\"\\", p[1]))
            p++;
        cage_strbuf_addc(word, *p);
    }
    return p + 1;
}

static const char *single_quoted(const char *p, struct cage_strbuf *word, struct cage_objection *why)
{
    size_t n = strcspn(p, "'");

    if (!p[n])
        return open_quote(why), NULL;
    cage_strbuf_add_bytes(word, p, n);
    return p + n + 1;
}

/* One word from p, which is not at a blank. Returns where it ends, or NULL. */
static const char *read_word(const char *p, struct cage_strbuf *word, struct cage_objection *why)
{
    if (*p == '~' || *p == '#')
        return wrong(why, "nothing is expanded in it, so ~ and # in front of a word have no meaning"), NULL;
    while (p && *p && !strchr(" \t\n", *p)) {
        if (strchr("|&;<>()*", *p))
            return wrong(why, "no shell reads it, so | & ; < > ( ) and * have no meaning"), NULL;
        if (*p == '$' || *p == '`')
            return wrong(why, "nothing is expanded in it, so $ and ` have no meaning"), NULL;
        if (*p == '"') {
            p = double_quoted(p + 1, word, why);
        } else if (*p == '\'') {
            p = single_quoted(p + 1, word, why);
        } else {
            if (*p == '\\' && !*++p)
                return ends_in_backslash(why), NULL;
            cage_strbuf_addc(word, *p++);
        }
    }
    return p;
}

bool cage_config_split_words(const char *text, struct cage_strv *words, struct cage_objection *why)
{
    const char *p = text + strspn(text, " \t\n");

    while (*p) {
        CAGE_STRBUF_AUTO word = {0};

        cage_strbuf_init(&word);
        p = read_word(p, &word, why);
        if (!p)
            return false;
        cage_strv_take(words, cage_strbuf_steal(&word));
        p += strspn(p, " \t\n");
    }
    return true;
}
