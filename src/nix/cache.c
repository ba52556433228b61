/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nix/cache.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"
#include "nix/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ENTRY = 64 << 20, GENERATION_KEY = 16 /* bytes of the key that begin a generation's name */ };

char *cage_nix_cache_dir(const struct cage_host *host)
{
    return cage_path_join(host->cache_home, "v1");
}

int cage_nix_cache_prepare(const char *cache, struct cage_error *err)
{
    static const char *const subdirs[] = {"gen", "projects"};

    for (size_t i = 0; i < CAGE_LEN(subdirs); i++) {
        cage_autofree char *dir = cage_path_join(cache, subdirs[i]);

        if (cage_fs_mkdirs(dir, 0700, err) < 0)
            return -1;
        if (access(dir, W_OK | X_OK) < 0)
            return cage_error_sys(err, errno, "cannot write to %s", dir);
    }
    if (access(cache, W_OK | X_OK) < 0)
        return cage_error_sys(err, errno, "cannot write to %s", cache);
    return 0;
}

static bool roots_exist(const struct cage_strv *roots, const char *store_prefix)
{
    struct stat st;

    for (size_t i = 0; i < roots->n; i++) {
        cage_autofree char *path = *store_prefix ? cage_format("%s%s", store_prefix, roots->items[i]) : NULL;

        if (lstat(path ? path : roots->items[i], &st) < 0)
            return false;
    }
    return true;
}

/* Only a file of our own that nobody else can write counts: its contents decide what runs. */
static int read_own_file(const char *path, struct cage_strbuf *text)
{
    cage_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
        return -1;
    return cage_fs_read_fd(fd, MAX_ENTRY, text, NULL);
}

int cage_nix_cache_load(const char *cache, const char *key, const struct cage_host *host,
                        const char *store_prefix, bool stale, struct cage_nix_entry *entry)
{
    cage_autofree char *path = cage_path_join(cache, key);
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    cage_nix_entry_init(entry);
    if (read_own_file(path, &text) == 0 && cage_nix_entry_parse(entry, text.buf, text.len) == 0 &&
        roots_exist(&entry->roots, store_prefix) &&
        (stale || ((!entry->expires || time(NULL) < (time_t)entry->expires) &&
                   cage_nix_witness_holds(&entry->witness, host))))
        return 0;
    cage_nix_entry_finish(entry);
    return -1;
}

static char *generation_path(const char *cache, const char *generation, const char *name)
{
    return cage_format("%s/gen/%s%s%s", cache, generation, *name ? "/" : "", name);
}

static void move_list(struct cage_strv *to, struct cage_strv *from)
{
    cage_strv_finish(to);
    *to = *from;
    cage_strv_init(from);
}

int cage_nix_cache_use(const char *cache, struct cage_nix_entry *take_entry, struct cage_nix_env *env)
{
    cage_autofree char *lock = generation_path(cache, take_entry->generation, "lock");
    cage_autofree char *attrs = generation_path(cache, take_entry->generation, "attrs");
    cage_autofd int fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;

    /* Whoever removes a generation holds its lock, so with the lock in hand its name is there or gone for
     * good. */
    if (fd < 0 || flock(fd, LOCK_SH) < 0 || fstat(fd, &st) < 0 || st.st_nlink == 0)
        return -1;
    if (take_entry->attrs_dest && access(attrs, R_OK | X_OK) < 0)
        return -1;
    env->lock_fd = cage_steal_fd(&fd);
    env->lock_file = cage_steal(&lock);
    move_list(&env->env, &take_entry->env);
    move_list(&env->closure, &take_entry->closure);
    env->bash = cage_steal(&take_entry->bash);
    env->stdenv_setup = cage_steal(&take_entry->stdenv_setup);
    env->shell_hook = cage_steal(&take_entry->shell_hook);
    env->attrs_dest = cage_steal(&take_entry->attrs_dest);
    env->attrs_dir = env->attrs_dest ? cage_steal(&attrs) : NULL;
    cage_nix_entry_finish(take_entry);
    return 0;
}

bool cage_nix_cache_drop_generation(const char *cache, const char *generation)
{
    cage_autofree char *lock = generation_path(cache, generation, "lock");
    cage_autofree char *dir = generation_path(cache, generation, "");
    cage_autofd int fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
        return false;
    /* Gone first, so that nobody who waits for the lock believes in the rest. */
    unlink(lock);
    return cage_fs_remove_tree(AT_FDCWD, dir, NULL) == 0;
}

