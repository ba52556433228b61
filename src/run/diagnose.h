/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What went wrong when bwrap or the init gave up, in one line and with a fix. */
#ifndef CAGE_RUN_DIAGNOSE_H
#define CAGE_RUN_DIAGNOSE_H

#include "base/error.h"
#include "host/host.h"

/*
 * Fills *err (CAGE_ERR_MISSING where something of the machine is missing, else CAGE_ERR_CAGE) from bwrap's
 * text, which may be empty, and its wait status. host is asked for the settings that forbid user namespaces;
 * it may be NULL. Returns -1.
 */
int cage_diagnose_bwrap(const struct cage_host *host, const char *text, int wait_status,
                        struct cage_error *err);

#endif
