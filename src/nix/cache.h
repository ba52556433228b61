/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cache of environments, cache_home/v1, private to the user:
 *
 *   KEY            the entry (entry.h), replaced by rename(2)
 *   KEY.lock       exclusive while somebody resolves KEY
 *   gen/NAME/      what the entry refers to: attrs/, roots/ (GC roots), lock (shared while a cage uses it)
 *   projects/HASH  symlink to "KEY:PROJECT": what a project used last
 *
 * A generation has its final name from the start, because GC roots are registered under it; an entry names it
 * once it is complete. Whatever is left of a crash is a generation that no entry names: gc removes it.
 */
#ifndef CAGE_NIX_CACHE_H
#define CAGE_NIX_CACHE_H

#include "base/error.h"
#include "host/host.h"
#include "nix/entry.h"
#include "nix/nix.h"

#include <stdbool.h>

/* cache_home/v1. The caller frees. */
char *cage_nix_cache_dir(const struct cage_host *host);

/* Makes the directories; fails when they cannot be written. */
int cage_nix_cache_prepare(const char *cache, struct cage_error *err) CAGE_MUST_CHECK;

/*
 * Reads the entry of key. Returns 0 when it is there, intact and, unless `stale`, still true: not expired,
 * all witnesses and roots as they were. store_prefix: where the store's /nix is. -1: there is nothing to use.
 */
int cage_nix_cache_load(const char *cache, const char *key, const struct cage_host *host,
                        const char *store_prefix, bool stale, struct cage_nix_entry *entry);

/*
 * Turns an entry into an environment: moves its parts, and takes the shared lock of its generation.
 * Returns -1 when the generation has just been removed.
 */
int cage_nix_cache_use(const char *cache, struct cage_nix_entry *take_entry, struct cage_nix_env *env);

/*
 * To be called with the key's lock held: removes its generations that the entry does not name, which killed
 * runs left, and their temporary files. False: one is in use.
 */
bool cage_nix_cache_sweep(const char *cache, const char *key, const struct cage_host *host);

/* Writes the entry in place of an older one, whose generation is dropped unless a cage uses it. */
int cage_nix_cache_store(const char *cache, const char *key, const struct cage_nix_entry *entry,
                         struct cage_error *err) CAGE_MUST_CHECK;

/* Remembers that the project uses key now; best effort. */
void cage_nix_cache_note_project(const char *cache, const char *project_root, const char *key);
/* The key that the project used last, or NULL. The caller frees. */
char *cage_nix_cache_project_key(const char *cache, const char *project_root);

/* Appends the directories of the projects whose packages were resolved, whether or not they are still there.
 */
void cage_nix_cache_projects(const char *cache, const struct cage_host *host, struct cage_strv *roots);

/* Removes the project's link. */
void cage_nix_cache_forget_project(const char *cache, const char *project_root);

/* Removes a generation unless a cage uses it (then returns false). */
bool cage_nix_cache_drop_generation(const char *cache, const char *generation);

#endif
