/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A strict reader and evaluator of the SBPL that nixcage writes. Apple does not document which rule wins,
 * so a decision is made under four readings of it; a profile is only good when all four agree.
 */
#ifndef SBPL_EVAL_H
#define SBPL_EVAL_H

#include <stdbool.h>
#include <stddef.h>

/* An S-expression: a list, or an atom, string or regex (text). */
struct sbpl_node {
    enum { SBPL_LIST, SBPL_ATOM, SBPL_STRING, SBPL_REGEX } kind;
    char *text;
    struct sbpl_node *items;
    size_t n;
};

struct sbpl_rule {
    bool deny;
    bool tagged;                /* has (with message …) */
    const char *operations[20]; /* from the table of known ones */
    size_t n_operations;
    const struct sbpl_node *filters[512];
    size_t n_filters;
};

struct sbpl_profile {
    struct sbpl_node root;
    struct sbpl_rule *rules;
    size_t n;
};

enum sbpl_model {
    SBPL_FLAT,                     /* the last match wins */
    SBPL_FLAT_FALLBACK,            /* …but a rule without filters only counts when no other matches */
    SBPL_OPERATION_FIRST,          /* rules for the exact operation before those for its wildcards */
    SBPL_OPERATION_FIRST_FALLBACK, /* both */
    SBPL_MODELS
};

/* What a program attempts. Members that do not matter for the operation are NULL. */
struct sbpl_query {
    const char *operation;
    const char *path;           /* files, Unix sockets */
    const char *name;           /* sysctl, Mach service, shared memory, IOKit class */
    const char *target;         /* "self", "same-sandbox", "others" */
    const char *remote, *local; /* "host:port" */
    const char *extension;      /* the path carries this sandbox extension */
};

/* Reads a profile. Anything not known (form, operation, filter, escape) is an error: false, and why. */
bool sbpl_parse(const char *text, struct sbpl_profile *profile, char *why, size_t size);
void sbpl_finish(struct sbpl_profile *profile);

bool sbpl_decide(const struct sbpl_profile *profile, const struct sbpl_query *query, enum sbpl_model model);

/* The decision on which all models agree; aborts the test when they do not. */
bool sbpl_allowed(const struct sbpl_profile *profile, const struct sbpl_query *query);

/* Shorthands for files. write: to an existing file; rename: unlink(from) and create(to); link:
 * file-link(from) and create(to). */
bool sbpl_file(const struct sbpl_profile *profile, const char *operation, const char *path);
bool sbpl_can_rename(const struct sbpl_profile *profile, const char *from, const char *to);
bool sbpl_can_link(const struct sbpl_profile *profile, const char *from, const char *to);

/* The parent of an operation in the table; NULL for "default" and unknown ones. */
const char *sbpl_parent(const char *operation);
bool sbpl_known_operation(const char *operation);

#endif
