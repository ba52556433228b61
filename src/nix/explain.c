/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From Nix's own text, which the user sees as well, to the one line that says what to do. */
#include "base/mem.h"
#include "base/suggest.h"
#include "nix/context.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_BUILD_FAILED = 100 };

/* What <nixpkgs> is, for a message. */
static const char *nixpkgs_name(const struct cage_nix_context *ctx)
{
    if (ctx->request->config->nixpkgs && *ctx->request->config->nixpkgs)
        return ctx->request->config->nixpkgs;
    return cage_host_getenv(ctx->host, "NIX_PATH") ? "<nixpkgs> of NIX_PATH" : "<nixpkgs>";
}

char *cage_nix_wanted(const struct cage_nix_context *ctx)
{
    CAGE_STRBUF_AUTO sb = {0};

    cage_strbuf_init(&sb);
    if (ctx->expr.kind != CAGE_NIX_PACKAGES) {
        cage_strbuf_add(&sb, ctx->expr.file);
        return cage_strbuf_steal(&sb);
    }
    for (size_t i = 0; i < ctx->expr.packages.n; i++)
        cage_strbuf_addf(&sb, "%s%s", i ? ", " : "", ctx->expr.packages.items[i]);
    if (ctx->expr.packages.n == 0)
        cage_strbuf_add(&sb, "a shell");
    return cage_strbuf_steal(&sb);
}

static int place(const struct cage_nix_context *ctx, const char *package, struct cage_error *err)
{
    const struct cage_config *config = ctx->request->config;
    struct cage_mark mark =
        config->marks[ctx->expr.kind == CAGE_NIX_PACKAGES ? CAGE_KEY_NIX_PACKAGES : CAGE_KEY_NIX_SHELL];

    for (size_t i = 0; package && i < config->packages.n; i++)
        if (strcmp(config->packages.items[i].value, package) == 0)
            mark = config->packages.items[i].mark;
    if (config->file && mark.line > 0)
        cage_error_at(err, config->file, mark.line, mark.column);
    return -1;
}

/* The word between `before` and the next quote of text, or NULL. The caller frees. */
static char *quoted(const char *text, const char *before)
{
    const char *at = strstr(text, before);

    return at ? cage_strndup(at + strlen(before), strcspn(at + strlen(before), "'\n")) : NULL;
}

/* Whether text is a file name of a missing package: `name` alone or as the last part of a.b.name. */
static const char *which_package(const struct cage_nix_context *ctx, const char *name)
{
    for (size_t i = 0; name && i < ctx->expr.packages.n; i++) {
        const char *package = ctx->expr.packages.items[i], *at = strstr(package, name);

        if (at && (at == package || at[-1] == '.') && (at[strlen(name)] == '\0' || at[strlen(name)] == '.'))
            return package;
    }
    return NULL;
}

/* The nearest attribute name, asked from Nix: this run has failed, so it may take a moment. The caller frees.
 */
static char *similar(struct cage_nix_context *ctx, const char *name)
{
    static const char expression[] = "builtins.attrNames (import <nixpkgs> {})";
    CAGE_STRV_AUTO argv = {0};
    CAGE_STRV_AUTO names = {0};
    CAGE_STRBUF_AUTO out = {0};
    json_t *list;
    size_t i;
    const json_t *item;
    const char *best;

    cage_strbuf_init(&out);
    cage_strv_add(&argv, ctx->tools.nix_instantiate);
    if (ctx->nixpkgs) {
        cage_strv_add(&argv, "-I");
        cage_strv_addf(&argv, "nixpkgs=%s", ctx->nixpkgs);
    }
    cage_strv_add(&argv, "--eval");
    cage_strv_add(&argv, "--json");
    cage_strv_add(&argv, "--strict");
    cage_strv_add(&argv, "-E");
    cage_strv_add(&argv, expression);
    if (cage_nix_call_quietly(ctx, cage_strv_argv(&argv), &out, NULL) != 0)
        return NULL;
    list = json_loads(out.buf, 0, NULL);
    json_array_foreach(list, i, item) if (json_string_value(item))
        cage_strv_add(&names, json_string_value(item));
    json_decref(list);
    best = cage_suggest(name, (const char *const *)cage_strv_argv(&names), names.n);
    return cage_strdup(best);
}

/* The configured package that Nix does not know: newer versions speak of other attributes on the way. */
static const char *missing_package(const struct cage_nix_context *ctx, const char *text)
{
    static const char *const phrases_before[] = {"undefined variable '", "attribute '"};

    for (size_t i = 0; i < CAGE_LEN(phrases_before); i++) {
        for (const char *at = text; (at = strstr(at, phrases_before[i])); at++) {
            cage_autofree char *name = quoted(at, phrases_before[i]);
            const char *end = at + strlen(phrases_before[i]) + (name ? strlen(name) : 0);

            if (i == 0 || strncmp(end, "' missing", 9) == 0 || strncmp(end, "' in selection", 14) == 0) {
                const char *package = which_package(ctx, name);

                if (package)
                    return package;
            }
        }
    }
    return NULL;
}

