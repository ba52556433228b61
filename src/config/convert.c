/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/convert.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "base/suggest.h"
#include "config/check.h"
#include "config/message.h"
#include "config/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One conversion: what is converted into what, and where errors go. */
struct job {
    struct cage_config *config;
    const struct cage_schema_entry *entry;
    void *field;
    struct cage_error *err;
};

static const char *found_name(enum cage_toml_type type)
{
    static const char *const names[] = {
        [CAGE_TOML_TABLE] = "a section",     [CAGE_TOML_ARRAY] = "a list",
        [CAGE_TOML_STRING] = "a string",     [CAGE_TOML_INTEGER] = "a whole number",
        [CAGE_TOML_FLOAT] = "a fraction",    [CAGE_TOML_BOOL] = "true or false",
        [CAGE_TOML_DATE] = "a date or time",
    };

    return names[type];
}

/* What each type wants, and an example of it as TOML. */
static const struct {
    const char *wants, *example;
} type_texts[] = {
    [CAGE_TYPE_BOOL] = {"true or false", "true"},
    [CAGE_TYPE_STRING] = {"a string", "\"...\""},
    [CAGE_TYPE_ENUM] = {"a string", "\"...\""},
    [CAGE_TYPE_LIST] = {"a list of strings", "[\"...\", \"...\"]"},
    [CAGE_TYPE_COMMAND] = {"a string or a list of strings", "\"npm start\""},
    [CAGE_TYPE_PORTS] = {"a list of port numbers", "[3000, 8080]"},
    [CAGE_TYPE_NUMBER] = {"a number", "4"},
    [CAGE_TYPE_COUNT] = {"a whole number", "512"},
    [CAGE_TYPE_SIZE] = {"a size in quotes", "\"4G\""},
};

static int wrong_type(struct job *job, const struct cage_toml_node *node)
{
    const struct cage_schema_entry *e = job->entry;
    const char *example = type_texts[e->type].example;

    cage_config_error(job->config, node->mark, job->err, "%s in [%s] must be %s, not %s", e->name, e->section,
                      type_texts[e->type].wants, found_name(node->type));
    if (e->type == CAGE_TYPE_ENUM)
        return cage_error_hint(job->err, "Write %s = %s", e->name, e->default_text);
    if (e->type == CAGE_TYPE_LIST && node->type == CAGE_TOML_STRING)
        return cage_error_hint(job->err, "Put it in brackets: %s = [%s]", e->name,
                               cage_quote(node->string).text);
    if (e->type == CAGE_TYPE_PORTS && node->type == CAGE_TOML_INTEGER)
        return cage_error_hint(job->err, "Put it in brackets: %s = [%lld]", e->name,
                               (long long)node->integer);
    return cage_error_hint(job->err, "Write it as %s = %s", e->name, example);
}

static int bad_value(struct job *job, struct cage_mark mark, const char *value,
                     const struct cage_objection *why)
{
    cage_config_error(job->config, mark, job->err, "invalid %s %s in %s: %s", job->entry->noun,
                      cage_quote(value).text, job->entry->name, why->what);
    return cage_error_hint(job->err, "%s", why->fix);
}

/* NUL ends a C string early, so what is checked and what is used could differ: never accepted. */
static int check_nul(struct job *job, const struct cage_toml_node *node)
{
    if (strlen(node->string) == node->length)
        return 0;
    cage_config_error(job->config, node->mark, job->err, "%s holds a NUL character", job->entry->name);
    return cage_error_hint(job->err, "Remove \\u0000 from the string");
}

static int check_string(struct job *job, const struct cage_toml_node *node)
{
    struct cage_objection why = {0};

    if (check_nul(job, node) < 0)
        return -1;
    if (job->entry->check && !job->entry->check(node->string, &why))
        return bad_value(job, node->mark, node->string, &why);
    return 0;
}

static int convert_bool(struct job *job, const struct cage_toml_node *node)
{
    if (node->type != CAGE_TOML_BOOL)
        return wrong_type(job, node);
    *(bool *)job->field = node->boolean;
    return 0;
}

static int convert_string(struct job *job, const struct cage_toml_node *node)
{
    char **field = job->field;

    if (node->type != CAGE_TOML_STRING)
        return wrong_type(job, node);
    if (check_string(job, node) < 0)
        return -1;
    free(*field);
    *field = cage_strdup(node->string);
    return 0;
}

