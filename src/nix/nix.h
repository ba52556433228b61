/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From packages to an environment. cage_nix_resolve() gives what `nix-shell --pure` would have given, from the
 * cache when it is still true (no process is started then), else by asking Nix once.
 */
#ifndef CAGE_NIX_NIX_H
#define CAGE_NIX_NIX_H

#include "base/error.h"
#include "base/strv.h"
#include "config/config.h"
#include "host/host.h"
#include "host/project.h"

#include <stdbool.h>

struct cage_nix_request {
    const struct cage_host *host;
    const struct cage_config *config;
    const struct cage_project *project;
    bool stale_ok; /* --stale: use the last environment when Nix cannot make the new one */
    bool quiet;    /* no progress on the terminal */
    bool refresh;  /* ignore the cache */
};

/* A resolved environment. Everything is owned by it. */
struct cage_nix_env {
    struct cage_strv env;     /* NAME=value as nix-shell --pure exports them, without per-run variables */
    struct cage_strv closure; /* /nix/store/… paths that the environment needs, sorted */
    char *store_root;         /* host directory that appears as /nix in the cage ("/nix" unless copied) */
    char *bash;               /* bashInteractive's bin/bash in the store, never NULL */
    char *stdenv_setup;       /* $stdenv/setup, sourced again for functions; NULL: none */
    char *shell_hook;         /* non-empty: run on every entry; NULL: none */
    char *attrs_dir;          /* host directory of passAsFile and structured attributes to show at attrs_dest; NULL: none */
    char *attrs_dest;
    char *lock_file;          /* held while a cage uses the entry; NULL: nothing to hold */
    int lock_fd;              /* -1: none; shared flock(2), inherited by nobody */
    bool from_cache, stale;
};

/* Whether this configuration needs Nix at all (packages or shell are set, or `system` is off). */
bool cage_nix_needed(const struct cage_config *config);

/*
 * Resolves the request. Failures have Nix's own text already shown on standard error and one line of
 * ours in *err naming the package and the nixpkgs it was looked for in.
 */
int cage_nix_resolve(const struct cage_nix_request *request, struct cage_nix_env *env,
                     struct cage_error *err) CAGE_MUST_CHECK;
void cage_nix_env_init(struct cage_nix_env *env);
void cage_nix_env_finish(struct cage_nix_env *env);

#endif
