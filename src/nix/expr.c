/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nix/expr.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "config/pin.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char digits[] = "0123456789";

static bool in(const char *set, char c)
{
    return c && strchr(set, c);
}

bool cage_nix_package_valid(const char *name)
{
    do {
        if (!in(letters, *name) && *name != '_')
            return false;
        while (in(letters, *name) || in(digits, *name) || in("_'-", *name))
            name++;
        if (*name == '\0')
            return true;
    } while (*name++ == '.');
    return false;
}

char *cage_nix_pin_expr(const struct cage_nix_expr *expr)
{
    /* Both were checked to hold nothing that ends a Nix string. */
    return cage_format("toString (builtins.fetchTarball { url = \"%s\"; sha256 = \"%s\"; })",
                       expr->nixpkgs_url, expr->nixpkgs_hash);
}

/* s as a Nix string literal. */
static void add_nix_string(struct cage_strbuf *sb, const char *s)
{
    cage_strbuf_addc(sb, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\' || *s == '$')
            cage_strbuf_addc(sb, '\\');
        cage_strbuf_addc(sb, *s);
    }
    cage_strbuf_addc(sb, '"');
}

char *cage_nix_flake_expr(const struct cage_nix_expr *expr, const char *flake_url, const char *system)
{
    CAGE_STRBUF_AUTO sb = {0};
    const char *attr = expr->flake_attr[0] ? expr->flake_attr : "default";

    /* The outputs in the order in which `nix develop` looks. */
    cage_strbuf_init(&sb);
    cage_strbuf_add(&sb, "let f = builtins.getFlake ");
    add_nix_string(&sb, flake_url);
    cage_strbuf_addf(&sb, "; s = \"%s\"; n = ", system);
    add_nix_string(&sb, attr);
    cage_strbuf_add(
        &sb, "; sets = [ (f.devShells.${s} or {}) (f.packages.${s} or {}) (f.legacyPackages.${s} or {}) ]");
    cage_strbuf_add(
        &sb, " ++ (if n == \"default\" then [ { default = f.devShell.${s} or f.defaultPackage.${s}; } ]"
             " else []);");
    cage_strbuf_add(&sb, " has = builtins.filter (x: x ? ${n}) sets;"
                         " in if has == [] then throw \"the flake has no dev shell named ${n} for ${s}\""
                         " else (builtins.head has).${n}.drvPath");
    return cage_strbuf_steal(&sb);
}

void cage_nix_expr_shell_args(const struct cage_nix_expr *expr, const char *nixpkgs, const char *drv,
                              struct cage_strv *argv)
{
    if (nixpkgs) {
        cage_strv_add(argv, "-I");
        cage_strv_addf(argv, "nixpkgs=%s", nixpkgs);
    }
    switch (expr->kind) {
    case CAGE_NIX_PACKAGES:
        cage_strv_add(argv, "-p");
        for (size_t i = 0; i < expr->packages.n; i++)
            cage_strv_add(argv, expr->packages.items[i]);
        break;
    case CAGE_NIX_FILE:
        cage_strv_add(argv, expr->file);
        break;
    case CAGE_NIX_FLAKE:
        cage_strv_add(argv, drv);
        break;
    }
}

static int fill_packages(struct cage_nix_expr *expr, const struct cage_config *config, struct cage_error *err)
{
    for (size_t i = 0; i < config->packages.n; i++) {
        const struct cage_item *item = &config->packages.items[i];

        if (!cage_nix_package_valid(item->value)) {
            cage_config_error(config, item->mark, err, "\"%s\" is not a package name", item->value);
            return cage_error_hint(err, "names are like ripgrep or python3Packages.requests");
        }
        cage_strv_add(&expr->packages, item->value);
    }
    return 0;
}

