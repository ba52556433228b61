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

/*
 * What the library must not see (toml++ 3.3). Its recursion follows dotted keys without a limit: its
 * destructor overflows the stack on a megabyte of "a.a.a.". A section's name that begins with anything but a
 * key ("[=]") and a letter that is not ASCII in a key ("[é]") are undefined behaviour in it. Strings and
 * comments are skipped the way TOML delimits them; where the document is malformed the library stops too.
 */
class guard
{
  public:
    explicit guard(std::string_view document) : text(document)
    {
    }

    /* What is wrong, and where; nullptr: nothing. */
    const char *complaint(cage_mark *where)
    {
        while (at < text.size()) {
            char c = text[at];
            if (c == '#')
                skip_comment();
            else if (c == '"' || c == '\'')
                skip_string(c);
            else if (c == '.' && ++dots > CAGE_TOML_MAX_DOTS)
                return (*where = {line, column()}), "too many dots in one key";
            else if ((c & 0x80) && !is_mark())
                return (*where = {line, column()}), "character outside quotes";
            else if (c == '[' && depth == 0 && at_line_start() && !header_ok())
                return (*where = {line, column()}), "bad section name";
            else
                plain(c);
        }
        return nullptr;
    }

  private:
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
        auto before = text.substr(line_start, at - line_start);
        if (before.substr(0, 3) == "\xef\xbb\xbf")
            before.remove_prefix(3);
        return before.find_first_not_of(" \t") == before.npos;
    }

    /* Goes over "[" or "[[" to what must be a key, a quote, or what the library answers well to. */
    bool header_ok()
    {
        at += text.substr(at, 2) == "[[" ? 2 : 1;
        while (at < text.size() && (text[at] == ' ' || text[at] == '\t'))
            at++;
        return at == text.size() || isalnum(static_cast<unsigned char>(text[at])) ||
               strchr("_-\"']", text[at]);
    }

    void plain(char c)
    {
        at++;
        if (c == '\n')
            newline();
        if (strchr("\n=,[]{}", c))
            dots = 0;
        if (c == '[')
            depth++;
        if (c == ']' && depth > 0)
            depth--;
    }

    void newline()
    {
        line++;
        line_start = at;
    }

    void skip_comment()
    {
        while (at < text.size() && text[at] != '\n')
            at++;
    }

    void skip_string(char quote)
    {
        bool multi = text.substr(at, 3) == std::string(3, quote);
        at += multi ? 3 : 1;
        while (at < text.size()) {
            if (text[at] == '\\' && quote == '"') {
                at++;
            } else if (text[at] == quote && (!multi || text.substr(at, 3) == std::string(3, quote))) {
                at += multi ? 3 : 1;
                return;
            } else if (text[at] == '\n' && !multi) {
                return;
            }
            if (at < text.size() && text[at++] == '\n')
                newline();
        }
    }

    std::string_view text;
    size_t at = 0, line_start = 0;
    int line = 1, dots = 0, depth = 0;
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

cage_toml_node *parse(std::string_view text, cage_toml_failure *failure)
{
    cage_mark where;

    if (const char *complaint = guard(text).complaint(&where)) {
        fail(failure, where, complaint);
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
        find_refused_line({text, n}, failure);
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
