/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole of a resolution: from the cache, or from Nix into the cache. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "config/nixfiles.h"
#include "nix/cache.h"
#include "nix/context.h"
#include "nix/evaluated.h"
#include "nix/keeper.h"
#include "nix/store.h"
#include "nix/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* With less than this the cache's disk counts as full. */
enum { ENOUGH_SPACE = 1 << 20 };

/* How often, 20 ms apart, the keeper tries to remove what is still in use. */
enum { CLEAN_TRIES = 250 };

bool cage_nix_needed(const struct cage_config *config)
{
    return config->packages.n > 0 || (config->shell && *config->shell) || !config->system;
}

void cage_nix_env_init(struct cage_nix_env *env)
{
    memset(env, 0, sizeof *env);
    env->lock_fd = -1;
    env->store_lock_fd = -1;
    env->keeper = (struct cage_nix_keeper){.pid = -1, .fd = -1};
}

void cage_nix_env_finish(struct cage_nix_env *env)
{
    if (env->temporary)
        (void)!cage_fs_remove_tree(AT_FDCWD, env->temporary, NULL);
    cage_nix_keeper_stop(&env->keeper);
    cage_strv_finish(&env->env);
    cage_strv_finish(&env->closure);
    cage_strv_finish(&env->project_files);
    cage_strv_finish(&env->warnings);
    free(env->store_root);
    free(env->nix_remote);
    free(env->bash);
    free(env->stdenv_setup);
    free(env->shell_hook);
    free(env->attrs_dir);
    free(env->attrs_dest);
    free(env->lock_file);
    free(env->temporary);
    cage_close(&env->lock_fd);
    cage_close(&env->store_lock_fd);
    cage_nix_env_init(env);
}

/* The code of the project among the witnesses. */
static void add_project_code(const struct cage_nix_context *ctx, const struct cage_nix_entry *entry,
                             struct cage_nix_env *env)
{
    for (size_t i = 1; i < entry->witness.n; i += 2) {
        const char *path = entry->witness.items[i];

        if (cage_path_is_under(path, ctx->request->project->root) && cage_nixfiles_is_code(path))
            cage_strv_add(&env->project_files, path);
    }
    cage_strv_sort_unique(&env->project_files);
}

static int use_cached(const struct cage_nix_context *ctx, const char *key, bool stale,
                      struct cage_nix_env *env)
{
    struct cage_nix_entry entry;

    if (cage_nix_cache_load(ctx->cache, key, ctx->host, ctx->store_prefix, stale, &entry) < 0)
        return -1;
    add_project_code(ctx, &entry, env);
    if (cage_nix_cache_use(ctx->cache, &entry, env) < 0) {
        cage_strv_finish(&env->project_files);
        cage_nix_entry_finish(&entry);
        return -1;
    }
    env->from_cache = true;
    env->stale = stale;
    cage_nix_cache_note_project(ctx->cache, ctx->request->project->root, key);
    return 0;
}

/* The environment of Nix's programs: the caller's, but for a temporary directory of ours, and no programs of
 * projects. */
static void make_environment(struct cage_nix_context *ctx)
{
    cage_autofree char *path = cage_host_safe_path(cage_host_getenv(ctx->host, "PATH"));

    cage_strv_add_all(&ctx->envp, ctx->host->env.items);
    cage_env_set(&ctx->envp, "PATH", path);
    cage_env_set(&ctx->envp, "TMPDIR", ctx->tmp);
    if (ctx->expr.allow_unfree)
        cage_env_set(&ctx->envp, "NIXPKGS_ALLOW_UNFREE", "1");
    if (*ctx->store_prefix)
        cage_env_set(&ctx->envp, "NIX_REMOTE", ctx->store_prefix);
}

static int make_tmp(struct cage_nix_context *ctx, struct cage_error *err)
{
    const char *tmpdir = cage_host_getenv(ctx->host, "TMPDIR");
    char *tmp = cage_format("%s/nixcage-XXXXXX", tmpdir && tmpdir[0] == '/' ? tmpdir : "/tmp");

    if (!mkdtemp(tmp)) {
        cage_error_sys(err, errno, "cannot create a temporary directory %s", tmp);
        free(tmp);
        return -1;
    }
    ctx->tmp = tmp;
    return 0;
}

