/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Nix's log (`--log-format internal-json -vv`): what the user should see is passed on as it comes (to a
 * terminal) or when it failed (elsewhere: a successful run writes warnings only), and the files that the
 * evaluation read are noted.
 */
#ifndef CAGE_NIX_LOG_H
#define CAGE_NIX_LOG_H

#include "base/strbuf.h"
#include "base/strv.h"
#include "nix/progress.h"

#include <stdbool.h>
#include <stddef.h>

struct cage_nix_log {
    int fd;                            /* where text for the user goes at once; -1: it is only kept */
    bool color;                        /* fd shows colours */
    bool patient;                      /* what is no warning is held back for cage_nix_log_release() */
    struct cage_strbuf held;           /* that, its first and last parts at least */
    struct cage_nix_progress progress; /* on fd, below the text */
    struct cage_strbuf line;           /* the unfinished line */
    struct cage_strbuf
        text;               /* what the user was shown (without colours), its first and last parts at least */
    struct cage_strv files; /* paths that were evaluated or copied to the store, outside the store */
    struct cage_strv
        store_files; /* evaluated files in the store (a flake's own are a copy of the project's) */
};

/* fd as above; the rest is off. */
void cage_nix_log_init(struct cage_nix_log *log, int fd, bool color);
/* Ends the progress line and frees what the log owns; accepts a zeroed one. fd stays open. */
void cage_nix_log_finish(struct cage_nix_log *log);

/* Takes n bytes of Nix's standard error, in pieces of any size. Any bytes are fine. */
void cage_nix_log_feed(struct cage_nix_log *log, const char *data, size_t n);

/* It failed: writes what was held back, which says why. */
void cage_nix_log_release(struct cage_nix_log *log);

/* The end: an unfinished line counts as one. */
void cage_nix_log_end(struct cage_nix_log *log);

/*
 * The path in "evaluating file 'P'" or "copied source 'P' -> …" and their other spellings, or NULL when the
 * message is not about one. The caller frees.
 */
char *cage_nix_log_path(const char *message);

#endif
