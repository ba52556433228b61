/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "config/toml.h"

/* Distributions' pkg-config files ask for their shared library; compiled in here, nothing is loaded at start.
 */
#undef TOML_SHARED_LIB
#undef TOML_HEADER_ONLY
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
/*
 * Where the library is wrong about itself it asserts, or in release builds lets the compiler assume, which is
 * worse. Here it throws instead, and the file is refused.
 */
#undef NDEBUG
namespace
{
struct library_is_wrong {
};

[[noreturn]] void refuse()
{
    throw library_is_wrong();
}
} // namespace
#define TOML_ASSERT(expr) (static_cast<bool>(expr) ? static_cast<void>(0) : refuse())
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
#define TOML_MAX_NESTED_VALUES 32
#include <toml++/toml.h>

extern "C" {
#include "base/mem.h"
}

static_assert(TOML_MAX_NESTED_VALUES == CAGE_TOML_MAX_NESTING, "the header's number is the library's");

namespace
{
cage_mark mark_of(const toml::source_position &position)
{
    return {static_cast<int>(position.line), static_cast<int>(position.column)};
}

void fail(cage_toml_failure *failure, cage_mark mark, std::string_view text)
{
    failure->mark = mark;
    snprintf(failure->message, sizeof failure->message, "%.*s", static_cast<int>(text.size()), text.data());
}

/* A complaint of the guard: in order of offset; text is nullptr where there is none. */
struct complaint {
    const char *text;
    cage_mark mark;
    size_t offset;
};

/*
 * What the library must not see (toml++ 3.3). Its recursion follows dotted keys without a limit: its
 * destructor overflows the stack on a megabyte of "a.a.a.". Undefined behaviour in it are: a section's name
 * that begins with anything but a key ("[=]"), a letter that is not ASCII outside quotes ("[é]"), and one in
 * a string that begins where none can, as it then reads on without seeing the quotes (0["é"]). Strings and
 * comments are skipped the way TOML delimits them.
 */
class guard
{
  public:
    explicit guard(std::string_view document) : text(document)
    {
    }

    complaint first()
    {
        while (at < text.size()) {
            if (const char *what = step())
                return {what, {line, column()}, at};
        }
        return {nullptr, {0, 0}, 0};
    }

  private:
    /* Goes over one token, or says what is wrong at this place. */
    const char *step()
    {
        char c = text[at];
        bool header = c == '[' && depth == 0 && at_line_start();

        if ((c & 0x80) && !is_mark())
            return "character outside quotes";
        if ((c == '"' || c == '\'') && (!strchr("=[,{.", before) || (before == '.' && in_value)))
            return "quote out of place";
        if ((c == '{' || (c == '[' && !header)) && (before == 0 || !strchr("=[,", before)))
            return "bracket out of place";
        if (c == '.' && ++dots > CAGE_TOML_MAX_DOTS)
            return "too many dots in one key";
        if (header)
            return skip_header();
        if (c == '#')
            skip_comment();
        else if (c == '"' || c == '\'')
            return skip_string(c);
        else
            plain(c);
        return nullptr;
    }

