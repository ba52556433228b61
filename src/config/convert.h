/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CAGE_CONFIG_CONVERT_H
#define CAGE_CONFIG_CONVERT_H

#include "config/schema.h"
#include "config/toml.h"

/* Checks the value of one key and puts it into *config. Returns 0, or -1 with *err at the value's place. */
int cage_config_convert(struct cage_config *config, const struct cage_schema_entry *entry,
                        const struct cage_toml_node *node, struct cage_error *err);

/*
 * "4G", "1.5M", "50%", "" (no limit): sets *bytes or *percent, and the other to 0. False with *why filled
 * when it is none of these.
 */
bool cage_config_parse_size(const char *text, uint64_t *bytes, double *percent, struct cage_objection *why);

/* Frees a list's items; empties it. */
void cage_config_list_finish(struct cage_list *list);

/* Appends value, which the list then owns. */
void cage_config_list_take(struct cage_list *list, char *take_value, struct cage_mark mark);

#endif
