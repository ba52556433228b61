/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks of single values of nixcage.toml, as text: nothing here looks at the machine. All have the form of
 * cage_schema_entry.check: true when the value is fine, else false with *why filled.
 */
#ifndef CAGE_CONFIG_CHECK_H
#define CAGE_CONFIG_CHECK_H

#include "config/schema.h"

/* No control characters, and no characters that reorder text on a terminal (Unicode bidi controls). */
bool cage_check_text(const char *value, struct cage_objection *why);

/* ro_bind, rw_bind: absolute, ~, or relative to the project; one "?" at the end makes it optional. */
bool cage_check_bind(const char *value, struct cage_objection *why);

/* blacklist: absolute or ~. */
bool cage_check_blacklist(const char *value, struct cage_objection *why);

/* protect, unprotect: below the project. */
bool cage_check_project_path(const char *value, struct cage_objection *why);

/* An attribute path of nixpkgs. It becomes part of a Nix expression, so this is a security check. */
bool cage_check_package(const char *value, struct cage_objection *why);

/* A path, or github:OWNER/REPO/REVISION#sha256-HASH (see cage_config_pin_parse()). */
bool cage_check_nixpkgs(const char *value, struct cage_objection *why);

/* A .nix file of the project, or a flake reference to it: ".#NAME". */
bool cage_check_shell(const char *value, struct cage_objection *why);

/* A POSIX name of an environment variable that nixcage does not set itself. */
bool cage_check_env_name(const char *value, struct cage_objection *why);

/* NAME=value. */
bool cage_check_env(const char *value, struct cage_objection *why);

/* A rule for hosts: name, *.name, IPv4 address or [IPv6 address], each with an optional :port. Syntax only.
 */
bool cage_check_host(const char *value, struct cage_objection *why);

#endif