    int column() const
    {
        int n = 1;
        for (size_t i = line_start; i < at; i++)
            n += (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
        return n;
    }

    /* A byte of the byte order mark. */
    bool is_mark() const
    {
        return at < 3 && text.substr(0, 3) == "\xef\xbb\xbf";
    }

    bool at_line_start() const
    {
        auto start = text.substr(line_start, at - line_start);
        if (start.substr(0, 3) == "\xef\xbb\xbf")
            start.remove_prefix(3);
        return start.find_first_not_of(" \t") == start.npos;
    }

    /* Goes over "[" or "[[" to what must be a key, a quote, or what the library answers well to. */
    const char *skip_header()
    {
        at += text.substr(at, 2) == "[[" ? 2 : 1;
        before = '[';
        while (at < text.size() && (text[at] == ' ' || text[at] == '\t'))
            at++;
        if (at == text.size() || isalnum(static_cast<unsigned char>(text[at])) || strchr("_-\"']", text[at]))
            return nullptr;
        return "bad section name";
    }

    void plain(char c)
    {
        at++;
        if (!strchr(" \t\r\n", c) && !(c & 0x80))
            before = c == '=' && in_value ? 'x' : c; /* a second one is no place for a value */
        nest(c);
        if (c == '\n')
            newline();
        if (strchr("\n=,[]{}", c))
            dots = 0;
        if (c == '[')
            depth++;
        if (c == ']' && depth > 0)
            depth--;
    }

    /* Whether what follows is (part of) a value, in which a dot or an equals sign joins nothing quoted. */
    void nest(char c)
    {
        if (c == '[' || c == '{')
            open.push_back(c);
        else if ((c == ']' || c == '}') && !open.empty())
            open.pop_back();
        if (c == '=' || c == '}' || c == ']')
            in_value = true;
        else if (c == '{' || (c == ',' && !open.empty() && open.back() == '{'))
            in_value = false;
    }

    void newline()
    {
        line++;
        line_start = at;
        if (depth > 0)
            return;
        before = 0;
        in_value = false;
        open.clear();
    }

    void skip_comment()
    {
        while (at < text.size() && text[at] != '\n')
            at++;
    }

    const char *skip_string(char quote)
    {
        bool multi = text.substr(at, 3) == std::string(3, quote);
        at += multi ? 3 : 1;
        before = quote;
        while (at < text.size()) {
            if (text[at] == '\\' && quote == '"') {
                /* The library looks at the letter behind a backslash or a continued line in its undefined way
                 * too. */
                size_t next = text.find_first_not_of(" \t\r\n", at + 1);
                if (multi && next != text.npos && (text[next] & 0x80))
                    return next > at + 1 ? "letter after a continued line" : "unknown escape sequence";
                at++;
            } else if (text[at] == quote && (!multi || text.substr(at, 3) == std::string(3, quote))) {
                at += multi ? 3 : 1;
                /* Up to two quotes may stand before the three that close it. */
                for (int extra = 0; multi && extra < 2 && at < text.size() && text[at] == quote; extra++)
                    at++;
                return nullptr;
            } else if (text[at] == '\n' && !multi) {
                return nullptr;
            }
            if (at < text.size() && text[at++] == '\n') {
                line++;
                line_start = at;
            }
        }
        return nullptr;
    }

    std::string_view text;
    size_t at = 0, line_start = 0;
    int line = 1, dots = 0, depth = 0;
    bool in_value = false;
    std::string open; /* the brackets and braces around this place */
    char before = 0;  /* the last character that is no blank, outside strings; 0 at the start of a line */
};

void convert(const toml::node &from, cage_toml_node *to);

cage_toml_node *new_children(size_t n)
{
    return static_cast<cage_toml_node *>(cage_alloc(n * sizeof(cage_toml_node)));
}

void convert_table(const toml::table &table, cage_toml_node *to)
{
    to->type = CAGE_TOML_TABLE;
    to->children = new_children(table.size());
    for (auto &&[key, value] : table) {
        cage_toml_node *child = &to->children[to->n++];
        convert(value, child);
        child->key = cage_strndup(key.str().data(), key.str().size());
        child->key_length = key.str().size();
        child->key_mark = mark_of(key.source().begin);
    }
    std::stable_sort(to->children, to->children + to->n,
                     [](const cage_toml_node &a, const cage_toml_node &b) {
                         return a.key_mark.line != b.key_mark.line ? a.key_mark.line < b.key_mark.line
                                                                   : a.key_mark.column < b.key_mark.column;
                     });
}

void convert_array(const toml::array &array, cage_toml_node *to)
{
    to->type = CAGE_TOML_ARRAY;
    to->children = new_children(array.size());
    for (const toml::node &item : array)
        convert(item, &to->children[to->n++]);
}

void convert(const toml::node &from, cage_toml_node *to)
{
    to->mark = to->key_mark = mark_of(from.source().begin);
    if (const toml::table *table = from.as_table()) {
        convert_table(*table, to);
    } else if (const toml::array *array = from.as_array()) {
        convert_array(*array, to);
    } else if (const auto *string = from.as_string()) {
        to->type = CAGE_TOML_STRING;
        to->length = string->get().size();
        to->string = static_cast<char *>(cage_alloc(to->length + 1));
        memcpy(to->string, string->get().data(), to->length);
    } else if (const auto *integer = from.as_integer()) {
        to->type = CAGE_TOML_INTEGER;
        to->integer = integer->get();
    } else if (const auto *number = from.as_floating_point()) {
        to->type = CAGE_TOML_FLOAT;
        to->number = number->get();
    } else if (const auto *boolean = from.as_boolean()) {
        to->type = CAGE_TOML_BOOL;
        to->boolean = boolean->get();
    } else {
        to->type = CAGE_TOML_DATE;
    }
}

void free_node(cage_toml_node *node)
{
    for (size_t i = 0; i < node->n; i++)
        free_node(&node->children[i]);
    free(node->children);
    free(node->key);
    free(node->string);
}

/* Reports what comes first: what the library finds before the place of the complaint, or the complaint. */
void refuse_at(std::string_view text, const complaint &wrong, cage_toml_failure *failure)
{
    /* A quote or bracket can be shown to the library, which then says what it wanted instead. */
    size_t shown = wrong.offset + (strstr(wrong.text, "out of place") ? 1 : 0);
    toml::parse_result result = toml::parse(text.substr(0, shown));

    if (!result) {
        cage_mark mark = mark_of(result.error().source().begin);
        bool earlier =
            mark.line < wrong.mark.line || (mark.line == wrong.mark.line && mark.column <= wrong.mark.column);

        if (earlier && result.error().description().find("end-of-file") == std::string_view::npos) {
            fail(failure, mark, result.error().description());
            return;
        }
    }
    fail(failure, wrong.mark, wrong.text);
}

cage_toml_node *parse(std::string_view text, cage_toml_failure *failure)
{
    if (complaint wrong = guard(text).first(); wrong.text) {
        refuse_at(text, wrong, failure);
        return nullptr;
    }
    toml::parse_result result = toml::parse(text);
    if (!result) {
        fail(failure, mark_of(result.error().source().begin), result.error().description());
        return nullptr;
    }
    auto *root = static_cast<cage_toml_node *>(cage_alloc(sizeof(cage_toml_node)));
    convert(result.table(), root);
    return root;
}
/* Whether the library trips over the first n bytes. */
bool is_refused(std::string_view text, size_t n)
{
    try {
        (void)toml::parse(text.substr(0, n));
    } catch (const library_is_wrong &) {
        return true;
    }
    return false;
}

/* The library says nothing about where it tripped: it is the first line without which it does not. */
void find_refused_line(std::string_view text, cage_toml_failure *failure)
{
    size_t good = 0, bad = text.size(); /* prefixes, in bytes; both end where a line ends */

    while (true) {
        size_t middle = text.rfind('\n', good + (bad - good) / 2);
        if (middle == text.npos || middle + 1 <= good)
            middle = text.find('\n', good);
        if (middle == text.npos || middle + 1 >= bad)
            break;
        (is_refused(text, middle + 1) ? bad : good) = middle + 1;
    }
    int line =
        1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(good), '\n'));
    size_t blanks = text.find_first_not_of(" \t", good);
    fail(failure, {line, blanks == text.npos ? 1 : static_cast<int>(blanks - good) + 1},
         "the library refused");
}
} // namespace

cage_toml_node *cage_toml_parse(const char *text, size_t n, cage_toml_failure *failure)
{
    try {
        return parse({text, n}, failure);
    } catch (const library_is_wrong &) {
        std::string_view seen(text, n);
        if (complaint wrong = guard(seen).first(); wrong.text)
            seen = seen.substr(0, wrong.offset);
        find_refused_line(seen, failure);
        return nullptr;
    } catch (...) {
        /* Only std::bad_alloc can come here: out of memory ends the program everywhere (base/mem.h). */
        abort();
    }
}

void cage_toml_free(cage_toml_node *root)
{
    if (root)
        free_node(root);
    free(root);
}
