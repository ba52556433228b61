/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/dump.h"

#include <inttypes.h>
#include <string.h>

static void dump_list(const struct cage_list *list, struct cage_strbuf *out)
{
    cage_strbuf_addc(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        cage_strbuf_add(out, i ? ", " : "");
        cage_strbuf_add_toml_string(out, list->items[i].value);
    }
    cage_strbuf_addc(out, ']');
}

static void dump_ports(const struct cage_ports *ports, struct cage_strbuf *out)
{
    cage_strbuf_addc(out, '[');
    for (size_t i = 0; i < ports->n; i++)
        cage_strbuf_addf(out, "%s%d", i ? ", " : "", ports->items[i].port);
    cage_strbuf_addc(out, ']');
}

static void dump_size(const struct cage_config *config, const uint64_t *bytes, struct cage_strbuf *out)
{
    if (config->memory_percent > 0)
        cage_strbuf_addf(out, "\"%.15g%%\"", config->memory_percent);
    else
        cage_strbuf_addf(out, "%" PRIu64, *bytes);
}

void cage_config_dump_value(const struct cage_config *config, const struct cage_schema_entry *entry,
                            struct cage_strbuf *out)
{
    const void *field = (const char *)config + entry->offset;
    unsigned value;

    switch (entry->type) {
    case CAGE_TYPE_BOOL:
        cage_strbuf_add(out, *(const bool *)field ? "true" : "false");
        break;
    case CAGE_TYPE_STRING:
        cage_strbuf_add_toml_string(out, *(char *const *)field);
        break;
    case CAGE_TYPE_ENUM:
        memcpy(&value, field, sizeof value);
        cage_strbuf_add_toml_string(out, entry->values[value]);
        break;
    case CAGE_TYPE_LIST:
    case CAGE_TYPE_COMMAND:
        dump_list(field, out);
        break;
    case CAGE_TYPE_PORTS:
        dump_ports(field, out);
        break;
    case CAGE_TYPE_NUMBER:
        cage_strbuf_addf(out, "%.15g", *(const double *)field);
        break;
    case CAGE_TYPE_COUNT:
        cage_strbuf_addf(out, "%" PRIu64, *(const uint64_t *)field);
        break;
    case CAGE_TYPE_SIZE:
        dump_size(config, field, out);
        break;
    }
}

void cage_config_dump(const struct cage_config *config, struct cage_strbuf *out)
{
    size_t n;
    const struct cage_schema_entry *schema = cage_schema(&n);
    const char *section = "";

    for (size_t i = 0; i < n; i++) {
        if (schema[i].key == CAGE_KEY_NET_HOSTS && !config->hosts.set)
            continue;
        if (strcmp(section, schema[i].section) != 0)
            cage_strbuf_addf(out, "%s[%s]\n", *section ? "\n" : "", schema[i].section);
        section = schema[i].section;
        cage_strbuf_addf(out, "%s = ", schema[i].name);
        cage_config_dump_value(config, &schema[i], out);
        cage_strbuf_addc(out, '\n');
    }
}
