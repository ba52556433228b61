/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the items of a TOML array of strings stand in its text, and how to put one in or take one out. Pure.
 */
#ifndef CAGE_CONFIG_EDIT_LIST_H
#define CAGE_CONFIG_EDIT_LIST_H

#include "base/strbuf.h"

#include <stddef.h>

/* Adds the string name as the last item of the array whose "[" is at text[open]; the result is appended to
 * *out. */
void cage_edit_list_add(const char *text, size_t open, const char *name, struct cage_strbuf *out);

/* The same without item number `index`, which the array has. */
void cage_edit_list_remove(const char *text, size_t open, size_t index, struct cage_strbuf *out);

/* The line end that the text uses: "\r\n" if its first line ends so, else "\n". Static. */
const char *cage_edit_newline(const char *text);

#endif