/* A new generation directory below parent, with its lock. The caller frees. */
static char *make_generation(const struct cage_nix_context *ctx, const char *parent, struct cage_error *err)
{
    cage_autofree char *dir =
        cage_format("%s/%.16s-%ld-%lld", parent, ctx->key, (long)getpid(), (long long)time(NULL));
    cage_autofree char *lock = cage_path_join(dir, "lock"), *roots = cage_path_join(dir, "roots");
    cage_autofd int fd = -1;

    if (mkdir(dir, 0700) < 0 || mkdir(roots, 0700) < 0) {
        cage_error_sys(err, errno, "cannot create %s", dir);
        return NULL;
    }
    fd = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        cage_error_sys(err, errno, "cannot create %s", lock);
        return NULL;
    }
    return cage_steal(&dir);
}

/* Attribute files must be as durable as the entry that refers to them. */
static void sync_directory(const struct cage_host *host, const char *dir)
{
    CAGE_STRV_AUTO names = {0};

    if (host->list(host, dir, &names, NULL) < 0)
        return;
    for (size_t i = 0; i < names.n; i++) {
        cage_autofree char *path = cage_path_join(dir, names.items[i]);
        cage_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        if (fd >= 0)
            (void)!fsync(fd);
    }
}

/* The attribute files get their place in the generation; answer->attrs says where. */
static int keep_attributes(const struct cage_nix_context *ctx, const char *dir,
                           struct cage_nix_answer *answer, struct cage_error *err)
{
    cage_autofree char *attrs = cage_path_join(dir, "attrs");

    if (!answer->attrs)
        return 0;
    if (rename(answer->attrs, attrs) < 0)
        return cage_error_sys(err, errno, "cannot rename %s to %s", answer->attrs, attrs);
    sync_directory(ctx->host, attrs);
    free(answer->attrs);
    answer->attrs = cage_steal(&attrs);
    return 0;
}

static void fill_entry(struct cage_nix_entry *entry, const char *dir, struct cage_nix_answer *answer,
                       struct cage_nix_capture *capture)
{
    entry->generation = cage_strdup(cage_path_basename(dir));
    entry->bash = cage_steal(&answer->bash);
    entry->stdenv_setup = cage_steal(&capture->stdenv_setup);
    entry->shell_hook = cage_steal(&capture->shell_hook);
    entry->attrs_dest = answer->attrs ? cage_strdup(CAGE_NIX_ATTRS_DEST) : NULL;
    entry->env = capture->env;
    cage_strv_init(&capture->env);
    entry->closure = answer->closure;
    cage_strv_init(&answer->closure);
    entry->roots = answer->roots;
    cage_strv_init(&answer->roots);
}

/* What nix-shell's trampoline wrote, once it is read. */
static void remove_records(const char *dir)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        cage_autofree char *record = cage_format("%s/record-%d", dir, attempt);

        (void)!cage_fs_remove_tree(AT_FDCWD, record, NULL);
    }
}

/* Packages' hooks may print. */
static int run_setup(struct cage_nix_context *ctx, const struct cage_nix_answer *answer,
                     struct cage_nix_capture *capture, struct cage_error *err)
{
    cage_nix_progress_hide(&ctx->log.progress);
    return cage_nix_setup(ctx, answer, capture, err);
}

/* Asks Nix with dir as the generation; *entry is complete but for the witnesses. */
static int resolve_into(struct cage_nix_context *ctx, const char *dir, struct cage_nix_entry *entry,
                        struct cage_error *err)
{
    cage_autofree char *roots = cage_path_join(dir, "roots");
    struct cage_nix_answer answer = {0};
    struct cage_nix_capture capture = {0};
    int rc = -1;

    if (cage_nix_ask(ctx, dir, roots, &answer, err) == 0 && keep_attributes(ctx, dir, &answer, err) == 0 &&
        run_setup(ctx, &answer, &capture, err) == 0) {
        remove_records(dir);
        fill_entry(entry, dir, &answer, &capture);
        rc = 0;
    }
    cage_nix_answer_finish(&answer);
    cage_nix_capture_finish(&capture);
    return rc;
}

static struct timespec coarse_now(void)
{
    struct timespec now = {0};

#ifdef __linux__
    /* The clock that file time stamps are taken from. */
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
#else
    clock_gettime(CLOCK_REALTIME, &now);
#endif
    return now;
}

/*
 * Resolves and makes *env. cached: `parent` is the cache's gen directory. What changed while Nix looked is
 * not kept, so that an environment is never believed to belong to a newer state.
 */