static int fill_nixpkgs(struct cage_nix_expr *expr, const struct cage_config *config, const char *root,
                        const char *home, struct cage_error *err)
{
    const char *value = config->nixpkgs;

    if (!value || !*value)
        return 0;
    if (strncmp(value, "github:", 7) == 0) {
        struct cage_objection why = {0};
        struct cage_pin pin;

        /* Checked when the configuration was read; checked again, because it goes into an expression. */
        if (!cage_config_pin_parse(value, &pin, &why)) {
            cage_config_error(config, config->marks[CAGE_KEY_NIX_NIXPKGS], err,
                              "\"%s\" is not a pinned nixpkgs", value);
            return cage_error_hint(err, "write a path, or github:NixOS/nixpkgs/REVISION#sha256-HASH");
        }
        expr->nixpkgs_url =
            cage_format("https://github.com/%s/%s/archive/%s.tar.gz", pin.owner, pin.repo, pin.rev);
        expr->nixpkgs_hash = cage_strdup(pin.hash);
    } else {
        cage_autofree char *expanded = cage_path_expand_home(value, home);
        cage_autofree char *joined = cage_path_join(root, expanded);

        expr->nixpkgs_path = cage_path_clean(joined);
    }
    return 0;
}

static bool exists(const char *dir, const char *name)
{
    cage_autofree char *path = cage_path_join(dir, name);
    struct stat st;

    return stat(path, &st) == 0;
}

static int fill_shell(struct cage_nix_expr *expr, const struct cage_config *config, const char *root,
                      const char *home, struct cage_error *err)
{
    const char *value = config->shell, *hash = strchr(value, '#');
    cage_autofree char *text = cage_strndup(value, hash ? (size_t)(hash - value) : strlen(value));
    cage_autofree char *expanded = cage_path_expand_home(text[0] ? text : ".", home);
    cage_autofree char *joined = cage_path_join(root, expanded);
    cage_autofree char *path = cage_path_clean(joined);
    struct stat st;

    if (stat(path, &st) < 0) {
        cage_config_error(config, config->marks[CAGE_KEY_NIX_SHELL], err, "there is no %s", path);
        return cage_error_hint(err, "make it, or correct shell in [nix]");
    }
    if (S_ISDIR(st.st_mode) && (hash || exists(path, "flake.nix"))) {
        expr->kind = CAGE_NIX_FLAKE;
        expr->flake_attr = cage_strdup(hash ? hash + 1 : "");
        /* The flake's own name is put into an expression as a string; anything but a name is a mistake. */
        if (expr->flake_attr[0] && !cage_nix_package_valid(expr->flake_attr)) {
            cage_config_error(config, config->marks[CAGE_KEY_NIX_SHELL], err,
                              "\"%s\" is not the name of a dev shell", expr->flake_attr);
            return cage_error_hint(err, "write its name in the flake after the #");
        }
        expr->file = cage_steal(&path);
        return 0;
    }
    if (hash) {
        cage_config_error(config, config->marks[CAGE_KEY_NIX_SHELL], err, "%s is not a flake's directory",
                          path);
        return cage_error_hint(err, "leave out the #, or name the directory that holds flake.nix");
    }
    expr->kind = CAGE_NIX_FILE;
    if (!S_ISDIR(st.st_mode))
        expr->file = cage_steal(&path);
    else if (exists(path, "shell.nix") || exists(path, "default.nix"))
        expr->file = cage_path_join(path, exists(path, "shell.nix") ? "shell.nix" : "default.nix");
    else {
        cage_config_error(config, config->marks[CAGE_KEY_NIX_SHELL], err,
                          "%s has no flake.nix, shell.nix or default.nix", path);
        return cage_error_hint(err, "make one of them, or name the file");
    }
    return 0;
}

int cage_nix_expr_init(struct cage_nix_expr *expr, const struct cage_config *config, const char *project_root,
                       const char *home, struct cage_error *err)
{
    memset(expr, 0, sizeof *expr);
    expr->allow_unfree = config->allow_unfree;
    if (fill_nixpkgs(expr, config, project_root, home, err) < 0)
        return -1;
    if (config->shell && *config->shell)
        return fill_shell(expr, config, project_root, home, err);
    return fill_packages(expr, config, err);
}

void cage_nix_expr_finish(struct cage_nix_expr *expr)
{
    cage_strv_finish(&expr->packages);
    free(expr->file);
    free(expr->flake_attr);
    free(expr->nixpkgs_path);
    free(expr->nixpkgs_url);
    free(expr->nixpkgs_hash);
    memset(expr, 0, sizeof *expr);
}
