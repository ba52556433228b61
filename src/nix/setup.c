/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The setup phase: $stdenv/setup and the packages' setup hooks are code of packages, so they run in a cage
 * without network, once, and what they export is captured.
 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "nix/context.h"
#include "run/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAGE_DIR "/run/nixcage"
#define MARK_SETUP "NIXCAGE_CAPTURED_SETUP"
#define MARK_HOOK "NIXCAGE_CAPTURED_HOOK"

enum { MAX_CAPTURE = 64 << 20 };

/* What nix-shell's own rc does, in its order, up to the command; then the environment is written down. */
static const char rc_head[] = "unset PATH\n"
                              "dontAddDisableDepTrack=1\n"
                              "if [ -e \"${NIX_ATTRS_SH_FILE:-}\" ]; then source \"$NIX_ATTRS_SH_FILE\"; fi\n"
                              "[ -e \"$stdenv/setup\" ] && source \"$stdenv/setup\"\n";
static const char rc_tail[] =
    "set +e\n"
    "set +u\n"
    "if [ \"$(type -t runHook)\" = function ]; then\n"
    "  if [ -n \"${shellHook:-}\" ]; then " MARK_HOOK "=$shellHook\n"
    "  elif [ -n \"${shellHooks[*]:-}\" ] || declare -F shellHook >/dev/null; then " MARK_HOOK
    "='runHook shellHook'\n"
    "  fi\n"
    "fi\n"
    "unset NIX_ENFORCE_PURITY\n"
    "shopt -u nullglob\n"
    "unset TZ\n"
    "[ -e \"$stdenv/setup\" ] && " MARK_SETUP "=\"$stdenv/setup\"\n"
    "export " MARK_SETUP " " MARK_HOOK "\n"
    "exec " CAGE_DIR "/record --dump 3\n";

static char *make_rc(const struct cage_nix_answer *answer)
{
    cage_autofree char *dir = cage_path_dirname(answer->bash);
    CAGE_STRBUF_AUTO rc = {0};

    cage_strbuf_init(&rc);
    cage_strbuf_add(&rc, rc_head);
    cage_strbuf_addf(&rc, "PATH=%s:\"$PATH\"\nSHELL=%s\nBASH=%s\n", dir, answer->bash, answer->bash);
    cage_strbuf_add(&rc, rc_tail);
    return cage_strbuf_steal(&rc);
}

/* text with every `from` in place of which stands `to`. */
static char *replace_all(const char *text, const char *from, const char *to)
{
    CAGE_STRBUF_AUTO sb = {0};
    const char *at;

    cage_strbuf_init(&sb);
    while (*from && (at = strstr(text, from))) {
        cage_strbuf_add_bytes(&sb, text, (size_t)(at - text));
        cage_strbuf_add(&sb, to);
        text = at + strlen(from);
    }
    cage_strbuf_add(&sb, text);
    return cage_strbuf_steal(&sb);
}

static void set_environment(struct cage_plan *plan, const struct cage_nix_answer *answer)
{
    static const struct cage_reason reason = {.rule = "nix setup"};
    static const char *const temporary[] = {"NIX_BUILD_TOP", "TMPDIR", "TEMPDIR", "TMP", "TEMP"};

    for (size_t i = 0; i < answer->pre.n; i++) {
        const char *variable = answer->pre.items[i], *equals = strchr(variable, '=');
        cage_autofree char *name = cage_strndup(variable, (size_t)(equals - variable));
        cage_autofree char *value = replace_all(equals + 1, answer->attrs_from, CAGE_NIX_ATTRS_DEST);

        cage_plan_setenv(plan, name, value, false, reason);
    }
    for (size_t i = 0; i < CAGE_LEN(temporary); i++)
        cage_plan_setenv(plan, temporary[i], "/tmp", false, reason);
}

static void add_op(struct cage_plan *plan, enum cage_op_kind kind, const char *source, const char *dest)
{
    static const struct cage_reason reason = {.rule = "nix setup"};

    cage_plan_add(plan, kind, source, dest, reason);
}