bool cage_nix_cache_sweep(const char *cache, const char *key, const struct cage_host *host)
{
    cage_autofree char *path = cage_path_join(cache, key), *dir = cage_path_join(cache, "gen");
    struct cage_nix_entry entry;
    CAGE_STRBUF_AUTO text = {0};
    CAGE_STRV_AUTO names = {0};
    bool all = true;

    cage_strbuf_init(&text);
    cage_nix_entry_init(&entry);
    if (read_own_file(path, &text) == 0)
        (void)!cage_nix_entry_parse(&entry, text.buf, text.len);
    if (host->list(host, dir, &names, NULL) < 0)
        all = false;
    for (size_t i = 0; i < names.n; i++)
        if (strncmp(names.items[i], key, GENERATION_KEY) == 0 && names.items[i][GENERATION_KEY] == '-' &&
            (!entry.generation || strcmp(names.items[i], entry.generation) != 0))
            all = cage_nix_cache_drop_generation(cache, names.items[i]) && all;
    cage_nix_entry_finish(&entry);
    cage_fs_sweep(AT_FDCWD, path);
    return all;
}

int cage_nix_cache_store(const char *cache, const char *key, const struct cage_nix_entry *entry,
                         struct cage_error *err)
{
    cage_autofree char *path = cage_path_join(cache, key);
    struct cage_nix_entry old;
    CAGE_STRBUF_AUTO text = {0}, old_text = {0};

    cage_strbuf_init(&text);
    cage_strbuf_init(&old_text);
    cage_nix_entry_init(&old);
    cage_nix_entry_write(entry, &text);
    if (read_own_file(path, &old_text) == 0)
        (void)!cage_nix_entry_parse(&old, old_text.buf, old_text.len);
    if (cage_fs_write_atomic(AT_FDCWD, path, text.buf, text.len, 0600, err) < 0) {
        cage_nix_entry_finish(&old);
        return -1;
    }
    if (old.generation && strcmp(old.generation, entry->generation) != 0)
        cage_nix_cache_drop_generation(cache, old.generation);
    cage_nix_entry_finish(&old);
    return 0;
}

static char *project_link(const char *cache, const char *project_root)
{
    char hex[CAGE_HASH_HEX];

    cage_hash_hex(project_root, strlen(project_root), hex);
    return cage_format("%s/projects/%.32s", cache, hex);
}

void cage_nix_cache_note_project(const char *cache, const char *project_root, const char *key)
{
    cage_autofree char *link = project_link(cache, project_root);
    cage_autofree char *target = cage_format("%s:%s", key, project_root);
    cage_autofree char *old = cage_fs_readlink(AT_FDCWD, link);
    cage_autofree char *fresh = NULL;

    if (old && strcmp(old, target) == 0)
        return;
    /* One name for all: what a killed run left goes with the next. */
    fresh = cage_format("%s.new", link);
    unlink(fresh);
    if (symlink(target, fresh) == 0 && rename(fresh, link) < 0)
        unlink(fresh);
}

char *cage_nix_cache_project_key(const char *cache, const char *project_root)
{
    cage_autofree char *link = project_link(cache, project_root);
    cage_autofree char *target = cage_fs_readlink(AT_FDCWD, link);

    if (!target || strlen(target) < CAGE_HASH_HEX || target[CAGE_HASH_HEX - 1] != ':' ||
        strspn(target, "0123456789abcdef") != CAGE_HASH_HEX - 1)
        return NULL;
    return cage_strndup(target, CAGE_HASH_HEX - 1);
}

void cage_nix_cache_projects(const char *cache, const struct cage_host *host, struct cage_strv *roots)
{
    cage_autofree char *dir = cage_path_join(cache, "projects");
    CAGE_STRV_AUTO names = {0};
    struct cage_error ignored = {0};

    if (host->list(host, dir, &names, &ignored) < 0)
        return;
    for (size_t i = 0; i < names.n; i++) {
        cage_autofree char *link = cage_path_join(dir, names.items[i]);
        cage_autofree char *target = cage_fs_readlink(AT_FDCWD, link);
        const char *colon = target ? strchr(target, ':') : NULL;

        if (colon && colon[1] == '/')
            cage_strv_add(roots, colon + 1);
    }
}

void cage_nix_cache_forget_project(const char *cache, const char *project_root)
{
    cage_autofree char *link = project_link(cache, project_root);

    unlink(link);
}
