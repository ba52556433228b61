/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"
#include "nix/cache.h"
#include "nix/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A generation that no entry names may be one that is being made: it is left alone for a day. */
enum { UNFINISHED_SECONDS = 24 * 3600, KEY_LENGTH = CAGE_HASH_HEX - 1 };

static bool is_key(const char *name)
{
    return strlen(name) == KEY_LENGTH && strspn(name, "0123456789abcdef") == KEY_LENGTH;
}

/* "KEY:PROJECT" of a link; false when it is not one. The caller frees *project. */
static bool read_project(const char *link, char key[CAGE_HASH_HEX], char **project)
{
    cage_autofree char *target = cage_fs_readlink(AT_FDCWD, link);

    if (!target || strlen(target) <= KEY_LENGTH + 1 || target[KEY_LENGTH] != ':')
        return false;
    memcpy(key, target, KEY_LENGTH);
    key[KEY_LENGTH] = '\0';
    *project = cage_strdup(target + KEY_LENGTH + 1);
    return is_key(key);
}

/* The keys that projects use; links of projects that are gone are removed on the way. */
static int used_keys(const struct cage_host *host, const char *cache, struct cage_strv *keys,
                     struct cage_error *err)
{
    cage_autofree char *dir = cage_path_join(cache, "projects");
    CAGE_STRV_AUTO names = {0};

    if (host->list(host, dir, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        cage_autofree char *link = cage_path_join(dir, names.items[i]);
        cage_autofree char *project = NULL, *config = NULL;
        char key[CAGE_HASH_HEX];

        if (read_project(link, key, &project))
            config = cage_path_join(project, "nixcage.toml");
        if (config && access(config, F_OK) == 0)
            cage_strv_add(keys, key);
        else
            unlink(link);
    }
    cage_strv_sort_unique(keys);
    return 0;
}

/* Drops one entry; false: a cage runs with it, or somebody resolves it just now. */
static bool drop_entry(const char *cache, const char *key)
{
    cage_autofree char *path = cage_path_join(cache, key), *lock_path = cage_format("%s.lock", path);
    cage_autofd int lock = cage_fs_lock(lock_path, false, NULL);
    struct cage_nix_entry entry;
    CAGE_STRBUF_AUTO text = {0};
    bool free_to_go = true;

    if (lock < 0)
        return false;
    cage_strbuf_init(&text);
    cage_nix_entry_init(&entry);
    if (cage_fs_read(AT_FDCWD, path, (size_t)64 << 20, &text, NULL) == 0 &&
        cage_nix_entry_parse(&entry, text.buf, text.len) == 0)
        free_to_go = cage_nix_cache_drop_generation(cache, entry.generation);
    cage_nix_entry_finish(&entry);
    if (!free_to_go)
        return false;
    unlink(path);
    unlink(lock_path);
    return true;
}

static void add_generation(const char *cache, const char *key, struct cage_strv *generations)
{
    cage_autofree char *path = cage_path_join(cache, key);
    struct cage_nix_entry entry;
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    cage_nix_entry_init(&entry);
    if (cage_fs_read(AT_FDCWD, path, (size_t)64 << 20, &text, NULL) == 0 &&
        cage_nix_entry_parse(&entry, text.buf, text.len) == 0)
        cage_strv_add(generations, entry.generation);
    cage_nix_entry_finish(&entry);
}

/* Generations that no entry names: what crashes and replaced entries left. */
static int drop_orphans(const struct cage_host *host, const char *cache, struct cage_error *err)
{
    cage_autofree char *dir = cage_path_join(cache, "gen");
    CAGE_STRV_AUTO keys = {0}, named = {0}, generations = {0};

    if (host->list(host, cache, &keys, err) < 0 || host->list(host, dir, &generations, err) < 0)
        return -1;
    for (size_t i = 0; i < keys.n; i++)
        if (is_key(keys.items[i]))
            add_generation(cache, keys.items[i], &named);
    for (size_t i = 0; i < generations.n; i++) {
        cage_autofree char *path = cage_path_join(dir, generations.items[i]);
        struct stat st;

        if (!cage_strv_has(&named, generations.items[i]) && lstat(path, &st) == 0 &&
            st.st_mtime + UNFINISHED_SECONDS < time(NULL))
            (void)cage_nix_cache_drop_generation(cache, generations.items[i]);
    }
    return 0;
}

int cage_nix_gc(const struct cage_host *host, bool all, struct cage_nix_gc_report *report,
                struct cage_error *err)
{
    cage_autofree char *cache = cage_nix_cache_dir(host);
    CAGE_STRV_AUTO names = {0}, used = {0};

    memset(report, 0, sizeof *report);
    if (used_keys(host, cache, &used, err) < 0 || host->list(host, cache, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        if (!is_key(names.items[i]))
            continue;
        if (!all && cage_strv_has(&used, names.items[i])) {
            report->kept++;
        } else if (drop_entry(cache, names.items[i])) {
            report->removed++;
        } else {
            report->kept++;
            report->in_use++;
        }
    }
    if (drop_orphans(host, cache, err) < 0)
        return -1;
    return cage_nix_store_gc(host, all, &report->stores_removed, err);
}

int cage_nix_forget(const struct cage_host *host, const char *project_root, struct cage_error *err)
{
    cage_autofree char *cache = cage_nix_cache_dir(host);
    cage_autofree char *key = cage_nix_cache_project_key(cache, project_root);
    CAGE_STRV_AUTO used = {0};

    cage_nix_cache_forget_project(cache, project_root);
    if (used_keys(host, cache, &used, err) < 0)
        return -1;
    if (key && !cage_strv_has(&used, key))
        (void)drop_entry(cache, key);
    return cage_nix_store_forget(host, project_root, err);
}