static void fill_plan(struct cage_plan *plan, const struct cage_nix_context *ctx,
                      const struct cage_nix_answer *answer)
{
    cage_autofree char *store = cage_format("%s/nix/store", ctx->store_prefix), *rc = make_rc(answer);
    cage_autofree char *passwd =
        cage_format("%s:x:%u:%u::%s:/bin/sh\n", ctx->host->user, (unsigned)ctx->host->uid,
                    (unsigned)ctx->host->gid, ctx->host->home);
    struct cage_op *op;

    add_op(plan, CAGE_OP_PROC, NULL, "/proc");
    add_op(plan, CAGE_OP_DEV, NULL, "/dev");
    add_op(plan, CAGE_OP_TMPFS, NULL, "/tmp");
    add_op(plan, CAGE_OP_TMPFS, NULL, "/run");
    if (strcmp(ctx->host->home, "/") != 0)
        add_op(plan, CAGE_OP_TMPFS, NULL, ctx->host->home);
    add_op(plan, CAGE_OP_BIND, store, "/nix/store");
    add_op(plan, CAGE_OP_SYMLINK, answer->bash, "/bin/sh");
    op = cage_plan_add(plan, CAGE_OP_FILE, NULL, "/etc/passwd", (struct cage_reason){.rule = "nix setup"});
    op->content = cage_steal(&passwd);
    op = cage_plan_add(plan, CAGE_OP_FILE, NULL, CAGE_DIR "/rc", (struct cage_reason){.rule = "nix setup"});
    op->content = cage_steal(&rc);
    add_op(plan, CAGE_OP_BIND, ctx->host->record_path, CAGE_DIR "/record");
    if (answer->attrs)
        add_op(plan, CAGE_OP_BIND, answer->attrs, CAGE_NIX_ATTRS_DEST);
    add_op(plan, CAGE_OP_SEAL, NULL, "/");
    cage_strv_add(&plan->argv, answer->bash);
    cage_strv_add(&plan->argv, CAGE_DIR "/rc");
    plan->cwd = cage_strdup("/tmp");
    plan->path_value = cage_strdup("");
    plan->net = CAGE_NET_NONE;
    plan->level = CAGE_LEVEL_STRICT;
    plan->store_mode = CAGE_STORE_READONLY;
    set_environment(plan, answer);
}

bool cage_nix_is_live(const char *name_and_value)
{
    static const char *const live[] = {
        "TMP",
        "TMPDIR",
        "TEMP",
        "TEMPDIR",
        "NIX_BUILD_TOP",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "TERM",
        "TZ",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "WAYLAND_SOCKET",
        "USER",
        "LOGNAME",
        "HOME",
        "XDG_RUNTIME_DIR",
        "PAGER",
        "NIX_SHELL_PRESERVE_PROMPT",
        "http_proxy",
        "https_proxy",
        "ftp_proxy",
        "all_proxy",
        "no_proxy",
        "NIX_BUILD_SHELL",
        "NIXCAGE_RECORD_DIR",
        MARK_SETUP,
        MARK_HOOK,
    };
    size_t n = strcspn(name_and_value, "=");

    for (size_t i = 0; i < CAGE_LEN(live); i++)
        if (strlen(live[i]) == n && strncmp(live[i], name_and_value, n) == 0)
            return true;
    return false;
}

static char *value_or_null(const struct cage_strv *env, const char *name)
{
    const char *value = cage_env_get(env, name);

    return value && *value ? cage_strdup(value) : NULL;
}

static int read_capture(int fd, struct cage_nix_capture *capture, struct cage_error *err)
{
    CAGE_STRBUF_AUTO data = {0};
    CAGE_STRV_AUTO all = {0};

    cage_strbuf_init(&data);
    if (lseek(fd, 0, SEEK_SET) < 0 || cage_fs_read_fd(fd, MAX_CAPTURE, &data, err) < 0)
        return -1;
    cage_nix_split_environment(data.buf, data.len, &all);
    if (!cage_env_get(&all, "PATH")) {
        cage_error_set(err, CAGE_ERR_NIX, "the packages' setup ended without an environment");
        return cage_error_hint(err, "a hook of a package ended it; what it printed is above");
    }
    capture->stdenv_setup = value_or_null(&all, MARK_SETUP);
    capture->shell_hook = value_or_null(&all, MARK_HOOK);
    for (size_t i = 0; i < all.n; i++)
        if (!cage_nix_is_live(all.items[i]))
            cage_strv_add(&capture->env, all.items[i]);
    return 0;
}

int cage_nix_setup(struct cage_nix_context *ctx, const struct cage_nix_answer *answer,
                   struct cage_nix_capture *capture, struct cage_error *err)
{
    struct cage_bwrap bwrap = {0};
    struct cage_plan plan;
    struct cage_run_options options = {.host = ctx->host, .bwrap = &bwrap, .quiet_io = true};
    cage_autofd int fd = cage_fs_memfd("nixcage-environment", "", 0, err);
    int status = 0, rc = -1;

    memset(capture, 0, sizeof *capture);
    if (fd < 0 || cage_bwrap_probe(ctx->host, &bwrap, err) < 0)
        return -1;
    cage_plan_init(&plan);
    fill_plan(&plan, ctx, answer);
    options.capture_fd = fd;
    if (cage_run(&plan, &options, &status, err) < 0)
        cage_error_wrap(err, "cannot run the packages' setup");
    else if (status != 0) {
        cage_error_set(err, CAGE_ERR_NIX, "the packages' setup failed with status %d", status & 0xff);
        cage_error_hint(err, "a hook of a package failed; what it printed is above");
    } else
        rc = read_capture(fd, capture, err);
    cage_plan_finish(&plan);
    cage_bwrap_finish(&bwrap);
    return rc;
}

void cage_nix_capture_finish(struct cage_nix_capture *capture)
{
    cage_strv_finish(&capture->env);
    free(capture->stdenv_setup);
    free(capture->shell_hook);
    memset(capture, 0, sizeof *capture);
}