static int convert_enum(struct job *job, const struct cage_toml_node *node)
{
    const struct cage_schema_entry *e = job->entry;
    CAGE_STRBUF_AUTO expected = {0};
    const char *near;
    size_t n = 0;

    if (node->type != CAGE_TOML_STRING)
        return wrong_type(job, node);
    if (check_nul(job, node) < 0)
        return -1;
    cage_strbuf_init(&expected);
    for (; e->values[n]; n++) {
        if (strcmp(node->string, e->values[n]) == 0) {
            int value = (int)n;

            memcpy(job->field, &value, sizeof value); /* all enums here are as wide as an int */
            return 0;
        }
        cage_strbuf_addf(&expected, "%s%s", n ? ", " : "", e->values[n]);
    }
    cage_config_error(job->config, node->mark, job->err, "invalid %s %s (expected: %s)", e->noun,
                      cage_quote(node->string).text, expected.buf);
    near = cage_suggest(node->string, e->values, n);
    if (near)
        return cage_error_hint(job->err, "Did you mean \"%s\"?", near);
    return cage_error_hint(job->err, "Write one of those, or remove the line for the default, %s",
                           e->default_text);
}

/* Whether a and b are the same item of this list: for env what is before "=" counts. */
static bool same_item(const struct job *job, const char *a, const char *b)
{
    if (job->entry->key == CAGE_KEY_CAGE_ENV) {
        size_t n = strcspn(a, "=");

        return n == strcspn(b, "=") && memcmp(a, b, n) == 0;
    }
    return strcmp(a, b) == 0;
}

static int check_twice(struct job *job, const struct cage_list *list, const struct cage_toml_node *node)
{
    for (size_t i = 0; i < list->n; i++) {
        if (!same_item(job, list->items[i].value, node->string))
            continue;
        cage_config_error(job->config, node->mark, job->err, "%s is twice in %s (first on line %d)",
                          cage_quote(node->string).text, job->entry->name, list->items[i].mark.line);
        return cage_error_hint(job->err, "Remove one of the two");
    }
    return 0;
}

static int add_item(struct job *job, struct cage_list *list, const struct cage_toml_node *node)
{
    bool command = job->entry->type == CAGE_TYPE_COMMAND;

    if (node->type != CAGE_TOML_STRING) {
        cage_config_error(job->config, node->mark, job->err,
                          "%s in [%s] must be a list of strings, but this item is %s", job->entry->name,
                          job->entry->section, found_name(node->type));
        return cage_error_hint(job->err, "Put the item in double quotes");
    }
    if (check_string(job, node) < 0 || (!command && check_twice(job, list, node) < 0))
        return -1;
    cage_config_list_take(list, cage_strdup(node->string), node->mark);
    return 0;
}

static int convert_list(struct job *job, const struct cage_toml_node *node)
{
    struct cage_list *list = job->field;

    if (node->type != CAGE_TOML_ARRAY)
        return wrong_type(job, node);
    cage_config_list_finish(list);
    list->mark = node->key_mark;
    list->set = true;
    for (size_t i = 0; i < node->n; i++)
        if (add_item(job, list, &node->children[i]) < 0)
            return -1;
    return 0;
}

static int convert_command(struct job *job, const struct cage_toml_node *node)
{
    struct cage_list *list = job->field;
    struct cage_objection why = {.what = "its first word is empty",
                                 .fix = "Begin with the name of a program"};
    CAGE_STRV_AUTO words = {0};

    if (node->type != CAGE_TOML_STRING && node->type != CAGE_TOML_ARRAY)
        return wrong_type(job, node);
    if (node->type == CAGE_TOML_ARRAY) {
        if (convert_list(job, node) < 0)
            return -1;
    } else {
        if (check_nul(job, node) < 0)
            return -1;
        if (!cage_config_split_words(node->string, &words, &why))
            return bad_value(job, node->mark, node->string, &why);
        cage_config_list_finish(list);
        list->mark = node->key_mark;
        list->set = true;
        for (size_t i = 0; i < words.n; i++)
            cage_config_list_take(list, cage_strdup(words.items[i]), node->mark);
    }
    if (list->n > 0 && !*list->items[0].value)
        return bad_value(job, node->mark, "", &why);
    return 0;
}

