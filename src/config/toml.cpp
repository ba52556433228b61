/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "config/toml.h"

/* Distributions' pkg-config files ask for their shared library; compiled in here, nothing is loaded at start.
 */
#undef TOML_SHARED_LIB
#undef TOML_HEADER_ONLY
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
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
 * The library's recursion follows dotted keys without a limit (its destructor overflows the stack on a
 * megabyte of "a.a.a."), so those are counted here, before it sees them. Strings and comments are skipped the
 * way TOML delimits them; where the document is malformed the library stops too.
 */
class dot_guard
{
  public:
    explicit dot_guard(std::string_view document) : text(document)
    {
    }

    bool too_many(cage_mark *where)
    {
        while (at < text.size()) {
            char c = text[at];
            if (c == '#')
                skip_comment();
            else if (c == '"' || c == '\'')
                skip_string(c);
            else if (c == '.' && ++dots > CAGE_TOML_MAX_DOTS)
                return (*where = {line, column()}), true;
            else
                plain(c);
        }
        return false;
    }

  private:
    int column() const
    {
        int n = 1;
        for (size_t i = line_start; i < at; i++)
            n += (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
        return n;
    }

    void plain(char c)
    {
        at++;
        if (c == '\n')
            newline();
        if (strchr("\n=,[]{}", c))
            dots = 0;
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
        bool multi = text.substr(at, 3) == std::string_view(quote == '"' ? "\"\"\"" : "'''");
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
    int line = 1, dots = 0;
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

    if (dot_guard(text).too_many(&where)) {
        fail(failure, where, "too many dots in one key");
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
} // namespace

cage_toml_node *cage_toml_parse(const char *text, size_t n, cage_toml_failure *failure)
{
    try {
        return parse({text, n}, failure);
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
