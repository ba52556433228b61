/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a project's own store is still what Nix and nixcage made it, as far as they write to it. */
#ifndef CAGE_NIX_STORE_CHECK_H
#define CAGE_NIX_STORE_CHECK_H

#include "base/error.h"

/*
 * A cage can write its store, and the host writes into it again when packages change. Fails (CAGE_ERR_NIX, or
 * what the system says) when something in `store` would lead that elsewhere: a symlink in the place of a
 * directory or of a file of Nix's state, or what is neither of the two. Nobody else may be changing it.
 */
int cage_nix_store_check(const char *store, struct cage_error *err) CAGE_MUST_CHECK;

#endif
