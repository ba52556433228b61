/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stores of a project's own, below data_home/stores:
 *
 *   ID/nix/        what the cage sees as /nix; ID is a hash of the project's path, and the mode
 *   ID/resolved/   isolated: the store that Nix on the host fills. No cage sees it, ID/nix is copied from it
 *   ID/meta        what the store is for and which paths were copied completely (text, replaced by rename)
 *   ID/lock        shared while a cage uses the store
 *   ID.update      exclusive while it is changed
 *
 * A cage can write its store, so two projects never share one: what an agent does to its tools in one project
 * must not reach another. Nor does Nix on the host evaluate or build from it: what an agent wrote there would
 * be code on the host. It is only added to, after a look at it (store_check.c), while no cage runs with it.
 * File contents are shared by the file system where it can.
 */
#include "nix/store.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "nix/copy.h"
#include "nix/store_check.h"
#include "nix/store_meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGING ".nixcage-new"

static bool is_own_mode(enum cage_store_mode mode)
{
    return mode == CAGE_STORE_COPY || mode == CAGE_STORE_ISOLATED;
}

static void closure_digest(const struct cage_strv *closure, char hex[CAGE_HASH_HEX])
{
    CAGE_STRBUF_AUTO sb = {0};

    cage_strbuf_init(&sb);
    for (size_t i = 0; i < closure->n; i++)
        cage_strbuf_add_bytes(&sb, closure->items[i], strlen(closure->items[i]) + 1);
    cage_hash_hex(sb.buf, sb.len, hex);
}

/* The directories and the lock file of a store. */
static int make_directories(const char *store, struct cage_error *err)
{
    static const char *const dirs[] = {"nix/store", "nix/var/nix/gcroots"};
    cage_autofree char *lock = cage_path_join(store, "lock");
    cage_autofd int fd = -1;

    if (cage_fs_mkdirs(store, 0700, err) < 0)
        return -1;
    for (size_t i = 0; i < CAGE_LEN(dirs); i++) {
        cage_autofree char *dir = cage_path_join(store, dirs[i]);

        if (cage_fs_mkdirs(dir, 0755, err) < 0)
            return -1;
    }
    fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? cage_error_sys(err, errno, "cannot create %s", lock) : 0;
}

static int take_shared(const char *store, struct cage_nix_env *env, struct cage_error *err)
{
    cage_autofree char *lock = cage_path_join(store, "lock");
    cage_autofd int fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;

    if (fd < 0 || flock(fd, LOCK_SH) < 0 || fstat(fd, &st) < 0)
        return cage_error_sys(err, errno, "cannot lock %s", lock);
    if (st.st_nlink == 0) {
        cage_error_set(err, CAGE_ERR_NIX, "the store %s has just been removed", store);
        return cage_error_hint(err, "something cleaned it: run it again");
    }
    env->store_lock_fd = cage_steal_fd(&fd);
    return 0;
}

static void tell(struct cage_nix_context *ctx, const char *text)
{
    cage_nix_log_feed(&ctx->log, text, strlen(text));
    cage_nix_log_end(&ctx->log);
}

/* Copies one path from the store that Nix filled, under a name that nothing looks at, then puts it in its
 * place.
 */
static int copy_path(const struct cage_nix_context *ctx, const char *store, const char *path,
                     struct cage_error *err)
{
    cage_autofree char *source = cage_format("%s/nix/store", ctx->store_prefix);
    cage_autofree char *staging = cage_format("%s/nix/store/" STAGING, store);
    const char *name = cage_path_basename(path);
    cage_autofree char *from = cage_path_join(staging, name), *to = cage_format("%s%s", store, path);
    struct stat st = {0};

