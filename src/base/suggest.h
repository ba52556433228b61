/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CAGE_BASE_SUGGEST_H
#define CAGE_BASE_SUGGEST_H

#include <stddef.h>

/*
 * The candidate nearest to word by Damerau-Levenshtein distance (case-insensitive), if it
 * is close enough to be a typing error (at most a third of the word's length, at least 1);
 * else NULL. Points into candidates.
 */
const char *cage_suggest(const char *word, const char *const *candidates, size_t n);

#endif
