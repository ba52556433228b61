/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Nix is asked for, as arguments and expressions. Nothing here starts a process. */
#ifndef CAGE_NIX_EXPR_H
#define CAGE_NIX_EXPR_H

#include "base/error.h"
#include "base/strv.h"
#include "config/config.h"

#include <stdbool.h>

enum cage_nix_kind {
    CAGE_NIX_PACKAGES, /* nix-shell -p a b */
    CAGE_NIX_FILE,     /* nix-shell FILE */
    CAGE_NIX_FLAKE,    /* a flake's dev shell */
};

struct cage_nix_expr {
    enum cage_nix_kind kind;
    struct cage_strv packages; /* PACKAGES: in the configuration's order */
    char *file;                /* FILE: absolute; FLAKE: the flake's directory, absolute */
    char *flake_attr;          /* FLAKE: the name after '#', "" for the default */
    char *nixpkgs_path;        /* `nixpkgs` is a path: absolute; else NULL */
    char *nixpkgs_url;         /* `nixpkgs` is pinned: what to fetch; else NULL */
    char *nixpkgs_hash;        /* its hash in SRI form ("sha256-…=") */
    bool allow_unfree;
};

/*
 * Whether a package name may be put into a Nix expression: attribute names joined by dots. nix-shell -p takes
 * any Nix code, so nothing else may reach it.
 */
bool cage_nix_package_valid(const char *name);

/*
 * Fills an expression from the configuration; relative paths are the project's, `~` is home. Fails, pointing
 * at the configuration, when a name or a reference is not well-formed.
 */
int cage_nix_expr_init(struct cage_nix_expr *expr, const struct cage_config *config, const char *project_root,
                       const char *home, struct cage_error *err) CAGE_MUST_CHECK;
/* Frees what it owns; accepts a zeroed one. */
void cage_nix_expr_finish(struct cage_nix_expr *expr);

/* The expression that fetches the pinned nixpkgs and gives its store path as a string. The caller frees. */
char *cage_nix_pin_expr(const struct cage_nix_expr *expr);

/* The expression that gives the derivation path of the flake's dev shell as a string. The caller frees. */
char *cage_nix_flake_expr(const struct cage_nix_expr *expr, const char *flake_url, const char *system);

/*
 * Appends the arguments of nix-shell that say what to enter. drv: the derivation for FLAKE, else NULL.
 * nixpkgs: what <nixpkgs> shall be, NULL for the user's.
 */
void cage_nix_expr_shell_args(const struct cage_nix_expr *expr, const char *nixpkgs, const char *drv,
                              struct cage_strv *argv);

#endif
