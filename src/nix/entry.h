/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A cached environment as one file: a line with the format's version, a line with the SHA-256 of the rest,
 * then records, each a tag byte and text up to a NUL. Anything else is not an entry.
 */
#ifndef CAGE_NIX_ENTRY_H
#define CAGE_NIX_ENTRY_H

#include "base/strbuf.h"
#include "base/strv.h"

#include <stdint.h>

#define CAGE_NIX_ENTRY_VERSION "nixcage-environment-1"

struct cage_nix_entry {
    struct cage_strv env;     /* NAME=value */
    struct cage_strv closure; /* store paths, sorted */
    struct cage_strv roots;   /* those of them that are GC roots and must exist */
    struct cage_strv witness; /* pairs: what was seen, then of which path (witness.h) */
    char *bash;               /* never NULL in a parsed entry */
    char *stdenv_setup, *shell_hook;
    char *attrs_dest; /* NULL: there are no attribute files */
    char *generation; /* name of the directory with attrs/, roots/ and lock; never NULL */
    int64_t expires;  /* seconds since the epoch; 0: never */
};

/* An entry with nothing in it. */
void cage_nix_entry_init(struct cage_nix_entry *entry);
/* Frees what it owns; accepts a zeroed one. */
void cage_nix_entry_finish(struct cage_nix_entry *entry);

/* Appends the file's contents. */
void cage_nix_entry_write(const struct cage_nix_entry *entry, struct cage_strbuf *out);

/* Fills an initialised entry from n bytes, any bytes. Returns 0, or -1 when it is not an intact entry. */
int cage_nix_entry_parse(struct cage_nix_entry *entry, const char *data, size_t n);

#endif