    if (cage_fs_remove_tree(AT_FDCWD, staging, err) < 0 || cage_fs_remove_tree(AT_FDCWD, to, err) < 0)
        return -1;
    if (mkdir(staging, 0700) < 0)
        return cage_error_sys(err, errno, "cannot create %s", staging);
    if (cage_nix_copy_tree(source, staging, name, ctx->guard, err) < 0)
        return -1;
    /* A directory that may not be written cannot be given another parent: rename(2) changes its "..". */
    if (lstat(from, &st) == 0 && S_ISDIR(st.st_mode) && chmod(from, 0755) < 0)
        return cage_error_sys(err, errno, "cannot change the mode of %s", from);
    if (rename(from, to) < 0)
        return cage_error_sys(err, errno, "cannot rename %s to %s", from, to);
    if (S_ISDIR(st.st_mode)) {
        const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

        if (chmod(to, 0555) < 0 || utimensat(AT_FDCWD, to, times, 0) < 0)
            return cage_error_sys(err, errno, "cannot change the mode of %s", to);
    }
    return cage_fs_remove_tree(AT_FDCWD, staging, err);
}

/* Takes back what was copied, so that a failure neither costs space nor leaves unregistered paths. */
static void remove_copied(const char *store, const struct cage_strv *paths)
{
    cage_autofree char *staging = cage_format("%s/nix/store/" STAGING, store);

    for (size_t i = 0; i < paths->n; i++) {
        cage_autofree char *copied = cage_format("%s%s", store, paths->items[i]);

        (void)!cage_fs_remove_tree(AT_FDCWD, copied, NULL);
    }
    (void)!cage_fs_remove_tree(AT_FDCWD, staging, NULL);
}

/* Copies all the missing paths. */
static int copy_paths(struct cage_nix_context *ctx, const char *store, const struct cage_strv *missing,
                      struct cage_error *err)
{
    for (size_t i = 0; i < missing->n; i++) {
        cage_autofree char *line = NULL;

        if (copy_path(ctx, store, missing->items[i], err) < 0)
            return -1;
        line = cage_format("copying store paths to the project's own store: %zu of %zu", i + 1, missing->n);
        if (i == 0 || i + 1 == missing->n || i % 50 == 49)
            tell(ctx, line);
    }
    return 0;
}

static int call_in_store(struct cage_nix_context *ctx, const char *store, const char *option,
                         const struct cage_strv *paths, int in, struct cage_error *err)
{
    CAGE_STRV_AUTO argv = {0}, envp = {0};
    struct cage_nix_child child = {.log = &ctx->log, .guard = ctx->guard, .in = in};
    int code;

    cage_strv_add(&argv, ctx->tools.nix_store);
    cage_strv_add(&argv, option);
    if (paths)
        cage_strv_add_all(&argv, paths->items);
    cage_strv_add_all(&envp, ctx->host->env.items);
    if (store)
        cage_env_set(&envp, "NIX_REMOTE", store);
    child.argv = cage_strv_argv(&argv);
    child.envp = cage_strv_argv(&envp);
    code = cage_nix_child_run(&child, err);
    if (code > 0) {
        cage_error_set(err, CAGE_ERR_NIX, "nix-store %s failed with status %d", option, code);
        return cage_error_hint(err, "Nix's own text above says why");
    }
    return code;
}

/* Tells the store's database of its new paths, and lets Nix check their contents. */
static int register_paths(struct cage_nix_context *ctx, const char *store, const struct cage_strv *missing,
                          struct cage_error *err)
{
    CAGE_STRV_AUTO argv = {0}, envp = {0};
    CAGE_STRBUF_AUTO dump = {0};
    cage_autofd int in = -1;
    struct cage_nix_child child = {.log = &ctx->log, .guard = ctx->guard, .out = &dump};
    int code;

    cage_strbuf_init(&dump);
    cage_strv_add(&argv, ctx->tools.nix_store);
    cage_strv_add(&argv, "--dump-db");
    cage_strv_add_all(&argv, missing->items);
    cage_strv_add_all(&envp, ctx->host->env.items);
    if (*ctx->store_prefix)
        cage_env_set(&envp, "NIX_REMOTE", ctx->store_prefix);
    child.argv = cage_strv_argv(&argv);
    child.envp = cage_strv_argv(&envp);
    code = cage_nix_child_run(&child, err);
    if (code > 0) {
        cage_error_set(err, CAGE_ERR_NIX, "nix-store --dump-db failed with status %d", code);
        return cage_error_hint(err, "Nix's own text above says why");
    }
    if (code < 0)
        return -1;
    in = cage_fs_memfd("nixcage-db", dump.buf, dump.len, err);
    if (in < 0 || call_in_store(ctx, store, "--load-db", NULL, in, err) < 0)
        return -1;
    return call_in_store(ctx, store, "--verify-path", missing, 0, err);
}

