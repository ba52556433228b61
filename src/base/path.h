/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths as text: nothing here touches the file system. */
#ifndef CAGE_BASE_PATH_H
#define CAGE_BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* dir + "/" + name with exactly one slash between; an absolute name stays as it is. The caller frees. */
char *cage_path_join(const char *dir, const char *name);

/* Lexically: no "//", no "." components, no trailing slash; ".." is resolved as text. The caller frees. */
char *cage_path_clean(const char *path);

/* "~" and "~/x" become home and home/x; anything else is copied. "~user" is not expanded. The caller frees.
 */
char *cage_path_expand_home(const char *path, const char *home);

/* Everything before the last component ("/" for "/x", "." for "x"). The caller frees. */
char *cage_path_dirname(const char *path);

/* The last component; points into path. */
const char *cage_path_basename(const char *path);

/* Whether path is dir or lies below it; both absolute and clean. */
bool cage_path_is_under(const char *path, const char *dir);

/* The same with the lengths known, for long lists of paths: one byte tells most pairs apart. */
static inline bool cage_path_is_under_n(const char *path, size_t path_length, const char *dir,
                                        size_t dir_length)
{
    if (dir_length == 1 && dir[0] == '/')
        return path[0] == '/';
    return dir_length <= path_length && (path[dir_length] == '\0' || path[dir_length] == '/') &&
           memcmp(path, dir, dir_length) == 0;
}

/* Number of components: 0 for "/", 2 for "/a/b". path is absolute and clean. */
size_t cage_path_depth(const char *path);

#endif
