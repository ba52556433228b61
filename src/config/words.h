/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CAGE_CONFIG_WORDS_H
#define CAGE_CONFIG_WORDS_H

#include "base/strv.h"
#include "config/schema.h"

/*
 * Splits a command line into words with the shell's quotes and backslash (POSIX 2.2) and no expansion
 * of any kind. Appends them to *words. False with *why filled for an open quote, and for what a shell
 * would treat specially: it would silently mean something else here.
 */
bool cage_config_split_words(const char *text, struct cage_strv *words, struct cage_objection *why);

#endif
