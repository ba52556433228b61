/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/strbuf.h"
#include "nix/context.h"
#include "nix/entry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Variables of a surrounding nix-shell: they say where it runs, not what Nix does. */
static const char *const irrelevant[] = {
    "NIX_BUILD_TOP=",       "NIX_BUILD_SHELL=", "NIX_BUILD_CORES=",           "NIX_ENFORCE_PURITY=",
    "NIX_ATTRS_SH_FILE=",   "NIX_LOG_FD=",      "NIX_SHELL_PRESERVE_PROMPT=", "NIX_STORE=",
    "NIX_ATTRS_JSON_FILE=", "NIX_PROFILES=",    "NIX_SSL_CERT_FILE=",
};

static bool is_relevant(const char *variable)
{
    if (strncmp(variable, "NIX_", 4) != 0 && strncmp(variable, "NIXPKGS_", 8) != 0)
        return false;
    for (size_t i = 0; i < CAGE_LEN(irrelevant); i++)
        if (strncmp(variable, irrelevant[i], strlen(irrelevant[i])) == 0)
            return false;
    return true;
}

/* Name and value with their NULs, so that no two lists of parts look the same. */
static void put(struct cage_strbuf *sb, const char *name, const char *value)
{
    cage_strbuf_add_bytes(sb, name, strlen(name) + 1);
    cage_strbuf_add_bytes(sb, value ? value : "", (value ? strlen(value) : 0) + 1);
}

static void put_nix_program(struct cage_strbuf *sb, const char *program)
{
    cage_autofree char *real = realpath(program, NULL);
    cage_autofree char *mtime = NULL;
    struct stat st;

    if (stat(program, &st) == 0)
        mtime = cage_format("%lld.%lld", (long long)st.st_mtime, (long long)st.st_size);
    put(sb, "nix", real);
    put(sb, "nix-mtime", mtime);
}

void cage_nix_key(const struct cage_nix_context *ctx, char key[CAGE_HASH_HEX])
{
    static const char *const kinds[] = {"packages", "file", "flake"};
    const struct cage_nix_expr *expr = &ctx->expr;
    CAGE_STRBUF_AUTO sb = {0};
    CAGE_STRV_AUTO variables = {0};

    cage_strbuf_init(&sb);
    put(&sb, "schema", CAGE_NIX_ENTRY_VERSION);
    put(&sb, "system", ctx->host->system);
    put(&sb, "kind", kinds[expr->kind]);
    for (size_t i = 0; i < expr->packages.n; i++)
        put(&sb, "package", expr->packages.items[i]);
    put(&sb, "file", expr->file);
    put(&sb, "attr", expr->flake_attr);
    put(&sb, "nixpkgs", expr->nixpkgs_path);
    put(&sb, "url", expr->nixpkgs_url);
    put(&sb, "hash", expr->nixpkgs_hash);
    put(&sb, "unfree", expr->allow_unfree ? "1" : "0");
    put(&sb, "pure", ctx->request->config->pure ? "1" : "0");
    put(&sb, "store", ctx->store_prefix);
    put(&sb, "home", ctx->host->home);
    put_nix_program(&sb, ctx->tools.nix_shell);
    for (size_t i = 0; i < ctx->host->env.n; i++)
        if (is_relevant(ctx->host->env.items[i]))
            cage_strv_add(&variables, ctx->host->env.items[i]);
    cage_strv_sort_unique(&variables);
    for (size_t i = 0; i < variables.n; i++)
        put(&sb, "variable", variables.items[i]);
    cage_hash_hex(sb.buf, sb.len, key);
}
