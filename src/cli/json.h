/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CAGE_CLI_JSON_H
#define CAGE_CLI_JSON_H

#include "config/config.h"

#include <jansson.h>

/* A JSON string of any bytes: what is not UTF-8 becomes "\xNN" text. NULL: null. */
json_t *cage_json_text(const char *s);

/* The values of a list, as strings. */
json_t *cage_json_list(const struct cage_list *list);

/* The numbers of a list of ports. */
json_t *cage_json_ports(const struct cage_ports *ports);

/* Prints it, indented, on standard output. Takes the reference. */
int cage_json_print(json_t *take_json, struct cage_error *err) CAGE_MUST_CHECK;

#endif
