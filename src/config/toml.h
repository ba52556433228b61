/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TOML 1.0 (toml.io) as a plain tree. The library behind it is C++; this is all that C code sees of it. */
#ifndef CAGE_CONFIG_TOML_H
#define CAGE_CONFIG_TOML_H

#include "config/config.h"

#ifdef __cplusplus
extern "C" {
#endif

enum cage_toml_type {
    CAGE_TOML_TABLE,
    CAGE_TOML_ARRAY,
    CAGE_TOML_STRING,
    CAGE_TOML_INTEGER,
    CAGE_TOML_FLOAT,
    CAGE_TOML_BOOL,
    CAGE_TOML_DATE, /* any date or time: nixcage.toml has none, so its value is not kept */
};

/* A value. Children (of a table or an array) are in the order of the document. */
struct cage_toml_node {
    enum cage_toml_type type;
    char *key;                 /* its name in the table above; NULL for the root and for items of an array */
    size_t key_length;         /* more than strlen(key): the name holds a NUL character */
    struct cage_mark key_mark; /* of the key; for the root and for items of an array as mark */
    struct cage_mark mark;     /* of the value */
    char *string;              /* CAGE_TOML_STRING, else NULL */
    size_t length;             /* bytes of string; more than strlen(string): it holds a NUL character */
    int64_t integer;
    double number; /* CAGE_TOML_FLOAT */
    bool boolean;
    struct cage_toml_node *children;
    size_t n;
};

/* Why a document is not TOML. */
struct cage_toml_failure {
    struct cage_mark mark;
    char message[256];
};

enum {
    CAGE_TOML_MAX_NESTING = 32, /* arrays and inline tables in one another */
    CAGE_TOML_MAX_DOTS = 16,    /* dots in one key */
};

/*
 * Parses n bytes of UTF-8 text (a byte order mark and CRLF are accepted). Returns the root table, which
 * cage_toml_free() frees, or NULL with *failure filled: not TOML, not UTF-8, a key given twice, nested too
 * deeply. No input makes the recursion here or in the library deep.
 */
struct cage_toml_node *cage_toml_parse(const char *text, size_t n, struct cage_toml_failure *failure);

/* Frees a tree; NULL is fine. */
void cage_toml_free(struct cage_toml_node *root);

#ifdef __cplusplus
}
#endif
#endif
