/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by hold.c, which watches, and hold_report.c, which tells. */
#ifndef CAGE_RUN_HOLD_INTERNAL_H
#define CAGE_RUN_HOLD_INTERNAL_H

#include "run/guard.h"
#include "run/hold.h"
#include "run/hold_store.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

enum { MAX_ASIDE = 64, MAX_NEW_DIRS = 64 };

enum base_use {
    CAGE_BASE_OURS = 1,    /* protected paths may appear in it: it is kept accessible to us */
    CAGE_BASE_GUARDED = 2, /* mounts lie in it: what is deleted there matters */
};

/* A directory that was there before the run; the plan keeps the cage from renaming it. */
struct base {
    char *path;   /* "": the host put another one in its place */
    unsigned use; /* bits of enum base_use */
    int fd;       /* O_PATH, to walk from */
    int watch;    /* only to be notified by: closing even a duplicate would end the watch; or -1 */
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
    struct cage_guards guards;
    struct cage_hold_store store;
    struct cage_strv told, warned;
    struct cage_strv links; /* submodules that were there before anything ran; */
    bool links_known;       /* all of them */
    const struct cage_plan *plan;
    struct timespec started; /* by the clock that the kernel dates files with */
};

/*
 * The descriptor, which stays the hold's, of the directory that holds path, or of the deepest existing one
 * above it; the length of its path is left in *length. -1 with errno on failure.
 */
int cage_hold_base(struct cage_hold *hold, const char *path, unsigned use, size_t *length);

/* Has the kernel send SIGIO when something appears in a directory; the descriptor that this hangs on, or -1.
 */
int cage_hold_notify(int dirfd, unsigned use);

/* Gives us back the rights to a directory of ours. */
void cage_hold_make_ours(int fd);

/* Finds the directories that the host has replaced by others. */
void cage_hold_refresh(struct cage_hold *hold);

/* From now on item, which must outlive hold, is not to be there. Fails when its directory cannot be watched.
 */
int cage_hold_add(struct cage_hold *hold, const struct cage_protected *item,
                  struct cage_error *err) CAGE_MUST_CHECK;

/* Notes for the report that something stood at path, and where it is now; now NULL: still there. */
void cage_hold_tell(struct cage_hold *hold, const char *path, const char *now, bool checked);

/* Whether the plan protects path, or something that it is below. */
bool cage_hold_is_protected(const struct cage_plan *plan, const char *path);

/*
 * A name that means nothing to anybody and is not to be guessed: one that is taken would leave the thing
 * where it is. NULL: there is none to be had. The caller frees.
 */
char *cage_hold_aside_name(void);

/* Whether it is one of those. */
bool cage_hold_is_aside(const char *name);

/* At the end: dirfd/name, which stands for path, goes to the store. */
void cage_hold_put_away(struct cage_hold *hold, int dirfd, const char *name, const char *path);

/* Before anything runs: the submodules that are the user's. */
void cage_hold_remember(struct cage_hold *hold);

/* At the end: submodules, which cannot be prevented, are looked for. */
void cage_hold_look_over(struct cage_hold *hold);

/* Says all of it; say may be NULL. */
void cage_hold_report(const struct cage_hold *hold, void (*say)(const char *line));

#endif
