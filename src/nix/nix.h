/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From packages to an environment. cage_nix_resolve() gives what `nix-shell --pure` would have given, from
 * the cache when it is still true (no process is started then), else by asking Nix once.
 */
#ifndef CAGE_NIX_NIX_H
#define CAGE_NIX_NIX_H

#include "base/error.h"
#include "base/strv.h"
#include "config/config.h"
#include "host/host.h"
#include "host/project.h"
#include "nix/keeper.h"

#include <stdbool.h>
#include <stddef.h>

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
    struct cage_strv
        project_files;  /* Nix code of the project that was evaluated, or would be if it were there */
    char *store_root;   /* host directory that appears as /nix in the cage ("/nix" unless copied) */
    char *nix_remote;   /* NIX_REMOTE in the cage, for the store mode; never NULL */
    char *bash;         /* bashInteractive's bin/bash in the store, never NULL */
    char *stdenv_setup; /* $stdenv/setup, sourced again for functions; NULL: none */
    char *shell_hook;   /* non-empty: run on every entry; NULL: none */
    char *attrs_dir;    /* host directory of passAsFile and structured attributes to show at attrs_dest; NULL:
                           none */
    char *attrs_dest;
    char *lock_file;   /* held while a cage uses the entry; NULL: nothing to hold */
    int lock_fd;       /* -1: none; shared flock(2), inherited by nobody */
    int store_lock_fd; /* the same for a store of the project's own (copy, isolated) */
    bool from_cache, stale;
    struct cage_strv warnings; /* one line each, for standard error */
    char *temporary;           /* a directory that finish() removes (there is no usable cache); NULL: none */
    struct cage_nix_keeper keeper; /* who does so when we are killed */
};

/* Whether this configuration needs Nix at all (packages or shell are set, or `system` is off). */
bool cage_nix_needed(const struct cage_config *config);

/*
 * Resolves the request. Failures have Nix's own text already shown on standard error and one line of
 * ours in *err naming the package and the nixpkgs it was looked for in. A signal that arrives meanwhile ends
 * Nix first and then takes its effect (by default it ends the process).
 */
int cage_nix_resolve(const struct cage_nix_request *request, struct cage_nix_env *env,
                     struct cage_error *err) CAGE_MUST_CHECK;
/* An environment with nothing in it. */
void cage_nix_env_init(struct cage_nix_env *env);
/* Lets go of its locks and its temporary directory and frees what it owns; then it is as after init(). */
void cage_nix_env_finish(struct cage_nix_env *env);

/* What a shell started with the rc file of cage_nix_rc() does after its set-up. */
enum cage_nix_rc {
    CAGE_NIX_RC_COMMAND, /* executes "$@": for a command whose environment has a shellHook */
    CAGE_NIX_RC_SHELL,   /* stays for the user (`bash --rcfile FILE`) */
};

/*
 * The rc file for a bash in the cage that has env->env as its environment: sources $stdenv/setup again, so
 * that its functions exist, and runs the shellHook, as nix-shell does. settings: lines to put before the
 * shellHook, which may change what they set; NULL: none. The caller frees.
 */
char *cage_nix_rc(const struct cage_nix_env *env, enum cage_nix_rc kind, const char *settings);

/* What `nixcage gc` did. */
struct cage_nix_gc_report {
    size_t removed, kept;  /* environments */
    size_t in_use;         /* of those kept: a cage is running with it */
    size_t stores_removed; /* copies below data_home/stores */
};

/*
 * Drops cached environments, their GC roots and store copies that neither a running cage nor a project uses
 * (a project uses the one it resolved last, while its nixcage.toml exists). all: also those that only
 * projects use. The store paths themselves go with the next nix-collect-garbage.
 */
int cage_nix_gc(const struct cage_host *host, bool all, struct cage_nix_gc_report *report,
                struct cage_error *err) CAGE_MUST_CHECK;

/* Forgets a project that is destroyed: its back-reference and what only it used. */
int cage_nix_forget(const struct cage_host *host, const char *project_root,
                    struct cage_error *err) CAGE_MUST_CHECK;

#endif