static int explain_missing(struct cage_nix_context *ctx, const char *text, struct cage_error *err)
{
    const char *package = missing_package(ctx, text);
    cage_autofree char *near = NULL;

    if (!package)
        return 1;
    cage_error_set(err, CAGE_ERR_NIX, "there is no package \"%s\" in %s", package, nixpkgs_name(ctx));
    place(ctx, package, err);
    near = strchr(package, '.') ? NULL : similar(ctx, package);
    if (near)
        return cage_error_hint(err, "did you mean \"%s\"?", near);
    return cage_error_hint(err, "search for its name on https://search.nixos.org/packages");
}

/* The package of the configuration that a refused one belongs to: Nix names it with its version. */
static const char *refused_package(const struct cage_nix_context *ctx, const char *text)
{
    const char *at = strstr(text, "Package ");

    for (size_t i = 0; at && i < ctx->expr.packages.n; i++) {
        const char *package = ctx->expr.packages.items[i];
        const char *found = strstr(at, package);

        if (found && found - at < 16)
            return package;
    }
    return NULL;
}

static int explain_refused(const struct cage_nix_context *ctx, const char *text, struct cage_error *err)
{
    const char *package = refused_package(ctx, text);
    cage_autofree char *all = cage_nix_wanted(ctx);
    const char *name = package ? package : all;

    if (strstr(text, "unfree license")) {
        cage_error_set(err, CAGE_ERR_NIX, "the licence of \"%s\" in %s is unfree", name, nixpkgs_name(ctx));
        place(ctx, package, err);
        return cage_error_hint(err, "if you accept it, set allow_unfree = true in [nix]");
    }
    if (strstr(text, "marked as broken")) {
        cage_error_set(err, CAGE_ERR_NIX, "\"%s\" is marked as broken in %s", name, nixpkgs_name(ctx));
        place(ctx, package, err);
        return cage_error_hint(err, "choose another package or another nixpkgs");
    }
    if (strstr(text, "marked as insecure") || strstr(text, "known vulnerabilities")) {
        cage_error_set(err, CAGE_ERR_NIX, "\"%s\" is marked as insecure in %s", name, nixpkgs_name(ctx));
        place(ctx, package, err);
        return cage_error_hint(err, "choose another package, or permit it in ~/.config/nixpkgs/config.nix");
    }
    return 1;
}

static int explain_build(const struct cage_nix_context *ctx, const char *text, struct cage_error *err)
{
    cage_autofree char *drv = quoted(text, "builder for '");
    cage_autofree char *all = cage_nix_wanted(ctx);

    if (!drv)
        drv = quoted(text, "Cannot build '");
    if (!drv)
        drv = quoted(text, "build of '");
    cage_error_set(err, CAGE_ERR_NIX, "a build failed for %s of %s%s%s", all, nixpkgs_name(ctx),
                   drv ? ": " : "", drv ? drv : "");
    place(ctx, NULL, err);
    return drv ? cage_error_hint(err, "see the whole log with nix-store --read-log %s", drv) : -1;
}

/* Failures that are told by a phrase of Nix's; kept since 2.8, checked up to 2.34. */
static const struct phrase {
    const char *text, *message, *hint;
} phrases[] = {
    {"file 'nixpkgs' was not found in the Nix search path", "there is no <nixpkgs>",
     "add a channel (nix-channel --add https://nixos.org/channels/nixpkgs-unstable nixpkgs && nix-channel "
     "--update), set NIX_PATH=nixpkgs=..., or pin one with nixpkgs = \"...\" in [nix]"},
    {"No space left on device", "the disk is full", "free space, for example with nix-collect-garbage"},
    {"cannot connect to socket", "Nix's daemon cannot be reached",
     "start it (systemctl start nix-daemon) or check that you may use it"},
    {"cannot connect to daemon", "Nix's daemon cannot be reached",
     "start it (systemctl start nix-daemon) or check that you may use it"},
    {"hash mismatch", "what was fetched does not have the expected hash",
     "check the hash after '#' in nixpkgs"},
    {"Could not resolve host", "the network cannot be reached", "connect, or use what is there with --stale"},
    {"Couldn't resolve host", "the network cannot be reached", "connect, or use what is there with --stale"},
};

int cage_nix_explain(struct cage_nix_context *ctx, int code, struct cage_error *err)
{
    const char *text = ctx->log.text.buf;
    cage_autofree char *all = cage_nix_wanted(ctx);
    int rc;

    for (size_t i = 0; i < CAGE_LEN(phrases); i++) {
        if (!strstr(text, phrases[i].text))
            continue;
        cage_error_set(err, CAGE_ERR_NIX, "%s (needed for %s)", phrases[i].message, all);
        place(ctx, NULL, err);
        return cage_error_hint(err, "%s", phrases[i].hint);
    }
    rc = explain_refused(ctx, text, err);
    if (rc > 0)
        rc = explain_missing(ctx, text, err);
    if (rc <= 0)
        return rc;
    if (code == EXIT_BUILD_FAILED || strstr(text, "failed with exit code") || strstr(text, "failed to build"))
        return explain_build(ctx, text, err);
    cage_error_set(err, CAGE_ERR_NIX, "Nix cannot provide %s from %s (its exit status was %d)", all,
                   nixpkgs_name(ctx), code);
    cage_error_hint(err, "Nix's own text above says why");
    place(ctx, NULL, err);
    return -1;
}
