/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files an evaluation depended on. */
#ifndef CAGE_NIX_EVALUATED_H
#define CAGE_NIX_EVALUATED_H

#include "nix/context.h"

#include <stdint.h>

/*
 * Appends what the evaluation read, by its log, to the witnesses (witness.h). Returns when the result has to
 * be asked for again (seconds since the epoch), because it came from a URL without a hash; or 0: never.
 */
int64_t cage_nix_evaluated(const struct cage_nix_context *ctx, struct cage_strv *witness);

#endif