static int resolve_anew(struct cage_nix_context *ctx, const char *parent, bool cached,
                        struct cage_nix_env *env, struct cage_error *err)
{
    struct timespec start = coarse_now();
    struct cage_nix_entry entry;
    cage_autofree char *dir = make_generation(ctx, parent, err), *cache = NULL;
    char key[CAGE_HASH_HEX];
    bool keep;
    int rc;

    if (!dir)
        return -1;
    cage_nix_entry_init(&entry);
    cage_nix_witness_settings(&entry.witness, ctx->host);
    rc = resolve_into(ctx, dir, &entry, err);
    if (rc == 0) {
        cage_nix_key(ctx, key);
        keep = strcmp(key, ctx->key) == 0 && cage_nix_witness_holds(&entry.witness, ctx->host);
        entry.expires = cage_nix_evaluated(ctx, &entry.witness);
        keep = keep && cached && !cage_nix_witness_is_racy(&entry.witness, start);
        if (keep && cage_nix_cache_store(ctx->cache, ctx->key, &entry, err) < 0) {
            cage_strv_addf(&env->warnings, "the environment cannot be cached: %s", err->message);
            keep = false;
        }
        if (keep)
            cage_nix_cache_note_project(ctx->cache, ctx->request->project->root, ctx->key);
        else
            env->temporary = cage_strdup(dir);
        cache = cage_path_dirname(parent);
        add_project_code(ctx, &entry, env);
        rc = cage_nix_cache_use(cache, &entry, env);
        if (rc < 0) {
            cage_error_set(err, CAGE_ERR_NIX, "the environment was removed while it was made");
            cage_error_hint(err, "something cleaned the cache, such as nixcage gc --all: run it again");
        }
    }
    if (rc < 0)
        (void)!cage_fs_remove_tree(AT_FDCWD, dir, NULL);
    cage_nix_entry_finish(&entry);
    return rc;
}

/* Without a cache the generation lives in our temporary directory until *env is finished. */
static int resolve_uncached(struct cage_nix_context *ctx, struct cage_nix_env *env, struct cage_error *err)
{
    cage_autofree char *parent = cage_path_join(ctx->tmp, "gen");

    if (mkdir(parent, 0700) < 0)
        return cage_error_sys(err, errno, "cannot create %s", parent);
    if (resolve_anew(ctx, parent, false, env, err) < 0)
        return -1;
    free(env->temporary);
    env->temporary = cage_steal(&ctx->tmp);
    return 0;
}

static bool is_full(const char *dir)
{
    struct statvfs fs;

    return statvfs(dir, &fs) == 0 && fs.f_bavail * fs.f_frsize < ENOUGH_SPACE;
}

/* In the keeper, when we were killed: a cage that ends just now may use the environment for a moment. */
static void clean_up(void *data)
{
    const struct cage_nix_context *ctx = data;
    const struct timespec pause = {.tv_nsec = 20 * 1000000};
    cage_autofree char *path = cage_format("%s/%s.lock", ctx->cache, ctx->key);

    (void)!cage_fs_remove_tree(AT_FDCWD, ctx->tmp, NULL);
    for (int i = 0; i < CLEAN_TRIES; i++) {
        cage_autofd int lock = cage_fs_lock(path, false, NULL);

        if (lock >= 0 && cage_nix_cache_sweep(ctx->cache, ctx->key, ctx->host))
            return;
        nanosleep(&pause, NULL);
    }
}

static int resolve_cold(struct cage_nix_context *ctx, struct cage_nix_env *env, struct cage_error *err)
{
    cage_autofree char *lock = cage_format("%s/%s.lock", ctx->cache, ctx->key);
    cage_autofree char *parent = cage_path_join(ctx->cache, "gen");
    cage_autofd int fd = -1;

    if (make_tmp(ctx, err) < 0)
        return -1;
    cage_nix_keeper_start(&env->keeper, clean_up, ctx);
    make_environment(ctx);
    if (cage_nix_cache_prepare(ctx->cache, err) < 0 ||
        (fd = cage_nix_guard_lock(ctx->guard, lock, err)) < 0) {
        if (err->sys == EINTR)
            return -1;
        cage_strv_addf(&env->warnings, "environments cannot be cached: %s", err->message);
        return resolve_uncached(ctx, env, err);
    }
    /* Somebody else may have done it while we waited. */
    if (!ctx->request->refresh && use_cached(ctx, ctx->key, false, env) == 0)
        return 0;
    (void)cage_nix_cache_sweep(ctx->cache, ctx->key, ctx->host);
    if (resolve_anew(ctx, parent, true, env, err) == 0)
        return 0;
    if (err->sys == EINTR || !is_full(ctx->cache))
        return -1;
    cage_strv_addf(&env->warnings, "environments cannot be cached: the disk of %s is full", ctx->cache);
    return resolve_uncached(ctx, env, err);
}

