/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a project's own store is, and what it says of itself; store.c says how such a store is laid out. */
#ifndef CAGE_NIX_STORE_META_H
#define CAGE_NIX_STORE_META_H

#include "base/error.h"
#include "base/strv.h"
#include "config/config.h"
#include "host/host.h"

/* The lines of a store's meta: header, closure's digest, mode, project, then the paths. */
struct cage_nix_store_meta {
    char *digest, *mode, *project;
    struct cage_strv paths; /* that were copied completely */
};

/* The directory of all stores. The caller frees. */
char *cage_nix_stores_dir(const struct cage_host *host);

/* The directory of a project's store of this mode. The caller frees. */
char *cage_nix_store_dir(const struct cage_host *host, const char *project_root, enum cage_store_mode mode);

/* Reads the meta of a store; -1: there is none, or it is not whole. To be finished in any case. */
int cage_nix_store_meta_read(const char *store, struct cage_nix_store_meta *meta) CAGE_MUST_CHECK;

/* Writes it, in place of an older one. Fails with what the file system says. */
int cage_nix_store_meta_write(const char *store, const char *project, enum cage_store_mode mode,
                              const struct cage_strv *paths, const char *digest,
                              struct cage_error *err) CAGE_MUST_CHECK;

/* Frees what it owns; accepts a zeroed one. */
void cage_nix_store_meta_finish(struct cage_nix_store_meta *meta);

#endif
