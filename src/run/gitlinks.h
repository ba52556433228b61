/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * git on the host goes into every submodule that the index names (`git status`, and so many a shell's
 * prompt), and runs what the configuration there says. The index has to be writable, so it is looked at when
 * a run ends.
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

/*
 * One submodule that is there: dirfd is its directory, path the same relative to the project; fresh: its
 * configuration has changed since the run started (by st_ctim, which no program can set).
 */
typedef void cage_gitlinks_fn(int dirfd, const char *path, bool fresh, void *data);

/* Calls fn for each submodule named by an index of the project `root` (a directory) whose .git is there. */
void cage_gitlinks_each(int root, const struct timespec *since, cage_gitlinks_fn *fn, void *data);

#endif
