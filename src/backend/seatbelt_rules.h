/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules of a profile that do not depend on any path of the user's, as tables. */
#ifndef CAGE_BACKEND_SEATBELT_RULES_H
#define CAGE_BACKEND_SEATBELT_RULES_H

#include "backend/seatbelt_emit.h"

/* When a rule applies; the bits of a rule must all be true. */
enum cage_sbpl_when {
    CAGE_SBPL_ALWAYS = 0,
    CAGE_SBPL_STRICT = 1,     /* level strict */
    CAGE_SBPL_NOT_STRICT = 2, /* any other */
    CAGE_SBPL_NET_ON = 4,     /* the host's network */
};

/* One rule. filters: NULL-terminated; NULL: the rule is meant to be bare. */
struct cage_sbpl_rule {
    int when;
    const char *operations;
    const char *const *filters;
};

/* A path that is always readable. */
struct cage_sbpl_system_path {
    const char *path;
    enum cage_sbpl_match match;
    bool executable; /* programs and libraries there may be run */
};

/* Process, sysctl, Mach, IPC, IOKit, devices and terminals; *n gets the length. Static. */
const struct cage_sbpl_rule *cage_sbpl_base_rules(size_t *n);

/* What every program needs to start; *n gets the length. Static. */
const struct cage_sbpl_system_path *cage_sbpl_system_paths(size_t *n);

/* Rules for the host's network; *n gets the length. Static. */
const struct cage_sbpl_rule *cage_sbpl_network_rules(size_t *n);

/* The operations that a denial must name, because a rule for a concrete operation is asked before one for its
 * wildcard. */
#define CAGE_SBPL_OPS_READ "file-read* file-read-data file-read-metadata file-read-xattr"
#define CAGE_SBPL_OPS_WRITE                                                                                  \
    "file-write* file-write-acl file-write-create file-write-data file-write-flags file-write-mode "         \
    "file-write-owner file-write-setugid file-write-times file-write-unlink file-write-xattr file-link"
#define CAGE_SBPL_OPS_RUN "process-exec* process-exec file-map-executable"

#endif
