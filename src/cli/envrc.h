/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nixcage's marked block in the text of an .envrc. Pure. */
#ifndef CAGE_CLI_ENVRC_H
#define CAGE_CLI_ENVRC_H

#include "base/error.h"
#include "base/strbuf.h"

#include <stdbool.h>

#define CAGE_ENVRC_BEGIN "# >>> nixcage >>>"
#define CAGE_ENVRC_END "# <<< nixcage <<<"

enum cage_envrc_state {
    CAGE_ENVRC_NO_BLOCK,
    CAGE_ENVRC_OWN_FILE, /* the block says that nixcage made the file, and nothing but blank lines is around
                            it */
    CAGE_ENVRC_IN_USERS, /* the block is in a file of the user's */
};

/*
 * Appends to *out the text (n bytes) with nixcage's block: a block that is there is brought up to date in its
 * place, else one is added at the end. text NULL: there is no file. Every other byte is kept (a last line
 * without a newline gets one). Fails with CAGE_ERR_PROJECT when the markers in it do not pair.
 */
int cage_envrc_add_block(const char *text, size_t n, struct cage_strbuf *out,
                         struct cage_error *err) CAGE_MUST_CHECK;

/* Appends the text without the block and says what the block was. Fails as above. */
int cage_envrc_remove_block(const char *text, size_t n, struct cage_strbuf *out, enum cage_envrc_state *state,
                            struct cage_error *err) CAGE_MUST_CHECK;

#endif