/* The environment before the change that Nix cannot follow: of the same key, or the one the project had last.
 */
static int use_stale(const struct cage_nix_context *ctx, struct cage_nix_env *env)
{
    cage_autofree char *last = NULL;

    if (use_cached(ctx, ctx->key, true, env) == 0)
        return 0;
    last = cage_nix_cache_project_key(ctx->cache, ctx->request->project->root);
    return last ? use_cached(ctx, last, true, env) : -1;
}

/* Nix may take long without a word. */
static void begin_progress(struct cage_nix_context *ctx)
{
    cage_autofree char *wanted = cage_nix_wanted(ctx);
    cage_autofree char *text = cage_format("asking Nix for %s", wanted);

    cage_nix_progress_begin(&ctx->log.progress, ctx->log.patient ? -1 : ctx->log.fd,
                            cage_host_getenv(ctx->host, "TERM"), text);
}

static int resolve_guarded(struct cage_nix_context *ctx, struct cage_nix_env *env, struct cage_error *err)
{
    struct cage_nix_guard guard;
    struct cage_error ignored;
    int rc;

    if (cage_nix_guard_enter(&guard, err) < 0)
        return -1;
    ctx->guard = &guard;
    begin_progress(ctx);
    rc = resolve_cold(ctx, env, err ? err : &ignored);
    cage_nix_progress_end(&ctx->log.progress);
    if (rc < 0 && !cage_nix_guard_interrupted(&guard))
        cage_nix_log_release(&ctx->log);
    if (ctx->tmp)
        (void)!cage_fs_remove_tree(AT_FDCWD, ctx->tmp, NULL);
    if (!env->temporary)
        cage_nix_keeper_stop(&env->keeper);
    cage_nix_guard_leave(&guard);
    ctx->guard = NULL;
    if (rc < 0 && ctx->request->stale_ok && use_stale(ctx, env) == 0) {
        cage_strv_addf(&env->warnings, "using the previous environment: %s", err ? err->message : "");
        return 0;
    }
    return rc;
}

static void finish_context(struct cage_nix_context *ctx)
{
    cage_nix_expr_finish(&ctx->expr);
    cage_nix_tools_finish(&ctx->tools);
    cage_nix_log_finish(&ctx->log);
    cage_strv_finish(&ctx->envp);
    free(ctx->cache);
    free(ctx->tmp);
    free(ctx->nixpkgs);
    free(ctx->store_prefix);
}

int cage_nix_resolve(const struct cage_nix_request *request, struct cage_nix_env *env, struct cage_error *err)
{
    struct cage_nix_context ctx = {.request = request, .host = request->host};
    bool terminal = !request->quiet && isatty(STDERR_FILENO);
    int rc = -1;

    cage_nix_log_init(&ctx.log, request->quiet ? -1 : STDERR_FILENO,
                      terminal && !cage_host_getenv(request->host, "NO_COLOR"));
    ctx.log.patient = !terminal;
    ctx.cache = cage_nix_cache_dir(request->host);
    if (cage_nix_expr_init(&ctx.expr, request->config, request->project->root, request->host->home, err) ==
            0 &&
        cage_nix_tools_find(&ctx.tools, request->host, err) == 0 && cage_nix_store_before(&ctx, err) == 0) {
        cage_nix_key(&ctx, ctx.key);
        rc = request->refresh ? -1 : use_cached(&ctx, ctx.key, false, env);
        if (rc < 0)
            rc = resolve_guarded(&ctx, env, err);
        if (rc == 0)
            rc = cage_nix_store_after(&ctx, env, err);
    }
    if (rc < 0) {
        if (!err || err->sys != EINTR)
            cage_nix_log_release(&ctx.log);
        cage_nix_env_finish(env);
    }
    finish_context(&ctx);
    return rc;
}
