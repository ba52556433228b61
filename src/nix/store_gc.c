/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Removing stores that nobody uses any more. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "nix/store.h"
#include "nix/store_meta.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Removes a store that no cage uses; false: one does. */
static bool drop_store(const char *store)
{
    cage_autofree char *lock_path = cage_path_join(store, "lock"), *update = cage_format("%s.update", store);
    cage_autofd int lock = open(lock_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0)
        return false;
    unlink(lock_path);
    if (cage_fs_remove_tree(AT_FDCWD, store, NULL) < 0)
        return false;
    unlink(update);
    return true;
}

/* Whether the store's project is there and still configured to have it. */
static bool is_wanted(const struct cage_nix_store_meta *meta)
{
    cage_autofree char *file = cage_path_join(meta->project, "nixcage.toml");
    cage_autofd int dir = open(meta->project, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct cage_config config;
    bool wanted = true;

    if (dir < 0 || access(file, F_OK) < 0)
        return false;
    cage_config_init(&config);
    /* One that cannot be read now may be repaired: its store stays. */
    if (cage_config_load(&config, dir, file, NULL) == 0)
        wanted = strcmp(cage_store_mode_name(config.store_mode), meta->mode) == 0;
    cage_config_finish(&config);
    return wanted;
}

int cage_nix_store_gc(const struct cage_host *host, bool all, size_t *removed, struct cage_error *err)
{
    cage_autofree char *dir = cage_nix_stores_dir(host);
    CAGE_STRV_AUTO names = {0};

    *removed = 0;
    if (host->list(host, dir, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        cage_autofree char *store = cage_path_join(dir, names.items[i]),
                           *update = cage_format("%s.update", store);
        cage_autofd int lock = -1;
        struct cage_nix_store_meta meta;
        bool wanted;

        if (strchr(names.items[i], '.'))
            continue;
        /* Somebody who makes it just now has no meta yet. */
        lock = cage_fs_lock(update, false, NULL);
        if (lock < 0)
            continue;
        wanted = cage_nix_store_meta_read(store, &meta) == 0 && is_wanted(&meta);
        cage_nix_store_meta_finish(&meta);
        if ((all || !wanted) && drop_store(store))
            ++*removed;
    }
    return 0;
}

int cage_nix_store_forget(const struct cage_host *host, const char *project_root, struct cage_error *err)
{
    static const enum cage_store_mode modes[] = {CAGE_STORE_COPY, CAGE_STORE_ISOLATED};

    for (size_t i = 0; i < CAGE_LEN(modes); i++) {
        cage_autofree char *store = cage_nix_store_dir(host, project_root, modes[i]);

        if (access(store, F_OK) == 0 && !drop_store(store)) {
            cage_error_set(err, CAGE_ERR_NIX, "a cage is running with the store %s", store);
            return cage_error_hint(err, "end it, then run nixcage gc");
        }
    }
    return 0;
}
