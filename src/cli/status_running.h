/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of `status` about cages of the project that are running now. */
#ifndef CAGE_CLI_STATUS_RUNNING_H
#define CAGE_CLI_STATUS_RUNNING_H

#include "base/strbuf.h"
#include "cli/session.h"

#include <jansson.h>

/* Appends a block for each running cage: use against limit, and how the limit is held. Nothing when none
 * runs. */
void cage_status_add_running(struct cage_strbuf *out, const struct cage_session *session);

/* The same facts as an array. */
json_t *cage_status_running_json(const struct cage_session *session);

#endif
