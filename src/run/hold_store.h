/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where held files end up: .nixcage/held/TIME/ of the project. */
#ifndef CAGE_RUN_HOLD_STORE_H
#define CAGE_RUN_HOLD_STORE_H

#include "base/error.h"

#include <stdbool.h>

struct cage_hold_store {
    char *root;  /* the project; NULL: it is not mounted, and nothing is held */
    int root_fd; /* open on it since before the run */
    int fd;      /* the directory of this run; -1: not made yet */
    char *name;  /* its path, relative to root */
};

/* Opens the project; root is copied. That it cannot be opened shows when something is to be held. */
void cage_hold_store_init(struct cage_hold_store *store, const char *root);
/* Closes and frees; what is held stays where it is. */
void cage_hold_store_finish(struct cage_hold_store *store);

/*
 * Moves dirfd/name, which stands for the protected path `path` (absolute), into the store; the store's
 * directory is made when first needed. Returns where it is now (absolute; the caller frees), or NULL with
 * *err filled.
 */
char *cage_hold_store_take(struct cage_hold_store *store, int dirfd, const char *name, const char *path,
                           struct cage_error *err);

/*
 * Makes every file below dirfd/name independent: one with more hard links is replaced by a copy, so that the
 * cage, which may keep another link, cannot change it after it was looked at. False when something could not
 * be checked.
 */
bool cage_hold_unlink_twins(int dirfd, const char *name);

#endif
