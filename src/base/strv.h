/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing list of strings. Invariant: items is NULL or ends with a NULL
 * item, so it can be passed as argv or envp once something was added.
 */
#ifndef CAGE_BASE_STRV_H
#define CAGE_BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>

struct cage_strv {
    char **items;
    size_t n, alloc;
};

#define CAGE_STRV_AUTO __attribute__((cleanup(cage_strv_finish))) struct cage_strv

/* Makes an empty list. It allocates nothing yet. */
void cage_strv_init(struct cage_strv *v);
/* Frees the strings and the list, which is empty then. A zeroed one may be finished. */
void cage_strv_finish(struct cage_strv *v);

/* Appends a copy of s. */
void cage_strv_add(struct cage_strv *v, const char *s);
/* Appends a formatted string, as printf(3). */
void cage_strv_addf(struct cage_strv *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends the string itself, which the list then owns. */
void cage_strv_take(struct cage_strv *v, char *take_s);

/* Appends copies of all the strings of a NULL-terminated array (NULL: none). */
void cage_strv_add_all(struct cage_strv *v, char *const *strings);

/* The list as a NULL-terminated array, never NULL; owned by the list. */
char **cage_strv_argv(struct cage_strv *v);

/* Whether s is in the list. */
bool cage_strv_has(const struct cage_strv *v, const char *s);

/* Sorts bytewise and drops duplicates. */
void cage_strv_sort_unique(struct cage_strv *v);

/* Removes item i, keeping the order. */
void cage_strv_remove(struct cage_strv *v, size_t i);

/* For lists of NAME=VALUE: the value of name, or NULL; owned by the list. */
const char *cage_env_get(const struct cage_strv *env, const char *name);
/* Replaces the first NAME=, or appends one. The value is copied and may be part of the list. */
void cage_env_set(struct cage_strv *env, const char *name, const char *value);
/* Removes every NAME=. */
void cage_env_unset(struct cage_strv *env, const char *name);

#endif
