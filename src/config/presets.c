/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/presets.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/suggest.h"

#include <stdlib.h>
#include <string.h>

/* Names become paths, so nothing but these characters, and no dot in front. */
static bool name_ok(const char *name, size_t n)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    return n > 0 && n <= 64 && name[0] != '.' && name[0] != '-' && strspn(name, allowed) >= n;
}

static char *describe(const char *text)
{
    CAGE_STRBUF_AUTO sb = {0};
    cage_autofree char *line = NULL;

    if (text && strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    if (!text || *text != '#')
        return cage_strdup("");
    text += strspn(text, "# \t");
    line = cage_strndup(text, strcspn(text, "\r\n"));
    cage_strbuf_init(&sb);
    cage_strbuf_add_printable(&sb, line);
    return cage_strbuf_steal(&sb);
}

static bool have(const struct cage_presets *presets, const char *name)
{
    for (size_t i = 0; i < presets->n; i++)
        if (strcmp(presets->items[i].name, name) == 0)
            return true;
    return false;
}

static int add_directory(const struct cage_host *host, const char *base, bool user,
                         struct cage_presets *presets, struct cage_error *err)
{
    cage_autofree char *dir = cage_path_join(base, "presets");
    CAGE_STRV_AUTO names = {0};

    if (host->list(host, dir, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        size_t n = strlen(names.items[i]);
        cage_autofree char *name = cage_strndup(names.items[i], n > 5 ? n - 5 : 0);
        cage_autofree char *path = cage_path_join(dir, names.items[i]);
        cage_autofree char *text = NULL;

        if (n <= 5 || strcmp(names.items[i] + n - 5, ".toml") != 0 || !name_ok(name, n - 5) ||
            have(presets, name))
            continue;
        text = host->read_small(host, path);
        presets->items = cage_realloc_array(presets->items, presets->n + 1, sizeof *presets->items);
        presets->items[presets->n++] = (struct cage_preset){.name = cage_steal(&name),
                                                            .description = describe(text),
                                                            .path = cage_steal(&path),
                                                            .user = user};
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct cage_preset *)a)->name, ((const struct cage_preset *)b)->name);
}

int cage_presets_list(const struct cage_host *host, struct cage_presets *presets, struct cage_error *err)
{
    *presets = (struct cage_presets){0};
    if (add_directory(host, host->config_home, true, presets, err) < 0 ||
        add_directory(host, host->data_dir, false, presets, err) < 0) {
        cage_presets_finish(presets);
        return -1;
    }
    if (presets->n > 1)
        qsort(presets->items, presets->n, sizeof *presets->items, by_name);
    return 0;
}

void cage_presets_finish(struct cage_presets *presets)
{
    for (size_t i = 0; i < presets->n; i++) {
        free(presets->items[i].name);
        free(presets->items[i].description);
        free(presets->items[i].path);
    }
    free(presets->items);
    *presets = (struct cage_presets){0};
}

static int unknown(const struct cage_presets *presets, const char *data_dir, const char *name,
                   struct cage_error *err)
{
    CAGE_STRV_AUTO names = {0};
    const char *near;
    bool ours = false;

    for (size_t i = 0; i < presets->n; i++)
        ours |= !presets->items[i].user;
    if (!ours) {
        cage_error_set(err, CAGE_ERR_MISSING, "nixcage's own presets are not in %s/presets", data_dir);
        return cage_error_hint(
            err, "install nixcage whole: meson install -C build; or make build/ in its sources");
    }
    for (size_t i = 0; i < presets->n; i++)
        cage_strv_add(&names, presets->items[i].name);
    cage_error_set(err, CAGE_ERR_USAGE, "Unknown preset: '%s' (see 'nixcage list-presets')", name);
    near = cage_suggest(name, (const char *const *)names.items, names.n);
    if (near)
        return cage_error_hint(err, "Did you mean \"%s\"?", near);
    return -1;
}

/* Checks by parsing: a preset that a new nixcage does not understand is told now, not on the first run. */
static int check(const char *path, const char *text, struct cage_config *config, struct cage_error *err)
{
    struct cage_config own;
    int rc;

    if (config)
        return cage_config_parse(config, path, text, strlen(text), err);
    cage_config_init(&own);
    rc = cage_config_parse(&own, path, text, strlen(text), err);
    cage_config_finish(&own);
    return rc;
}

static int read_found(const struct cage_host *host, const struct cage_preset *preset,
                      struct cage_strbuf *text, struct cage_config *config, struct cage_error *err)
{
    cage_autofree char *contents = host->read_small(host, preset->path);

    if (!contents) {
        cage_error_set(err, CAGE_ERR_CONFIG, "cannot read the preset %s", preset->path);
        return cage_error_hint(err, "Make it a readable file of at most 1 MiB");
    }
    if (check(preset->path, contents, config, err) < 0)
        return -1;
    cage_strbuf_add(text, contents);
    return 0;
}

int cage_preset_read(const struct cage_host *host, const char *name, struct cage_strbuf *text,
                     struct cage_config *config, struct cage_error *err)
{
    const struct cage_preset *found = NULL;
    struct cage_presets presets;
    int rc;

    if (cage_presets_list(host, &presets, err) < 0)
        return -1;
    for (size_t i = 0; i < presets.n && !found; i++)
        if (strcmp(presets.items[i].name, name) == 0)
            found = &presets.items[i];
    rc = found ? read_found(host, found, text, config, err) : unknown(&presets, host->data_dir, name, err);
    cage_presets_finish(&presets);
    return rc;
}
