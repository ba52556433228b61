/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one table of all keys: it drives parsing, validation, help, the manual's key list and completion. */
#ifndef CAGE_CONFIG_SCHEMA_H
#define CAGE_CONFIG_SCHEMA_H

#include "config/config.h"

enum cage_type {
    CAGE_TYPE_BOOL,
    CAGE_TYPE_STRING,
    CAGE_TYPE_ENUM,
    CAGE_TYPE_LIST,    /* of strings */
    CAGE_TYPE_COMMAND, /* a string split into words, or a list */
    CAGE_TYPE_PORTS,
    CAGE_TYPE_NUMBER, /* integer or float */
    CAGE_TYPE_COUNT,  /* integer >= 0 */
    CAGE_TYPE_SIZE,   /* 4G, 512M, 1.5G, bytes, 50% */
};

enum cage_platforms { CAGE_ON_LINUX = 1, CAGE_ON_MACOS = 2, CAGE_ON_ALL = 3 };

/* What is wrong with a value and how to put it right: both static, neither ends with a full stop. */
struct cage_objection {
    const char *what; /* follows "invalid path "x": ": a reason */
    const char *fix;  /* a sentence in the imperative */
};

struct cage_schema_entry {
    enum cage_key key;
    const char *section; /* "sandbox.filesystem" */
    const char *name;    /* "ro_bind" */
    enum cage_type type;
    size_t offset;             /* of the member in struct cage_config */
    const char *default_text;  /* as TOML: `"standard"`, `[]`, `true` */
    const char *help;          /* one line */
    const char *const *values; /* CAGE_TYPE_ENUM: NULL-terminated, in the enum's order */
    enum cage_platforms platforms;
    const char *noun; /* what a string or list item of it is, for messages: "path", "host" */
    /* Checks a parsed string or list item beyond its type; NULL: none. False with *why filled when it is
     * wrong. */
    bool (*check)(const char *value, struct cage_objection *why);
};

/* The table, in the order of the documentation; *n gets its length (CAGE_KEY_COUNT). Static. */
const struct cage_schema_entry *cage_schema(size_t *n);

/* The entry of one key; never NULL. Static. */
const struct cage_schema_entry *cage_schema_entry(enum cage_key key);

/* Whether name may stand in a Nix expression as an attribute path: see the pattern in schema.c. */
bool cage_schema_package_name_ok(const char *name);

/* Whether name is a POSIX environment variable name. */
bool cage_schema_env_name_ok(const char *name);

#endif
