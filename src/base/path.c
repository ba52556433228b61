/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/path.h"
#include "base/mem.h"

#include <string.h>

char *cage_path_join(const char *dir, const char *name)
{
    size_t n = strlen(dir), len = strlen(name);
    char *joined;

    if (name[0] == '/')
        return cage_strdup(name);
    while (n > 0 && dir[n - 1] == '/')
        n--;
    /* Not printf(3): every run joins dozens of paths. */
    joined = cage_alloc(n + 1 + len + 1);
    memcpy(joined, dir, n); /* a slash comes next. NOLINT(bugprone-not-null-terminated-result) */
    joined[n] = '/';
    memcpy(joined + n + 1, name, len + 1);
    return joined;
}

/* Drops the last component of out[0..len) and returns the new length. */
static size_t drop_last(const char *out, size_t len, size_t root)
{
    while (len > root && out[len - 1] != '/')
        len--;
    if (len > root)
        len--;
    return len;
}

char *cage_path_clean(const char *path)
{
    char *out = cage_alloc(strlen(path) + 2);
    size_t root = path[0] == '/' ? 1 : 0, len = root;

    if (root)
        out[0] = '/';
    while (*path) {
        size_t n = strcspn(path, "/");
        bool up = n == 2 && memcmp(path, "..", 2) == 0;
        bool last_is_up =
            len >= 2 && memcmp(out + len - 2, "..", 2) == 0 && (len == 2 || out[len - 3] == '/');

        if (up && (root || (len > 0 && !last_is_up))) {
            len = drop_last(out, len, root);
        } else if (n > 0 && !(n == 1 && path[0] == '.')) {
            if (len > root)
                out[len++] = '/';
            memcpy(out + len, path, n);
            len += n;
        }
        path += n;
        path += strspn(path, "/");
    }
    if (len == 0)
        out[len++] = '.';
    out[len] = '\0';
    return out;
}

char *cage_path_expand_home(const char *path, const char *home)
{
    const char *rest = path + 1;

    if (path[0] != '~' || (*rest && *rest != '/'))
        return cage_strdup(path);
    rest += strspn(rest, "/"); /* else "~//x" would join as the absolute "/x" */
    return *rest ? cage_path_join(home, rest) : cage_strdup(home);
}

char *cage_path_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return cage_strdup(".");
    while (slash > path && slash[-1] == '/')
        slash--;
    return cage_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

const char *cage_path_basename(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

bool cage_path_is_under(const char *path, const char *dir)
{
    return cage_path_is_under_n(path, strlen(path), dir, strlen(dir));
}

size_t cage_path_depth(const char *path)
{
    size_t depth = 0;

    for (; *path; path++)
        if (*path == '/' && path[1] && path[1] != '/')
            depth++;
    return depth;
}
