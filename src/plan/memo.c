/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The machine's facts, each asked for once while a plan is made. The plan asks about the same directories
 * again and again; a system call for each would be most of the time that a run takes. It also makes all rules
 * see the same machine. What is mounted is compared with the facts before the command starts.
 */
#include "base/mem.h"
#include "base/path.h"
#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    uint32_t hash;
    char *path;
    struct cage_file_fact fact;
};

struct memo {
    const struct cage_host *host;
    struct entry *entries;
    size_t n, alloc;
};

static uint32_t hash_of(const char *s)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (; *s; s++)
        hash = (hash ^ (unsigned char)*s) * 16777619u;
    return hash;
}

static const struct cage_file_fact *find(const struct memo *memo, const char *path, uint32_t hash)
{
    for (size_t i = 0; i < memo->n; i++)
        if (memo->entries[i].hash == hash && strcmp(memo->entries[i].path, path) == 0)
            return &memo->entries[i].fact;
    return NULL;
}

static void copy_fact(struct cage_file_fact *to, const struct cage_file_fact *from)
{
    *to = *from;
    to->real = cage_strdup(from->real);
    to->link_target = cage_strdup(from->link_target);
}

static void keep(struct memo *memo, const char *path, uint32_t hash, const struct cage_file_fact *fact)
{
    struct entry *entry;

    if (memo->n == memo->alloc) {
        memo->alloc = memo->alloc ? memo->alloc * 2 : 128;
        memo->entries = cage_realloc_array(memo->entries, memo->alloc, sizeof *memo->entries);
    }
    entry = &memo->entries[memo->n++];
    entry->hash = hash;
    entry->path = cage_strdup(path);
    copy_fact(&entry->fact, fact);
}

static int memo_lookup(const struct cage_host *shadow, const char *path, struct cage_file_fact *fact,
                       struct cage_error *err);

/* From the facts of the directory that path lies in. */
static int look(const struct cage_host *shadow, const char *path, struct cage_file_fact *fact,
                struct cage_error *err)
{
    const struct memo *memo = shadow->fake;
    cage_autofree char *dir = cage_path_dirname(path);
    const char *name = cage_path_basename(path);
    struct cage_file_fact in;
    int rc;

    if (!memo->host->lookup_child || path[0] != '/' || !*name || memo_lookup(shadow, dir, &in, NULL) < 0)
        return memo->host->lookup(memo->host, path, fact, err);
    if (in.type == CAGE_FILE_DIR) {
        rc = memo->host->lookup_child(memo->host, in.real, name, fact, err);
    } else {
        *fact = (struct cage_file_fact){.real = cage_path_join(in.real, name)};
        rc = 0;
    }
    cage_file_fact_finish(&in);
    return rc;
}

static int memo_lookup(const struct cage_host *shadow, const char *path, struct cage_file_fact *fact,
                       struct cage_error *err)
{
    struct memo *memo = shadow->fake;
    uint32_t hash = hash_of(path);
    const struct cage_file_fact *known = find(memo, path, hash);

    if (known) {
        copy_fact(fact, known);
        return 0;
    }
    if (look(shadow, path, fact, err) < 0)
        return -1;
    keep(memo, path, hash, fact);
    return 0;
}

static int memo_list(const struct cage_host *shadow, const char *path, struct cage_strv *names,
                     struct cage_error *err)
{
    const struct memo *memo = shadow->fake;
    struct cage_file_fact fact;
    bool absent;

    if (memo_lookup(shadow, path, &fact, err) < 0)
        return -1;
    absent = fact.type != CAGE_FILE_DIR;
    cage_file_fact_finish(&fact);
    return absent ? 0 : memo->host->list(memo->host, path, names, err);
}

static char *memo_read_small(const struct cage_host *shadow, const char *path)
{
    const struct memo *memo = shadow->fake;

    return memo->host->read_small(memo->host, path);
}

void cage_memo_init(struct cage_host *shadow, const struct cage_host *host)
{
    struct memo *memo = cage_alloc(sizeof *memo);

    memo->host = host;
    *shadow = *host;
    shadow->lookup = memo_lookup;
    shadow->lookup_child = NULL;
    shadow->list = memo_list;
    shadow->read_small = memo_read_small;
    shadow->fake = memo;
}

void cage_memo_finish(struct cage_host *shadow)
{
    struct memo *memo = shadow->fake;

    for (size_t i = 0; i < memo->n; i++) {
        free(memo->entries[i].path);
        cage_file_fact_finish(&memo->entries[i].fact);
    }
    free(memo->entries);
    free(memo);
}
