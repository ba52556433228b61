/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/json.h"
#include "cli/cli.h"

#include <stdlib.h>

json_t *cage_json_text(const char *s)
{
    CAGE_STRBUF_AUTO text = {0};
    json_t *json;

    if (!s)
        return json_null();
    json = json_string(s);
    if (json)
        return json;
    cage_strbuf_init(&text);
    cage_strbuf_add_printable(&text, s);
    return json_string(text.buf);
}

json_t *cage_json_list(const struct cage_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(array, cage_json_text(list->items[i].value));
    return array;
}

json_t *cage_json_ports(const struct cage_ports *ports)
{
    json_t *array = json_array();

    for (size_t i = 0; i < ports->n; i++)
        json_array_append_new(array, json_integer(ports->items[i].port));
    return array;
}

int cage_json_print(json_t *take_json, struct cage_error *err)
{
    char *dump = json_dumps(take_json, JSON_INDENT(2));
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    json_decref(take_json);
    if (!dump)
        return cage_error_set(err, CAGE_ERR_INTERNAL, "cannot make JSON");
    cage_strbuf_add_json(&text, dump);
    cage_strbuf_addc(&text, '\n');
    free(dump);
    return cage_cli_print(&text, err);
}
