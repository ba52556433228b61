/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/names.h"

#include "base/mem.h"
#include "net/rules.h"

#include <stdlib.h>
#include <string.h>

/* 198.18.0.1 is the resolver; names start at 198.18.1.0, so that its neighbours stay free for later use. */
enum { FIRST = 256, BUCKETS = 4096 };

struct entry {
    char *name;
    int next; /* in the bucket; -1: none */
};

struct cage_names {
    struct entry *entries;
    size_t n, alloc;
    int buckets[BUCKETS]; /* -1: empty */
};

struct cage_names *cage_names_new(void)
{
    struct cage_names *names = cage_alloc(sizeof(*names));
    for (size_t i = 0; i < BUCKETS; i++)
        names->buckets[i] = -1;
    return names;
}

void cage_names_free(struct cage_names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < names->n; i++)
        free(names->entries[i].name);
    free(names->entries);
    free(names);
}

/* FNV-1a. A cage that makes names collide slows down only its own look-ups, by CAGE_NAMES_MAX at most. */
static size_t bucket_of(const char *name)
{
    uint32_t hash = 2166136261U;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619U;
    return hash % BUCKETS;
}

static struct cage_addr address_of(size_t index)
{
    return cage_addr_v4(CAGE_GATE_RANGE_BITS + FIRST + (uint32_t)index);
}

bool cage_names_address(struct cage_names *names, const char *name, struct cage_addr *addr)
{
    size_t bucket = bucket_of(name);
    for (int i = names->buckets[bucket]; i >= 0; i = names->entries[i].next) {
        if (strcmp(names->entries[i].name, name) == 0) {
            *addr = address_of((size_t)i);
            return true;
        }
    }
    if (names->n == CAGE_NAMES_MAX)
        return false;
    if (names->n == names->alloc) {
        names->alloc = names->alloc ? names->alloc * 2 : 64;
        names->entries = cage_realloc_array(names->entries, names->alloc, sizeof(*names->entries));
    }
    names->entries[names->n] = (struct entry){cage_strdup(name), names->buckets[bucket]};
    names->buckets[bucket] = (int)names->n;
    *addr = address_of(names->n++);
    return true;
}

const char *cage_names_lookup(const struct cage_names *names, const struct cage_addr *addr)
{
    if (!cage_rules_in_range(addr))
        return NULL;
    uint32_t offset = cage_addr_bits(addr) - CAGE_GATE_RANGE_BITS;
    return offset >= FIRST && offset - FIRST < names->n ? names->entries[offset - FIRST].name : NULL;
}
