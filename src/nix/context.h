/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the steps of one resolution share. Internal to src/nix. */
#ifndef CAGE_NIX_CONTEXT_H
#define CAGE_NIX_CONTEXT_H

#include "base/hash.h"
#include "nix/child.h"
#include "nix/expr.h"
#include "nix/nix.h"

/* Nix's programs, absolute; all in the directory of nix-shell. */
struct cage_nix_tools {
    char *nix_shell, *nix_store, *nix_instantiate, *nix_build, *nix;
};

struct cage_nix_context {
    const struct cage_nix_request *request;
    const struct cage_host *host;
    struct cage_nix_expr expr;
    struct cage_nix_tools tools;
    char key[CAGE_HASH_HEX];
    char *cache;           /* cache_home/v1 */
    char *tmp;             /* private temporary directory, ours to remove; NULL before it is needed */
    char *nixpkgs;         /* what <nixpkgs> shall be; NULL: the user's */
    char *store_prefix;    /* "" or the directory in which an isolated store has its /nix */
    struct cage_strv envp; /* environment of Nix's programs */
    struct cage_nix_guard *guard;
    struct cage_nix_log log;
};

/* Finds Nix on the caller's PATH, then where installers put it. Not there: how to install it. */
int cage_nix_tools_find(struct cage_nix_tools *tools, const struct cage_host *host,
                        struct cage_error *err) CAGE_MUST_CHECK;
/* Frees what it owns; accepts a zeroed one. */
void cage_nix_tools_finish(struct cage_nix_tools *tools);

/*
 * Runs one of Nix's programs with the context's environment and log; its standard output is appended to *out
 * (NULL: dropped). Returns the exit code, or -1.
 */
int cage_nix_call(struct cage_nix_context *ctx, char *const *argv, struct cage_strbuf *out,
                  struct cage_error *err) CAGE_MUST_CHECK;

/* As cage_nix_call(), silently: for questions whose failure is an answer. */
int cage_nix_call_quietly(struct cage_nix_context *ctx, char *const *argv, struct cage_strbuf *out,
                          struct cage_error *err) CAGE_MUST_CHECK;

/* What the configuration asks Nix for, for a message: "hello, nodejs_22", "a shell". The caller frees. */
char *cage_nix_wanted(const struct cage_nix_context *ctx);

/* The cache key: everything that is known before anything is evaluated and decides the result. */
void cage_nix_key(const struct cage_nix_context *ctx, char key[CAGE_HASH_HEX]);

/* What Nix answered, before the setup phase. */
struct cage_nix_answer {
    struct cage_strv pre;     /* the environment nix-shell made */
    char *attrs;              /* directory with attribute files; NULL: there are none */
    char *attrs_from;         /* the directory's path inside the values of pre */
    char *bash;               /* …/bin/bash of bashInteractive */
    struct cage_strv roots;   /* store paths named in the environment */
    struct cage_strv closure; /* all they need */
};

/*
 * Asks Nix: evaluates, builds or fetches, and makes GC roots roots_dir/r, r-2, … What nix-shell was about to
 * start is recorded below dir. Failures are explained.
 */
int cage_nix_ask(struct cage_nix_context *ctx, const char *dir, const char *roots_dir,
                 struct cage_nix_answer *answer, struct cage_error *err) CAGE_MUST_CHECK;
/* Frees what it owns; accepts a zeroed one. */
void cage_nix_answer_finish(struct cage_nix_answer *answer);

/* Appends the store paths (…/nix/store/HASH-NAME, no derivations) that occur in text. */
void cage_nix_scan_store_paths(const char *text, size_t n, struct cage_strv *paths);

/* Turns Nix's failure with this exit code and the log's text into one line and a way out. Returns -1. */
int cage_nix_explain(struct cage_nix_context *ctx, int code, struct cage_error *err);

/* Where attribute files appear in the cage. */
#define CAGE_NIX_ATTRS_DEST "/run/nixcage/attrs"

/* The result of the setup phase. */
struct cage_nix_capture {
    struct cage_strv env;
    char *stdenv_setup, *shell_hook;
};

/* Runs $stdenv/setup once, inside a cage without network, and captures what it exports. */
int cage_nix_setup(struct cage_nix_context *ctx, const struct cage_nix_answer *answer,
                   struct cage_nix_capture *capture, struct cage_error *err) CAGE_MUST_CHECK;
/* Frees what it owns; accepts a zeroed one. */
void cage_nix_capture_finish(struct cage_nix_capture *capture);

/* Whether a variable differs from run to run and is never cached. */
bool cage_nix_is_live(const char *name_and_value);

/* Splits a NUL-separated list of NAME=value; what is not of that form is left out. */
void cage_nix_split_environment(const char *data, size_t n, struct cage_strv *env);

#endif
