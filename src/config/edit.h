/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `nixcage add` and `remove`: changes [nix] packages in the text of a nixcage.toml and nothing else. Pure. */
#ifndef CAGE_CONFIG_EDIT_H
#define CAGE_CONFIG_EDIT_H

#include "base/error.h"
#include "base/strbuf.h"

#include <stddef.h>

/*
 * Appends to *out the n bytes of text, which messages call `file`, with the packages of the NULL-terminated
 * names added: comments, layout, line ends and the way the list is written stay as they are; a missing key or
 * section is made. Names that are there already are skipped; *changed is the number of those that were not.
 *
 * The result is parsed and compared: it differs from the old configuration in that list only. Errors: a bad
 * name (CAGE_ERR_USAGE), a file that was not valid before or would not be after (CAGE_ERR_CONFIG).
 */
int cage_config_add_packages(const char *file, const char *text, size_t n, char *const *names,
                             struct cage_strbuf *out, size_t *changed,
                             struct cage_error *err) CAGE_MUST_CHECK;

/* As above, for taking packages out. A name that is not there is an error (CAGE_ERR_USAGE). */
int cage_config_remove_packages(const char *file, const char *text, size_t n, char *const *names,
                                struct cage_strbuf *out, size_t *changed,
                                struct cage_error *err) CAGE_MUST_CHECK;

#endif
