/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/message.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { QUOTE_CHARS = 60 };

struct cage_quote cage_quote(const char *value)
{
    CAGE_STRBUF_AUTO sb = {0}, cut = {0};
    struct cage_quote quote;
    unsigned long cp;
    size_t n, i = 0;

    cage_strbuf_init(&sb);
    cage_strbuf_init(&cut);
    for (const char *p = value; (n = cage_utf8_decode(p, &cp)) > 0 && i++ < QUOTE_CHARS / 2; p += n)
        cage_strbuf_add_bytes(&cut, p, n);
    cage_strbuf_add(&cut, strlen(value) > cut.len ? "..." : "");
    cage_strbuf_add_toml_string(&sb, cut.buf);
    snprintf(quote.text, sizeof quote.text, "%s", sb.buf);
    return quote;
}

static const char *line_start(const char *text, int line)
{
    for (; line > 1; line--) {
        const char *newline = strchr(text, '\n');

        if (!newline)
            return NULL;
        text = newline + 1;
    }
    return text;
}

/* Moves n code points on within [p, end). */
static const char *skip(const char *p, const char *end, int n)
{
    for (; n > 0 && p < end; n--)
        for (p++; p < end && ((unsigned char)*p & 0xc0) == 0x80; p++)
            ;
    return p;
}

/*
 * The line goes into the excerpt whole when it fits, else the part around the mark. The caret follows
 * the excerpt, the place in front of the message the file.
 */
static void set_excerpt(struct cage_error *err, const char *text, struct cage_mark mark)
{
    const char *start = line_start(text, mark.line), *end;
    const int before = 40, chars = 55;

    if (!start)
        return;
    if (start == text && strncmp(text, "\xef\xbb\xbf", 3) == 0)
        start += 3;
    end = start + strcspn(start, "\n");
    if (end > start && end[-1] == '\r')
        end--;
    err->excerpt_column = mark.column;
    if ((size_t)(end - start) >= sizeof err->excerpt) {
        int from = mark.column > before ? mark.column - before : 1;

        start = skip(start, end, from - 1);
        end = skip(start, end, chars);
        err->excerpt_column = mark.column - from + 1;
    }
    snprintf(err->excerpt, sizeof err->excerpt, "%.*s", (int)(end - start), start);
}

