/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/strv.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cage_strv_init(struct cage_strv *v)
{
    memset(v, 0, sizeof *v);
}

void cage_strv_finish(struct cage_strv *v)
{
    for (size_t i = 0; i < v->n; i++)
        free(v->items[i]);
    free(v->items);
    memset(v, 0, sizeof *v);
}

void cage_strv_take(struct cage_strv *v, char *take_s)
{
    if (v->n + 2 > v->alloc) {
        v->alloc = v->alloc ? 2 * v->alloc : 16;
        v->items = cage_realloc_array(v->items, v->alloc, sizeof *v->items);
    }
    v->items[v->n++] = take_s;
    v->items[v->n] = NULL;
}

void cage_strv_add(struct cage_strv *v, const char *s)
{
    cage_strv_take(v, cage_strdup(s));
}

void cage_strv_addf(struct cage_strv *v, const char *fmt, ...)
{
    va_list ap;
    char *s = NULL;

    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        abort();
    va_end(ap);
    cage_strv_take(v, s);
}

void cage_strv_add_all(struct cage_strv *v, char *const *strings)
{
    for (; strings && *strings; strings++)
        cage_strv_add(v, *strings);
}

char **cage_strv_argv(struct cage_strv *v)
{
    if (!v->items) {
        v->alloc = 16;
        v->items = cage_realloc_array(NULL, v->alloc, sizeof *v->items);
        v->items[0] = NULL;
    }
    return v->items;
}

bool cage_strv_has(const struct cage_strv *v, const char *s)
{
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->items[i], s) == 0)
            return true;
    return false;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void cage_strv_sort_unique(struct cage_strv *v)
{
    size_t kept = 0;

    if (v->n < 2)
        return;
    qsort(v->items, v->n, sizeof *v->items, compare);
    for (size_t i = 1; i < v->n; i++) {
        if (strcmp(v->items[kept], v->items[i]) == 0)
            free(v->items[i]);
        else
            v->items[++kept] = v->items[i];
    }
    v->n = kept + 1;
    v->items[v->n] = NULL;
}

void cage_strv_remove(struct cage_strv *v, size_t i)
{
    free(v->items[i]);
    memmove(v->items + i, v->items + i + 1, (v->n - i) * sizeof *v->items);
    v->n--;
}

static bool names(const char *entry, const char *name, size_t len)
{
    return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

const char *cage_env_get(const struct cage_strv *env, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < env->n; i++)
        if (names(env->items[i], name, len))
            return env->items[i] + len + 1;
    return NULL;
}

void cage_env_set(struct cage_strv *env, const char *name, const char *value)
{
    size_t len = strlen(name);
    char *entry;

    for (size_t i = 0; i < env->n; i++) {
        if (!names(env->items[i], name, len))
            continue;
        entry = env->items[i]; /* value may point into it */
        env->items[i] = cage_format("%s=%s", name, value);
        free(entry);
        return;
    }
    cage_strv_addf(env, "%s=%s", name, value);
}

void cage_env_unset(struct cage_strv *env, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = env->n; i-- > 0;)
        if (names(env->items[i], name, len))
            cage_strv_remove(env, i);
}
