/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of `status`. Text and JSON show the same facts in the same order. */
#ifndef CAGE_CLI_STATUS_H
#define CAGE_CLI_STATUS_H

#include "base/strbuf.h"
#include "cli/checks.h"
#include "cli/session.h"
#include "cli/term.h"

#include <jansson.h>

/* Appends "Name:      value" as a line; control characters in the value are replaced. */
void cage_status_add_row(struct cage_strbuf *out, const char *name, const char *value);

/* Appends the rows of a configuration, from its level to whether it is allowed; the same as members of root.
 */
void cage_status_add_project(struct cage_strbuf *out, const struct cage_session *session);
/* The same as members of root. */
void cage_status_add_project_json(json_t *root, const struct cage_session *session);

/* Appends what the machine has: dependencies with the way to get what is missing, and on Linux the features
 * of the kernel that a cage uses here; the same as the members "dependencies", "kernel" and "ok" of root. */
void cage_status_add_host(struct cage_strbuf *out, const struct cage_host *host,
                          const struct cage_checks *checks, const struct cage_term *term);
/* The same as members "dependencies", "kernel" and "ok" of root. */
void cage_status_add_host_json(json_t *root, const struct cage_host *host, const struct cage_checks *checks);

#endif