int cage_config_error(const struct cage_config *config, struct cage_mark mark, struct cage_error *err,
                      const char *fmt, ...)
{
    char text[sizeof err->message];
    va_list ap;

    va_start(ap, fmt);
    if (vsnprintf(text, sizeof text, fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);
    cage_error_set(err, CAGE_ERR_CONFIG, "%s", text);
    if (!err)
        return -1;
    cage_error_at(err, config->file ? config->file : "nixcage.toml", mark.line, mark.column);
    if (mark.line > 0 && config->text)
        set_excerpt(err, config->text, mark);
    return -1;
}

/* What the library says in parts, and what we say. The first that is found counts; NULL: the library's own
 * words. */
static const struct {
    const char *found, *also, *message, *hint;
} syntax_errors[] = {
    {"string", "end-of-", "this string is not closed", "Close it with the quote it began with"},
    {"string", "line", "this string is not closed", "Close it with the quote it began with"},
    {"unknown escape", "", NULL, "Write \\\\ for a backslash, or put the string in single quotes"},
    {"inline table", "'\\n'", "an inline table ends on its line", "Use a [section] instead of {...}"},
    {"inline table", "end-of-", "this inline table is not closed", "Close it with }"},
    {"array", "end-of-", "this list is not closed", "Close it with ]"},
    {"array", "saw '", "a comma or ] is missing in this list",
     "Put commas between the items and ] at the end"},
    {"table header", "end-of-", "this section's name is not closed", "Write it as [name]"},
    {"could not determine value type", "", "this is not a TOML value",
     "Put text in double quotes; numbers, true and false stand without"},
    {"while parsing boolean", "", "this is not a TOML value",
     "Write true or false, or put text in double quotes"},
    {"while parsing date", "", "this is not a TOML value",
     "Put text in double quotes, and list numbers one by one"},
    {"floating-point", "", "this is not a number", "Put text in double quotes"},
    {"integer", "saw '", "this is not a number", "Put text in double quotes"},
    {"nested value depth", "", "values are nested too deeply",
     "Write the file without nested lists and tables"},
    {"library refused", "", "this line is not valid TOML", "Write KEY = VALUE or [section]"},
    {"character outside quotes", "", "this character can only stand in quotes or in a comment",
     "Put text in \"straight\" double quotes"},
    {"letter after a continued line", "", "a line continued with \\ cannot go on with this character",
     "Write the string on one line"},
    {"quote out of place", "", "a string cannot begin here",
     "Put a comma between items, and close every string with the quote it began with"},
    {"bracket out of place", "", "this bracket is out of place",
     "Write KEY = [...] for a list and [section] on a line of its own"},
    {"bad section name", "", "a section's name cannot begin like this",
     "Write [name] with one of the names in nixcage.toml(5)"},
    {"blank bare keys", "", "this section has no name",
     "Write [name] with one of the names in nixcage.toml(5)"},
    {"expected bare key", "", "a name is missing here", "Write names of letters, joined by single dots"},
    {"too many dots", "", NULL, "Use the keys that nixcage.toml(5) lists"},
    {"leading zero", "", "a number begins with 0", "Remove the zeros in front, or put text in double quotes"},
    {"expected '='", "", "an = is missing after this key", "Write KEY = VALUE"},
    {"key-value pair", "end-of-", "this key has no value", "Write KEY = VALUE"},
    {"expected value", "", "a value is missing", "Write KEY = VALUE"},
    {"table header", "saw '\\n'", "this section's name is not closed", "Write it as [name]"},
    {"value", "end-of-", "a value is missing", "Write KEY = VALUE"},
    {"expected a comment or whitespace", "", "something follows the value",
     "Put every key on a line of its own"},
    {"control character", "", "a control character stands here", "Remove it"},

    {"not representable", "", "this number is too large", "Write a smaller number"},
    {"expected keys", "", "a line is neither a [section] nor KEY = VALUE",
     "Quote or comment out what is there"},
    {"", "", NULL, "See nixcage.toml(5) for the keys and https://toml.io for the syntax"},
};

/* "Error while parsing string: unknown escape" → "unknown escape". */
static const char *without_context(const char *text)
{
    const char *colon = strncmp(text, "Error while parsing", 19) == 0 ? strstr(text, ": ") : NULL;

    return colon ? colon + 2 : text;
}

static int duplicate(const struct cage_config *config, const struct cage_toml_failure *failure,
                     struct cage_error *err)
{
    const char *name = strchr(failure->message, '\'');
    size_t n = name ? strcspn(name + 1, "'") : 0;
    const char *start = line_start(config->text, failure->mark.line);
    struct cage_mark mark = {failure->mark.line, 1};
    bool section;

    /* The library marks the value; the key is what is given twice. */
    if (start)
        mark.column += (int)strspn(start, " \t");
    section = start && start[strspn(start, " \t")] == '[';
    cage_config_error(config, mark, err, "%s%.*s%s is given twice", section ? "[" : "\"", (int)n,
                      name ? name + 1 : "", section ? "]" : "\"");
    return cage_error_hint(err, section ? "Merge the two sections into one" : "Keep one of the two");
}

/* A string that reaches the end of its line: for the library that is a control character like others. */
static bool is_open_string(const struct cage_config *config, const struct cage_toml_failure *failure)
{
    const char *p = line_start(config->text, failure->mark.line);

    if (!p || !strstr(failure->message, "parsing string") || !strstr(failure->message, "control character"))
        return false;
    while (*p && *p != '\n' && ((unsigned char)*p >= 0x20 || *p == '\t') && *p != 0x7f)
        p++;
    return *p == '\n' || (p[0] == '\r' && p[1] == '\n');
}

int cage_config_syntax_error(const struct cage_config *config, const struct cage_toml_failure *failure,
                             struct cage_error *err)
{
    const char *said = failure->message;

    if (strstr(said, "redefine"))
        return duplicate(config, failure, err);
    if (is_open_string(config, failure)) {
        cage_config_error(config, failure->mark, err, "this string is not closed");
        return cage_error_hint(err, "Close it on this line with the quote it began with");
    }
    for (size_t i = 0; i < CAGE_LEN(syntax_errors); i++) {
        if (!strstr(said, syntax_errors[i].found) || !strstr(said, syntax_errors[i].also))
            continue;
        cage_config_error(config, failure->mark, err, "%s",
                          syntax_errors[i].message ? syntax_errors[i].message : without_context(said));
        return cage_error_hint(err, "%s", syntax_errors[i].hint);
    }
    return -1;
}
