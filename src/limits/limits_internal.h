/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CAGE_LIMITS_LIMITS_INTERNAL_H
#define CAGE_LIMITS_LIMITS_INTERNAL_H

#include "limits/limits.h"

/* Whether word is one of the words of text, which blanks and newlines separate. */
bool cage_limits_has_word(const char *text, const char *word);

/*
 * A cgroup.procs that this process may open for writing: of its own cgroup, else of its user's manager. The
 * caller frees; NULL: there is none.
 */
char *cage_limits_writable(const struct cage_limits_system *system);

/* The text of dir/name, or NULL when it cannot be read. The caller frees. */
char *cage_limits_read(const char *dir, const char *name);

#endif
