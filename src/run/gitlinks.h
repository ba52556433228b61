/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * git on the host goes into every submodule that the index names (`git status`, and so many a shell's
 * prompt), from there into those that its index names, and runs what the configuration there says. An index
 * has to be writable, so all of them are looked at when a run ends.
 */
#ifndef CAGE_RUN_GITLINKS_H
#define CAGE_RUN_GITLINKS_H

#include "base/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/*
 * Appends the paths (relative to the work tree) of the submodules in an index file's contents
 * (gitformat-index(5), versions 2 to 4); hash: bytes of an object name, 20 or 32. 0, or -1 where the contents
 * are not in that format.
 */
int cage_gitlinks_parse(const char *data, size_t size, size_t hash, struct cage_strv *paths);

/* A submodule that an index names, and whose .git is there. */
struct cage_gitlink {
    int dirfd;        /* its directory */
    const char *path; /* the same, relative to the project */
    bool configured;  /* its configuration has changed since ... (by st_ctim, which no program can set) */
    bool indexed;     /* the index that names it has changed since */
};

/* Who is told of what is found. */
struct cage_gitlinks {
    struct timespec since;
    size_t max_bytes; /* of an index that are read; 0: as many as is reasonable */
    void (*found)(const struct cage_gitlink *link, void *data);
    /* An index (its path as git knows it) that is not in the format, or not to its end within max_bytes. */
    void (*unreadable)(const char *index, bool changed, void *data);
    void *data;
};

/*
 * Looks at the indexes of the project `root` (a directory, at root_path), of its linked worktrees that lie in
 * it, and of the submodules that are found, after they were told of: one whose .git has been put away by then
 * is not entered.
 */
void cage_gitlinks_each(const struct cage_gitlinks *links, int root, const char *root_path);

#endif
