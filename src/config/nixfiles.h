/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The project's files that Nix evaluates on the host, outside of any cage: what [nix] shell and nixpkgs name,
 * and what those files refer to. Whoever can write them decides what the host evaluates and builds, so they
 * are part of what the user allows, and read-only in the cage.
 */
#ifndef CAGE_CONFIG_NIXFILES_H
#define CAGE_CONFIG_NIXFILES_H

#include "config/config.h"
#include "host/host.h"

#include <stdbool.h>

/*
 * Appends what the configuration names: absolute paths of files, present or not (a flake.nix that appears
 * beside shell.nix would be preferred to it), and the directory of a nixpkgs.
 */
void cage_nixfiles_named(const struct cage_config *config, const struct cage_host *host, const char *root,
                         struct cage_strv *paths);

/* Whether a file of this name is Nix code or what pins a flake's inputs. */
bool cage_nixfiles_is_code(const char *path);

/*
 * Appends a line `SHA-256 "PATH"` (a TOML string, relative to root; "-" for what is not there) for every file
 * below root that is named, or that those files refer to by a path literal, and so on: Nix code, and data in
 * formats that Nix reads. Of a directory its Nix files are taken. The lines are sorted. At most 4096 files;
 * what computes a path of another kind is not found.
 */
void cage_nixfiles_survey(const struct cage_config *config, const struct cage_host *host, const char *root,
                          struct cage_strv *lines);

#endif
