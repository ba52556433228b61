/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list-presets. */
#include "cli/cli.h"
#include "cli/json.h"
#include "config/presets.h"

#include <string.h>

#define HOST_AUTO __attribute__((cleanup(cage_host_finish))) struct cage_host
#define PRESETS_AUTO __attribute__((cleanup(cage_presets_finish))) struct cage_presets

static int print_json(const struct cage_presets *presets, struct cage_error *err)
{
    json_t *array = json_array();

    for (size_t i = 0; i < presets->n; i++) {
        const struct cage_preset *preset = &presets->items[i];
        json_t *item = json_object();

        json_object_set_new(item, "name", cage_json_text(preset->name));
        json_object_set_new(item, "description", cage_json_text(preset->description));
        json_object_set_new(item, "path", cage_json_text(preset->path));
        json_object_set_new(item, "user", json_boolean(preset->user));
        json_array_append_new(array, item);
    }
    return cage_json_print(array, err);
}

static int print_text(const struct cage_presets *presets, char *const *environ_, struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};
    size_t width = 0;

    cage_strbuf_init(&text);
    for (size_t i = 0; i < presets->n; i++)
        if (strlen(presets->items[i].name) > width)
            width = strlen(presets->items[i].name);
    for (size_t i = 0; i < presets->n; i++) {
        const struct cage_preset *preset = &presets->items[i];

        cage_strbuf_add_printable(&text, preset->name);
        cage_strbuf_addf(&text, "%*s", (int)(width - strlen(preset->name)) + 2, "");
        cage_strbuf_add_printable(&text, preset->description);
        cage_strbuf_addf(&text, "%s\n", preset->user ? " (yours)" : "");
    }
    return cage_cli_print_wrapped(&text, environ_, err);
}

int cage_cmd_list_presets(const struct cage_cli *cli, struct cage_error *err)
{
    HOST_AUTO host = {0};
    PRESETS_AUTO presets = {0};

    if (cage_host_probe(&host, cli->environ_, err) < 0 || cage_presets_list(&host, &presets, err) < 0)
        return -1;
    return cli->given[CAGE_OPT_JSON] ? print_json(&presets, err) : print_text(&presets, cli->environ_, err);
}
