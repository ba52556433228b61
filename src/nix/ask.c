/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything that Nix is asked on a cold run. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "nix/context.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_RECORD = 64 << 20 };

void cage_nix_split_environment(const char *data, size_t n, struct cage_strv *env)
{
    const char *end = data + n;

    while (data < end) {
        const char *nul = memchr(data, '\0', (size_t)(end - data));

        if (!nul)
            return;
        if (data[0] != '=' && strchr(data, '='))
            cage_strv_add(env, data);
        data = nul + 1;
    }
}

void cage_nix_scan_store_paths(const char *text, size_t n, struct cage_strv *paths)
{
    static const char store[] = "/nix/store/";
    static const char base32[] = "0123456789abcdfghijklmnpqrsvwxyz";
    static const char name_chars[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-._?=";
    const char *end = text + n;

    while (text < end && (text = memmem(text, (size_t)(end - text), store, sizeof store - 1))) {
        const char *hash = text + sizeof store - 1, *p = hash;

        while (p < end && *p && strchr(base32, *p))
            p++;
        if (p - hash == 32 && p < end && *p == '-') {
            while (p < end && *p && strchr(name_chars, *p))
                p++;
            if (p - hash < 5 || memcmp(p - 4, ".drv", 4) != 0)
                cage_strv_take(paths, cage_strndup(text, (size_t)(p - text)));
        }
        text = hash;
    }
}

static void add_common(const struct cage_nix_context *ctx, const char *program, struct cage_strv *argv)
{
    cage_strv_add(argv, program);
    cage_strv_add(argv, "--log-format");
    cage_strv_add(argv, "internal-json");
    cage_strv_add(argv, "-vv");
    if (ctx->nixpkgs) {
        cage_strv_add(argv, "-I");
        cage_strv_addf(argv, "nixpkgs=%s", ctx->nixpkgs);
    }
}

/* The one string that a nix-instantiate --eval --json printed. */
static char *json_text(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    char *s = cage_strdup(json_string_value(value));

    json_decref(value);
    return s;
}

static int eval_string(struct cage_nix_context *ctx, const char *expression, char **result,
                       struct cage_error *err)
{
    CAGE_STRV_AUTO argv = {0};
    CAGE_STRBUF_AUTO out = {0};
    int code;

    cage_strbuf_init(&out);
    add_common(ctx, ctx->tools.nix_instantiate, &argv);
    cage_strv_add(&argv, "--eval");
    cage_strv_add(&argv, "--json");
    cage_strv_add(&argv, "--read-write-mode");
    if (ctx->expr.kind == CAGE_NIX_FLAKE) {
        cage_strv_add(&argv, "--extra-experimental-features");
        cage_strv_add(&argv, "nix-command flakes");
    }
    cage_strv_add(&argv, "-E");
    cage_strv_add(&argv, expression);
    code = cage_nix_call(ctx, cage_strv_argv(&argv), &out, err);
    if (code != 0)
        return code < 0 ? -1 : cage_nix_explain(ctx, code, err);
    *result = json_text(out.buf);
    if (*result)
        return 0;
    cage_error_set(err, CAGE_ERR_NIX, "Nix gave no text for an expression");
    cage_error_hint(err, "the installed Nix may be broken or too old: try nix-instantiate --eval -E 1");
    return -1;
}

static int find_nixpkgs(struct cage_nix_context *ctx, struct cage_error *err)
{
    cage_autofree char *expression = NULL;
    struct stat st;

    if (ctx->expr.nixpkgs_path) {
        if (stat(ctx->expr.nixpkgs_path, &st) < 0) {
            const struct cage_config *config = ctx->request->config;

            cage_config_error(config, config->marks[CAGE_KEY_NIX_NIXPKGS], err, "there is no nixpkgs at %s",
                              ctx->expr.nixpkgs_path);
            return cage_error_hint(err, "correct nixpkgs in [nix], or take it out to use the machine's own");
        }
        ctx->nixpkgs = cage_strdup(ctx->expr.nixpkgs_path);
    }
    if (!ctx->expr.nixpkgs_url)
        return 0;
    expression = cage_nix_pin_expr(&ctx->expr);
    return eval_string(ctx, expression, &ctx->nixpkgs, err);
}

/* The flake as `nix develop` would refer to it: a git repository's tracked files, or the plain directory. */
static char *flake_url(const char *dir)
{
    cage_autofree char *root = realpath(dir, NULL);
    size_t depth = root ? cage_path_depth(root) : 0;
    cage_autofree char *at = cage_strdup(root ? root : dir);

    for (size_t i = 0; i <= depth; i++) {
        cage_autofree char *git = cage_path_join(at, ".git");
        struct stat st;
        char *up;

        if (lstat(git, &st) == 0)
            return strcmp(at, root) == 0 ? cage_format("git+file://%s", at)
                                         : cage_format("git+file://%s?dir=%s", at, root + strlen(at) + 1);
        up = cage_path_dirname(at);
        free(at);
        at = up;
    }
    return cage_format("path:%s", root ? root : dir);
}

static int find_flake_shell(struct cage_nix_context *ctx, char **drv, struct cage_error *err)
{
    cage_autofree char *url = flake_url(ctx->expr.file);
    cage_autofree char *expression = cage_nix_flake_expr(&ctx->expr, url, ctx->host->system);

    return eval_string(ctx, expression, drv, err);
}

/* Runs nix-shell with our trampoline in place of a shell. */
static int record_environment(struct cage_nix_context *ctx, const char *record_dir, struct cage_error *err)
{
    CAGE_STRV_AUTO argv = {0};
    cage_autofree char *drv = NULL, *done = cage_path_join(record_dir, "done");
    int code;

    if (ctx->expr.kind == CAGE_NIX_FLAKE && find_flake_shell(ctx, &drv, err) < 0)
        return -1;
    if (mkdir(record_dir, 0700) < 0)
        return cage_error_sys(err, errno, "cannot create %s", record_dir);
    add_common(ctx, ctx->tools.nix_shell, &argv);
    cage_strv_add(&argv, "--pure");
    cage_strv_add(&argv, "--keep");
    cage_strv_add(&argv, "NIXCAGE_RECORD_DIR");
    cage_strv_add(&argv, "--run");
    cage_strv_add(&argv, ":");
    cage_nix_expr_shell_args(&ctx->expr, NULL, drv, &argv);
    cage_env_set(&ctx->envp, "NIXCAGE_RECORD_DIR", record_dir);
    cage_env_set(&ctx->envp, "NIX_BUILD_SHELL", ctx->host->record_path);
    code = cage_nix_call(ctx, cage_strv_argv(&argv), NULL, err);
    cage_env_unset(&ctx->envp, "NIXCAGE_RECORD_DIR");
    cage_env_unset(&ctx->envp, "NIX_BUILD_SHELL");
    if (code != 0)
        return code < 0 ? -1 : cage_nix_explain(ctx, code, err);
    if (access(done, F_OK) < 0) {
        cage_error_set(err, CAGE_ERR_NIX, "nix-shell ended without starting %s", ctx->host->record_path);
        return cage_error_hint(err, "try nix-shell with the same packages or file: it may end there, too");
    }
    return 0;
}

static int read_record(const char *record_dir, struct cage_nix_answer *answer, struct cage_error *err)
{
    cage_autofree char *pre = cage_path_join(record_dir, "pre"),
                       *tmpdir = cage_path_join(record_dir, "tmpdir");
    cage_autofree char *attrs = cage_path_join(record_dir, "attrs");
    CAGE_STRBUF_AUTO data = {0}, from = {0};

    cage_strbuf_init(&data);
    cage_strbuf_init(&from);
    if (cage_fs_read(AT_FDCWD, pre, MAX_RECORD, &data, err) < 0 ||
        cage_fs_read(AT_FDCWD, tmpdir, MAX_RECORD, &from, err) < 0)
        return -1;
    cage_nix_split_environment(data.buf, data.len, &answer->pre);
    answer->attrs_from = cage_strbuf_steal(&from);
    cage_nix_scan_store_paths(data.buf, data.len, &answer->roots);
    /* An empty directory is one that nobody has to see. */
    if (rmdir(attrs) < 0 && errno == ENOTEMPTY)
        answer->attrs = cage_steal(&attrs);
    return 0;
}

static void scan_attributes(struct cage_nix_answer *answer, const struct cage_host *host)
{
    CAGE_STRV_AUTO names = {0};

    if (!answer->attrs || host->list(host, answer->attrs, &names, NULL) < 0)
        return;
    for (size_t i = 0; i < names.n; i++) {
        cage_autofree char *path = cage_path_join(answer->attrs, names.items[i]);
        CAGE_STRBUF_AUTO text = {0};

        cage_strbuf_init(&text);
        if (cage_fs_read(AT_FDCWD, path, MAX_RECORD, &text, NULL) == 0)
            cage_nix_scan_store_paths(text.buf, text.len, &answer->roots);
    }
}

/* The first line of text, or NULL when it is not a store path. */
static char *first_store_path(const char *text)
{
    return strncmp(text, "/nix/store/", 11) == 0 ? cage_strndup(text, strcspn(text, "\n")) : NULL;
}

/* bashInteractive of the same <nixpkgs>; a project's own shell file may do without one: then its builder. */
static int find_bash(struct cage_nix_context *ctx, struct cage_nix_answer *answer, struct cage_error *err)
{
    CAGE_STRV_AUTO argv = {0};
    CAGE_STRBUF_AUTO out = {0};
    const char *builder = cage_env_get(&answer->pre, "builder");
    bool own =
        ctx->expr.kind != CAGE_NIX_PACKAGES && builder && strcmp(cage_path_basename(builder), "bash") == 0;
    cage_autofree char *path = NULL;
    int code;

    cage_strbuf_init(&out);
    add_common(ctx, ctx->tools.nix_build, &argv);
    cage_strv_add(&argv, "--no-out-link");
    cage_strv_add(&argv, "-E");
    cage_strv_add(&argv, "(import <nixpkgs> {}).bashInteractive");
    if (own)
        code = cage_nix_call_quietly(ctx, cage_strv_argv(&argv), &out, err);
    else
        code = cage_nix_call(ctx, cage_strv_argv(&argv), &out, err);
    if (code < 0)
        return -1;
    path = code == 0 ? first_store_path(out.buf) : NULL;
    if (path) {
        answer->bash = cage_path_join(path, "bin/bash");
        cage_strv_take(&answer->roots, cage_steal(&path));
        return 0;
    }
    if (own) {
        answer->bash = cage_strdup(builder);
        return 0;
    }
    return cage_nix_explain(ctx, code, err);
}

static bool in_store(const struct cage_nix_context *ctx, const char *path)
{
    cage_autofree char *physical = cage_format("%s%s", ctx->store_prefix, path);
    struct stat st;

    return lstat(physical, &st) == 0;
}

/* Drops what is only named: the shell derivation's own output is never built. */
static void keep_existing(const struct cage_nix_context *ctx, struct cage_strv *paths)
{
    cage_strv_sort_unique(paths);
    for (size_t i = paths->n; i-- > 0;)
        if (!in_store(ctx, paths->items[i]))
            cage_strv_remove(paths, i);
}

static int add_roots(struct cage_nix_context *ctx, const char *roots_dir, const struct cage_strv *roots,
                     struct cage_error *err)
{
    CAGE_STRV_AUTO argv = {0};
    int code;

    cage_strv_add(&argv, ctx->tools.nix_store);
    cage_strv_add(&argv, "--realise");
    for (size_t i = 0; i < roots->n; i++)
        cage_strv_add(&argv, roots->items[i]);
    cage_strv_add(&argv, "--add-root");
    cage_strv_addf(&argv, "%s/r", roots_dir);
    cage_strv_add(&argv, "--indirect");
    code = cage_nix_call(ctx, cage_strv_argv(&argv), NULL, err);
    if (code != 0)
        return code < 0 ? -1 : cage_nix_explain(ctx, code, err);
    return 0;
}

static int find_closure(struct cage_nix_context *ctx, struct cage_nix_answer *answer, struct cage_error *err)
{
    CAGE_STRV_AUTO argv = {0};
    CAGE_STRBUF_AUTO out = {0};
    char *save = NULL;
    int code;

    cage_strbuf_init(&out);
    cage_strv_add(&argv, ctx->tools.nix_store);
    cage_strv_add(&argv, "-qR");
    cage_strv_add_all(&argv, cage_strv_argv(&answer->roots));
    code = cage_nix_call(ctx, cage_strv_argv(&argv), &out, err);
    if (code != 0)
        return code < 0 ? -1 : cage_nix_explain(ctx, code, err);
    for (char *line = strtok_r(out.buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (strncmp(line, "/nix/store/", 11) == 0)
            cage_strv_add(&answer->closure, line);
    cage_strv_sort_unique(&answer->closure);
    return 0;
}

int cage_nix_ask(struct cage_nix_context *ctx, const char *dir, const char *roots_dir,
                 struct cage_nix_answer *answer, struct cage_error *err)
{
    memset(answer, 0, sizeof *answer);
    if (find_nixpkgs(ctx, err) < 0)
        return -1;
    /* A collector that ran between nix-shell's end and our roots may have taken a path: once more, then. */
    for (int attempt = 0; attempt < 2; attempt++) {
        cage_autofree char *record_dir = cage_format("%s/record-%d", dir, attempt);

        cage_nix_answer_finish(answer);
        if (record_environment(ctx, record_dir, err) < 0 || read_record(record_dir, answer, err) < 0)
            return -1;
        scan_attributes(answer, ctx->host);
        if (find_bash(ctx, answer, err) < 0)
            return -1;
        keep_existing(ctx, &answer->roots);
        if (add_roots(ctx, roots_dir, &answer->roots, err) == 0 && find_closure(ctx, answer, err) == 0)
            return 0;
        if (err && err->sys == EINTR)
            return -1;
    }
    return -1;
}

void cage_nix_answer_finish(struct cage_nix_answer *answer)
{
    cage_strv_finish(&answer->pre);
    cage_strv_finish(&answer->roots);
    cage_strv_finish(&answer->closure);
    free(answer->attrs);
    free(answer->attrs_from);
    free(answer->bash);
    memset(answer, 0, sizeof *answer);
}