/* The cage's own collector must not take what it runs on: a root for each path of the closure. */
static int make_roots(const char *store, const struct cage_strv *closure, struct cage_error *err)
{
    cage_autofree char *dir = cage_path_join(store, "nix/var/nix/gcroots/nixcage");

    if (cage_fs_remove_tree(AT_FDCWD, dir, err) < 0 || cage_fs_mkdirs(dir, 0755, err) < 0)
        return -1;
    for (size_t i = 0; i < closure->n; i++) {
        cage_autofree char *link = cage_path_join(dir, cage_path_basename(closure->items[i]));

        if (symlink(closure->items[i], link) < 0)
            return cage_error_sys(err, errno, "cannot create %s", link);
    }
    return 0;
}

static int sync_store(const char *store, struct cage_error *err)
{
#ifdef __linux__
    cage_autofd int fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || syncfs(fd) < 0)
        return cage_error_sys(err, errno, "cannot sync %s", store);
#else
    (void)store, (void)err;
    sync();
#endif
    return 0;
}

static void find_missing(const struct cage_strv *closure, const struct cage_strv *have,
                         struct cage_strv *missing)
{
    /* Both are sorted. */
    for (size_t i = 0, k = 0; i < closure->n; i++) {
        while (k < have->n && strcmp(have->items[k], closure->items[i]) < 0)
            k++;
        if (k == have->n || strcmp(have->items[k], closure->items[i]) != 0)
            cage_strv_add(missing, closure->items[i]);
    }
}

/* Brings the store to hold the closure; *meta says what it had. A failure leaves the old state usable. */
static int update_store(struct cage_nix_context *ctx, const char *store, struct cage_nix_store_meta *meta,
                        const struct cage_strv *closure, const char *digest, struct cage_error *err)
{
    enum cage_store_mode mode = ctx->request->config->store_mode;
    CAGE_STRV_AUTO missing = {0};

    if (cage_nix_store_check(store, err) < 0 || make_directories(store, err) < 0)
        return -1;
    find_missing(closure, &meta->paths, &missing);
    if (missing.n > 0 &&
        (copy_paths(ctx, store, &missing, err) < 0 || register_paths(ctx, store, &missing, err) < 0)) {
        remove_copied(store, &missing);
        return -1;
    }
    for (size_t i = 0; i < missing.n; i++)
        cage_strv_add(&meta->paths, missing.items[i]);
    cage_strv_sort_unique(&meta->paths);
    if (make_roots(store, closure, err) < 0 || sync_store(store, err) < 0)
        return -1;
    return cage_nix_store_meta_write(store, ctx->request->project->root, mode, &meta->paths, digest, err);
}

static bool is_up_to_date(const char *store, const char *digest, struct cage_nix_store_meta *meta)
{
    if (cage_nix_store_meta_read(store, meta) < 0) {
        cage_nix_store_meta_finish(meta);
        memset(meta, 0, sizeof *meta);
        return false;
    }
    return strcmp(meta->digest, digest) == 0;
}

static int explain_update(const struct cage_nix_context *ctx, const char *store, bool is_new,
                          struct cage_error *err)
{
    const char *text = ctx->log.text.buf;

    if (err && err->sys == EINTR)
        return -1;
    /* Nix's database says it in its own words. */
    if (err && (strstr(text, "disk is full") || strstr(text, "No space left")))
        err->sys = ENOSPC;
    if (is_new)
        (void)!cage_fs_remove_tree(AT_FDCWD, store, NULL);
    cage_error_wrap(err, "cannot %s the project's own store", is_new ? "make" : "update");
    if (err && err->sys == ENOSPC)
        return cage_error_hint(err, "free space in %s%s", store,
                               is_new ? "" : "; the store as it was before is intact");
    return -1;
}

