/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nixcage.toml as a typed structure. Parsing is strict: what is not understood is
 * an error with its place, never ignored. Pure but for cage_config_load().
 */
#ifndef CAGE_CONFIG_CONFIG_H
#define CAGE_CONFIG_CONFIG_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a value was written. line 0: it is the default. Columns count code points from 1. */
struct cage_mark {
    int line, column;
};

struct cage_item {
    char *value;
    struct cage_mark mark;
};

struct cage_list {
    struct cage_item *items;
    size_t n;
    struct cage_mark mark; /* of the key */
    bool set;              /* the key is there, if only as [] */
};

struct cage_port {
    uint16_t port;
    struct cage_mark mark;
};

struct cage_ports {
    struct cage_port *items;
    size_t n;
    struct cage_mark mark;
};

enum cage_level { CAGE_LEVEL_STRICT, CAGE_LEVEL_STANDARD, CAGE_LEVEL_RELAXED };
enum cage_store_mode { CAGE_STORE_SHARED, CAGE_STORE_READONLY, CAGE_STORE_COPY, CAGE_STORE_ISOLATED };
enum cage_store_view { CAGE_VIEW_CLOSURE, CAGE_VIEW_FULL };
enum cage_enforce { CAGE_ENFORCE_REQUIRE, CAGE_ENFORCE_WARN };

/* One for every key of nixcage.toml; the table in schema.c has its name, type, default and help. */
enum cage_key {
    CAGE_KEY_SANDBOX_LEVEL,
    CAGE_KEY_SANDBOX_NESTED,
    CAGE_KEY_FS_RO_BIND,
    CAGE_KEY_FS_RW_BIND,
    CAGE_KEY_FS_BLACKLIST,
    CAGE_KEY_FS_PROTECT,
    CAGE_KEY_FS_UNPROTECT,
    CAGE_KEY_FS_SYSTEM,
    CAGE_KEY_NET_ALLOW,
    CAGE_KEY_NET_HOSTS,
    CAGE_KEY_NET_EXPOSE,
    CAGE_KEY_NET_HOST_PORTS,
    CAGE_KEY_RES_CPUS,
    CAGE_KEY_RES_MEMORY,
    CAGE_KEY_RES_PIDS,
    CAGE_KEY_RES_ENFORCE,
    CAGE_KEY_NIX_PACKAGES,
    CAGE_KEY_NIX_ALLOW_UNFREE,
    CAGE_KEY_NIX_PURE,
    CAGE_KEY_NIX_STORE_MODE,
    CAGE_KEY_NIX_STORE_VIEW,
    CAGE_KEY_NIX_NIXPKGS,
    CAGE_KEY_NIX_SHELL,
    CAGE_KEY_CAGE_COMMAND,
    CAGE_KEY_CAGE_PASSTHROUGH_ENV,
    CAGE_KEY_CAGE_ENV,
    CAGE_KEY_CAGE_SSH_AGENT,
    CAGE_KEY_COUNT
};

struct cage_config {
    char *file; /* nixcage.toml, absolute (or a preset's name, for messages) */
    char *text; /* its contents, NUL-terminated */

    enum cage_level level;
    bool nested;
    struct cage_list ro_bind, rw_bind, blacklist; /* as written: absolute, ~, relative, "?" suffix on binds */
    struct cage_list protect, unprotect;          /* project-relative */
    bool system;

    bool net_allow;
    struct cage_list hosts; /* .set && n == 0: none */
    struct cage_ports expose, host_ports;

    double cpus;           /* cores; 0: no limit */
    uint64_t memory;       /* bytes; 0: no limit or a percentage */
    double memory_percent; /* of the machine's; 0: not a percentage */
    uint64_t pids;         /* 0: no limit */
    enum cage_enforce enforce;

    struct cage_list packages;
    bool allow_unfree;
    bool pure;
    enum cage_store_mode store_mode;
    enum cage_store_view store_view;
    char *nixpkgs; /* "": the user's <nixpkgs> */
    char *shell;   /* "": packages */

    struct cage_list command; /* argv; n == 0: a shell */
    struct cage_list passthrough_env;
    struct cage_list env; /* NAME=value */
    bool ssh_agent;

    struct cage_mark marks[CAGE_KEY_COUNT]; /* where each key was set */
};

/* A configuration of nothing but defaults. finish() accepts a zeroed one. */
void cage_config_init(struct cage_config *config);
/* Frees what it owns; accepts a zeroed one. */
void cage_config_finish(struct cage_config *config);

/*
 * Parses `text` (any bytes, n of them), which messages call `file`, into an initialised *config. On
 * failure *err has file:line:column, the source line and, where close, a suggestion. Checks everything
 * that can be checked without looking at the machine: types, ranges, names, contradictions.
 */
int cage_config_parse(struct cage_config *config, const char *file, const char *text, size_t n,
                      struct cage_error *err) CAGE_MUST_CHECK;

/* Reads and parses dir/nixcage.toml through dirfd, which stays the caller's. file is its name for messages.
 */
int cage_config_load(struct cage_config *config, int dirfd, const char *file,
                     struct cage_error *err) CAGE_MUST_CHECK;

/* Fills *err as an error at `mark` in the configuration, with that line as excerpt. Returns -1. */
int cage_config_error(const struct cage_config *config, struct cage_mark mark, struct cage_error *err,
                      const char *fmt, ...) CAGE_PRINTF(4, 5);

/* The names used in nixcage.toml, e.g. "standard", "readonly", "closure". Static strings. */
const char *cage_level_name(enum cage_level level);
/* "shared", "readonly", "copy" or "isolated". Static. */
const char *cage_store_mode_name(enum cage_store_mode mode);
/* "closure" or "full". Static. */
const char *cage_store_view_name(enum cage_store_view view);
/* "require" or "warn". Static. */
const char *cage_enforce_name(enum cage_enforce enforce);

#endif
