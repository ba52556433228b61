/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Store modes: which directory is /nix in the cage, and what NIX_REMOTE says there. */
#ifndef CAGE_NIX_STORE_H
#define CAGE_NIX_STORE_H

#include "nix/context.h"

/* Before Nix is asked: where it shall look and build. Fills ctx->store_prefix. */
int cage_nix_store_before(struct cage_nix_context *ctx, struct cage_error *err) CAGE_MUST_CHECK;

/* After: fills env->store_root and env->nix_remote; a store of the project's own is made or brought up to
 * date. */
int cage_nix_store_after(struct cage_nix_context *ctx, struct cage_nix_env *env,
                         struct cage_error *err) CAGE_MUST_CHECK;

/* Removes the copies that no running cage and, unless all, no project uses; counts them. */
int cage_nix_store_gc(const struct cage_host *host, bool all, size_t *removed,
                      struct cage_error *err) CAGE_MUST_CHECK;

/* Removes what only this project used. */
int cage_nix_store_forget(const struct cage_host *host, const char *project_root,
                          struct cage_error *err) CAGE_MUST_CHECK;

#endif
