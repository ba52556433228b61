/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CAGE_CONFIG_DUMP_H
#define CAGE_CONFIG_DUMP_H

#include "base/strbuf.h"
#include "config/schema.h"

/*
 * Appends the effective configuration in its one canonical form: valid TOML with every key of the schema in
 * its order, defaults written out, but hosts only where it is set. Configurations that mean the same give the
 * same text (the order in lists is kept), and parsing the text gives the same configuration. The trust record
 * hashes it.
 */
void cage_config_dump(const struct cage_config *config, struct cage_strbuf *out);

/* Appends the value of one key as TOML: `["a", "b"]`, `true`, `"4G"`. */
void cage_config_dump_value(const struct cage_config *config, const struct cage_schema_entry *entry,
                            struct cage_strbuf *out);

#endif