/* A running cage could change the store under our hands. *fd: the lock, -1 while there is no such store. */
static int take_alone(const char *store, int *fd, struct cage_error *err)
{
    cage_autofree char *path = cage_path_join(store, "lock");

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0)
        return errno == ENOENT ? 0 : cage_error_sys(err, errno, "cannot open %s", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return cage_error_sys(err, errno, "cannot lock %s", path);
    cage_error_set(err, CAGE_ERR_NIX,
                   "a cage is running with the project's own store, and other packages are to "
                   "be put into it");
    return cage_error_hint(err, "end that cage, then run this again");
}

static int ensure_store_locked(struct cage_nix_context *ctx, const char *store,
                               const struct cage_strv *closure, const char *digest, struct cage_error *err)
{
    cage_autofree char *lock_path = cage_format("%s.update", store), *dir = cage_nix_stores_dir(ctx->host);
    cage_autofd int lock = -1, alone = -1;
    struct cage_nix_store_meta meta = {0};
    int rc = 0;

    if (cage_fs_mkdirs(dir, 0700, err) < 0)
        return -1;
    lock = cage_nix_guard_lock(ctx->guard, lock_path, err);
    if (lock < 0)
        return -1;
    if (!is_up_to_date(store, digest, &meta)) {
        bool is_new = !meta.digest;

        rc = take_alone(store, &alone, err);
        if (rc == 0 && update_store(ctx, store, &meta, closure, digest, err) < 0)
            rc = explain_update(ctx, store, is_new && ctx->request->config->store_mode == CAGE_STORE_COPY,
                                err);
    }
    cage_nix_store_meta_finish(&meta);
    return rc;
}

static int ensure_store(struct cage_nix_context *ctx, const char *store, const struct cage_strv *closure,
                        struct cage_error *err)
{
    char digest[CAGE_HASH_HEX];
    struct cage_nix_guard guard;
    struct cage_nix_store_meta meta;
    bool current;
    int rc;

    closure_digest(closure, digest);
    current = is_up_to_date(store, digest, &meta);
    cage_nix_store_meta_finish(&meta);
    if (current)
        return 0;
    if (cage_nix_guard_enter(&guard, err) < 0)
        return -1;
    ctx->guard = &guard;
    rc = ensure_store_locked(ctx, store, closure, digest, err);
    cage_nix_guard_leave(&guard);
    ctx->guard = NULL;
    return rc;
}

int cage_nix_store_before(struct cage_nix_context *ctx, struct cage_error *err)
{
    cage_autofree char *store = NULL;

    if (ctx->request->config->store_mode != CAGE_STORE_ISOLATED) {
        ctx->store_prefix = cage_strdup("");
        return 0;
    }
    store = cage_nix_store_dir(ctx->host, ctx->request->project->root, CAGE_STORE_ISOLATED);
    ctx->store_prefix = cage_path_join(store, "resolved");
    return make_directories(ctx->store_prefix, err);
}

int cage_nix_store_after(struct cage_nix_context *ctx, struct cage_nix_env *env, struct cage_error *err)
{
    enum cage_store_mode mode = ctx->request->config->store_mode;
    cage_autofree char *store = NULL;

    if (!is_own_mode(mode)) {
        bool daemon = access("/nix/var/nix/daemon-socket/socket", F_OK) == 0;

        env->store_root = cage_strdup("/nix");
        env->nix_remote = cage_strdup(mode == CAGE_STORE_READONLY ? "unix:///nixcage-store-is-readonly"
                                      : daemon                    ? "daemon"
                                                                  : "local");
        return 0;
    }
    store = cage_nix_store_dir(ctx->host, ctx->request->project->root, mode);
    if (ensure_store(ctx, store, &env->closure, err) < 0 || take_shared(store, env, err) < 0)
        return -1;
    env->store_root = cage_path_join(store, "nix");
    env->nix_remote = cage_strdup("local");
    return 0;
}