static int add_port(struct job *job, struct cage_ports *ports, const struct cage_toml_node *node)
{
    const struct cage_schema_entry *e = job->entry;

    if (node->type != CAGE_TOML_INTEGER) {
        cage_config_error(job->config, node->mark, job->err,
                          "%s in [%s] must be a list of port numbers, but this item is %s", e->name,
                          e->section, found_name(node->type));
        return cage_error_hint(job->err, "Write the port as a number without quotes, such as %s = [3000]",
                               e->name);
    }
    if (node->integer < 1 || node->integer > 65535) {
        cage_config_error(job->config, node->mark, job->err,
                          "invalid port %lld in %s: it is not from 1 to 65535", (long long)node->integer,
                          e->name);
        return cage_error_hint(job->err, "Write a port from 1 to 65535");
    }
    for (size_t i = 0; i < ports->n; i++) {
        if (ports->items[i].port != node->integer)
            continue;
        cage_config_error(job->config, node->mark, job->err, "port %lld is twice in %s (first on line %d)",
                          (long long)node->integer, e->name, ports->items[i].mark.line);
        return cage_error_hint(job->err, "Remove one of the two");
    }
    ports->items = cage_realloc_array(ports->items, ports->n + 1, sizeof *ports->items);
    ports->items[ports->n++] = (struct cage_port){.port = (uint16_t)node->integer, .mark = node->mark};
    return 0;
}

static int convert_ports(struct job *job, const struct cage_toml_node *node)
{
    struct cage_ports *ports = job->field;

    if (node->type != CAGE_TOML_ARRAY)
        return wrong_type(job, node);
    ports->mark = node->key_mark;
    for (size_t i = 0; i < node->n; i++)
        if (add_port(job, ports, &node->children[i]) < 0)
            return -1;
    return 0;
}

static int out_of_range(struct job *job, const struct cage_toml_node *node, const char *range)
{
    cage_config_error(job->config, node->mark, job->err, "invalid %s in %s: it must be %s", job->entry->noun,
                      job->entry->name, range);
    return cage_error_hint(job->err, "Write such a number, or 0 for no limit");
}

static int convert_number(struct job *job, const struct cage_toml_node *node)
{
    double number = node->type == CAGE_TOML_INTEGER ? (double)node->integer : node->number;

    if (node->type != CAGE_TOML_INTEGER && node->type != CAGE_TOML_FLOAT)
        return wrong_type(job, node);
    /* The comparisons are false for NaN. */
    if (!(number >= 0.01 && number <= 4096) && fpclassify(number) != FP_ZERO)
        return out_of_range(job, node, "from 0.01 to 4096");
    *(double *)job->field = fabs(number);
    return 0;
}

static int convert_count(struct job *job, const struct cage_toml_node *node)
{
    const int64_t least = 3;      /* bwrap, the in-cage init, the command */
    const int64_t most = 4194304; /* PID_MAX_LIMIT, proc(5) */

    if (node->type != CAGE_TOML_INTEGER)
        return wrong_type(job, node);
    if ((node->integer != 0 && node->integer < least) || node->integer > most)
        return out_of_range(job, node, "from 3 to 4194304");
    *(uint64_t *)job->field = (uint64_t)node->integer;
    return 0;
}

static int convert_size(struct job *job, const struct cage_toml_node *node)
{
    cage_autofree char *bytes = cage_format("%lld", (long long)node->integer);
    const char *text = node->type == CAGE_TOML_INTEGER ? bytes : node->string;
    struct cage_objection why = {0};

    if (node->type != CAGE_TOML_STRING && node->type != CAGE_TOML_INTEGER)
        return wrong_type(job, node);
    if (node->type == CAGE_TOML_STRING && check_nul(job, node) < 0)
        return -1;
    if (!cage_config_parse_size(text, job->field, &job->config->memory_percent, &why))
        return bad_value(job, node->mark, text, &why);
    return 0;
}

int cage_config_convert(struct cage_config *config, const struct cage_schema_entry *entry,
                        const struct cage_toml_node *node, struct cage_error *err)
{
    static int (*const converters[])(struct job *, const struct cage_toml_node *) = {
        [CAGE_TYPE_BOOL] = convert_bool,       [CAGE_TYPE_STRING] = convert_string,
        [CAGE_TYPE_ENUM] = convert_enum,       [CAGE_TYPE_LIST] = convert_list,
        [CAGE_TYPE_COMMAND] = convert_command, [CAGE_TYPE_PORTS] = convert_ports,
        [CAGE_TYPE_NUMBER] = convert_number,   [CAGE_TYPE_COUNT] = convert_count,
        [CAGE_TYPE_SIZE] = convert_size,
    };
    struct job job = {config, entry, (char *)config + entry->offset, err};

    config->marks[entry->key] = node->key_mark;
    return converters[entry->type](&job, node);
}
