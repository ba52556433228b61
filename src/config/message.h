/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages about nixcage.toml: every one has a place, the line and a way out. */
#ifndef CAGE_CONFIG_MESSAGE_H
#define CAGE_CONFIG_MESSAGE_H

#include "config/toml.h"

enum { CAGE_QUOTE_MAX = 160 };

/* A value of the file for a message: quoted, control characters escaped, cut when it is long. */
struct cage_quote {
    char text[CAGE_QUOTE_MAX];
};
/* Makes one. value is any text; the result owns nothing. */
struct cage_quote cage_quote(const char *value);

/* Turns what the TOML parser said into an error of ours with a hint. Returns -1. */
int cage_config_syntax_error(const struct cage_config *config, const struct cage_toml_failure *failure,
                             struct cage_error *err);

#endif
