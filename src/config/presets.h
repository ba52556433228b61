/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Presets: whole nixcage.toml files to start from, ours (data_dir/presets) and the user's
 * (config_home/presets). */
#ifndef CAGE_CONFIG_PRESETS_H
#define CAGE_CONFIG_PRESETS_H

#include "base/strbuf.h"
#include "config/config.h"
#include "host/host.h"

struct cage_preset {
    char *name;        /* without ".toml" */
    char *description; /* the file's first comment line, fit for a terminal; "" if it has none */
    char *path;
    bool user; /* the user's own, which comes before a built-in one of the same name */
};

struct cage_presets {
    struct cage_preset *items;
    size_t n;
};

/* The preset that init uses when it is given none. */
#define CAGE_PRESET_DEFAULT "default"

/*
 * Lists all presets by name; finish() accepts a zeroed one. A directory that is not there is empty; one
 * that cannot be read is an error. Nothing is parsed here.
 */
int cage_presets_list(const struct cage_host *host, struct cage_presets *presets,
                      struct cage_error *err) CAGE_MUST_CHECK;
/* Frees what it owns; accepts a zeroed one. */
void cage_presets_finish(struct cage_presets *presets);

/*
 * Appends the text of a preset to *text and parses it into the initialised *config (NULL: only checks it).
 * Not there: CAGE_ERR_USAGE with the nearest name as hint. Not a valid configuration: that error, at its
 * place in the preset's file.
 */
int cage_preset_read(const struct cage_host *host, const char *name, struct cage_strbuf *text,
                     struct cage_config *config, struct cage_error *err) CAGE_MUST_CHECK;

#endif
