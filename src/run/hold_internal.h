/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by hold.c, which watches, and hold_report.c, which tells. */
#ifndef CAGE_RUN_HOLD_INTERNAL_H
#define CAGE_RUN_HOLD_INTERNAL_H

#include "run/hold.h"
#include "run/hold_store.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

enum { MAX_ASIDE = 64, MAX_NEW_DIRS = 64 };

/* A directory that was there before the run; the plan keeps the cage from renaming it. */
struct base {
    char *path;
    int fd;    /* O_PATH, to walk from */
    int watch; /* only to be notified by: closing even a duplicate would end the watch; or -1 */
};

/*
 * A missing protected path: rest below base, with names that did not exist, but for a pattern's matches. Or a
 * symlink, which cannot be mounted over, and which is put back when it was changed.
 */
struct entry {
    const struct cage_protected *item;
    int base_fd; /* borrowed */
    char *rest;
    struct cage_strv known; /* pattern: names that were there */
};

/* A directory that the cage made on the way to a protected path. */
struct new_dir {
    dev_t dev;
    ino_t ino;
    int fd; /* keeps the watch alive; -1: free */
};

/* Something renamed aside, in the directory where it appeared. */
struct aside {
    int base_fd;  /* borrowed */
    char *parent; /* below base; "" for itself */
    char *name, *path;
};

struct cage_hold {
    struct base *bases;
    struct entry *entries;
    size_t n_bases, n_entries;
    struct aside asides[MAX_ASIDE]; /* a ring: a program that creates without end loses its oldest */
    unsigned n_asides;
    struct new_dir new_dirs[MAX_NEW_DIRS]; /* a ring, too */
    unsigned n_new_dirs;
    bool ended;
    struct cage_hold_store store;
    struct cage_strv told, warned;
    const struct cage_plan *plan;
    struct timespec started; /* by the clock that the kernel dates files with */
};

/* Notes for the report that something stood at path, and where it is now; now NULL: still there. */
void cage_hold_tell(struct cage_hold *hold, const char *path, const char *now, bool checked);

/* At the end: dirfd/name, which stands for path, goes to the store. */
void cage_hold_put_away(struct cage_hold *hold, int dirfd, const char *name, const char *path);

/* At the end: what could not be prevented, submodules and replaced files, is looked for. */
void cage_hold_look_over(struct cage_hold *hold);

/* Says all of it; say may be NULL. */
void cage_hold_report(const struct cage_hold *hold, void (*say)(const char *line));

#endif
