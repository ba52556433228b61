/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is everything here that a cage needs? For `status`. */
#ifndef CAGE_CLI_CHECKS_H
#define CAGE_CLI_CHECKS_H

#include "config/config.h"
#include "host/host.h"

#include <stdbool.h>

struct cage_check {
    const char *name; /* static */
    bool ok, required;
    const char *use; /* static: what it is for, when it is not required; NULL: nothing to add */
    char *detail;    /* what was found, or what is wrong */
    char *fix;       /* NULL: fine, or nothing is known */
};

struct cage_checks {
    struct cage_check items[8];
    size_t n;
};

/* Looks for everything a cage of this configuration (NULL: any) needs; makes a cage of bwrap alone to see
 * that it works. */
void cage_checks_run(struct cage_checks *checks, const struct cage_host *host,
                     const struct cage_config *config);
/* The Landlock ABI that a cage of this configuration does not start without, as its plan decides; 0: none. */
int cage_checks_landlock_abi(const struct cage_config *config);
/* Frees what it owns; accepts a zeroed one. */
void cage_checks_finish(struct cage_checks *checks);

/* Whether nothing that is required is missing. */
bool cage_checks_ok(const struct cage_checks *checks);

#endif
