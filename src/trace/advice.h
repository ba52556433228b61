/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words of nixcage.toml that would allow something. Pure. */
#ifndef CAGE_TRACE_ADVICE_H
#define CAGE_TRACE_ADVICE_H

#include "config/config.h"
#include "host/host.h"

#include <stdbool.h>

/*
 * The line that puts `value` into a list, as the file stands: `ro_bind = ["/data"] in [sandbox.filesystem]`,
 * or where the list is there already `add "/data" to ro_bind (nixcage.toml:5)`. The caller frees.
 */
char *cage_advice_list(const struct cage_config *config, enum cage_key key, const char *value);

/* The line that sets a key: `system = true in [sandbox.filesystem]`. The caller frees. */
char *cage_advice_set(const struct cage_config *config, enum cage_key key, const char *value);

/* As a person writes a path: "~/x" below the home, else as it is. The caller frees. */
char *cage_advice_path(const struct cage_host *host, const char *path);

/* What somebody who can read this path has: "SSH keys"; NULL: nothing that is known. Static. */
const char *cage_advice_secret(const struct cage_host *host, const char *path);

/* Whether a bind of this directory would open nearly everything: "/", "/etc", the home itself. */
bool cage_advice_too_wide(const struct cage_host *host, const char *path);

/* The package that has a program: "gcc" has cc. The name itself where nothing else is known; NULL for what is
 * no program's name. Static, or `program`. */
const char *cage_advice_package(const char *program);

/* Whether a program that looks for another of this name does without it. */
bool cage_advice_is_optional(const char *program, const char *name);
/* Whether it is a place that programs look at wherever they run, and do without. */
bool cage_advice_is_probe(const char *path);

/* The same for a physical path of macOS. */
bool cage_advice_is_mac_probe(const struct cage_host *host, const char *path);

#endif
