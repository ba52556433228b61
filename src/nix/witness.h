/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an environment was made from, as seen when it was made: a list of pairs, a fact and the path (or
 * variable) it is about. The environment is still true while every fact can be seen again. Absence is a fact,
 * too.
 */
#ifndef CAGE_NIX_WITNESS_H
#define CAGE_NIX_WITNESS_H

#include "base/strv.h"
#include "host/host.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* A file by lstat(2): type, size, times, inode; a symlink by its text; a directory by its times (its
 * listing). */
void cage_nix_witness_file(struct cage_strv *list, const char *path);

/* Only whether path is there, and its type. */
void cage_nix_witness_exists(struct cage_strv *list, const char *path);

/* Every symlink met on the way to path (by its text), and whether the end is there. */
void cage_nix_witness_chain(struct cage_strv *list, const char *path);

/* The value of an environment variable, as a hash: it may be a secret. */
void cage_nix_witness_variable(struct cage_strv *list, const struct cage_host *host, const char *name);

/*
 * Everything outside the evaluated files that decides what Nix does: its configuration files with what they
 * include, nixpkgs' config and overlays, the entries of NIX_PATH, the channels.
 */
void cage_nix_witness_settings(struct cage_strv *list, const struct cage_host *host);

/* Whether all of them can be seen again. Costs one lstat or readlink each. */
bool cage_nix_witness_holds(const struct cage_strv *list, const struct cage_host *host);

/* Whether a file in the list changed at `since` or later (CLOCK_REALTIME_COARSE): what was read is then
 * unknown. */
bool cage_nix_witness_is_racy(const struct cage_strv *list, struct timespec since);

/*
 * Reads an evaluated file and adds what it names in passing: variables in getEnv "NAME", and (paths) files
 * in path literals such as ./version. Returns whether it fetches something without a fixed hash, which ages.
 */
bool cage_nix_witness_scan(struct cage_strv *list, const struct cage_host *host, const char *path,
                           bool paths);

/* The same for text, as it stands in dir. Pure but for looking at the files. */
bool cage_nix_witness_scan_text(struct cage_strv *list, const struct cage_host *host, const char *dir,
                                const char *text, bool paths);

/* Whether an entry of NIX_PATH or of -I is fetched from the network and ages: a URL or channel:NAME. */
bool cage_nix_is_url(const char *value);

#endif
