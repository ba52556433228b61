/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/hold_store.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SAME_SECOND = 1000, MAX_SAME_NAME = 100, MAX_DEPTH = 32, MAX_COPY = 64 << 20, CHUNK = 65536 };

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define OUTSIDE "outside" /* for paths that are not in the project: a worktree's gitdir */

void cage_hold_store_init(struct cage_hold_store *store, const char *root)
{
    *store = (struct cage_hold_store){.root = root ? cage_strdup(root) : NULL, .root_fd = -1, .fd = -1};
    if (root)
        store->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void cage_hold_store_finish(struct cage_hold_store *store)
{
    cage_close(&store->fd);
    cage_close(&store->root_fd);
    free(store->root);
    free(store->name);
}

/* Makes (if needed) and opens a directory; no symlink is followed. */
static int enter(int dirfd, const char *name, mode_t mode)
{
    if (mkdirat(dirfd, name, mode) < 0 && errno != EEXIST)
        return -1;
    return openat(dirfd, name, DIR_FLAGS);
}

static int make_own(struct cage_hold_store *store, struct cage_error *err)
{
    cage_autofd int own = enter(store->root_fd, ".nixcage", 0755);
    cage_autofd int held = own < 0 ? -1 : enter(own, "held", 0700);
    char stamp[32];
    time_t now = time(NULL);
    struct tm tm;

    if (held < 0)
        return cage_error_sys(err, errno, "cannot open %s/.nixcage/held", store->root);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H%M%SZ", gmtime_r(&now, &tm));
    for (int i = 0; i < MAX_SAME_SECOND; i++) {
        cage_autofree char *name = i ? cage_format("%s-%d", stamp, i) : cage_strdup(stamp);

        if (mkdirat(held, name, 0700) == 0) {
            store->name = cage_format(".nixcage/held/%s", name);
            store->fd = openat(held, name, DIR_FLAGS);
            break;
        }
        if (errno != EEXIST)
            break;
    }
    return store->fd < 0
               ? cage_error_sys(err, errno, "cannot make a directory in %s/.nixcage/held", store->root)
               : 0;
}

/* Opens the directory for `rel` in the store, making it; *last is its last component. */
static int open_place(const struct cage_hold_store *store, const char *rel, const char **last)
{
    cage_autofd int at = fcntl(store->fd, F_DUPFD_CLOEXEC, 0);

    for (const char *slash; at >= 0 && (slash = strchr(rel, '/')); rel = slash + 1) {
        cage_autofree char *name = cage_strndup(rel, (size_t)(slash - rel));
        int next = enter(at, name, 0700);

        cage_close(&at);
        at = next;
    }
    *last = rel;
    return cage_steal_fd(&at);
}

char *cage_hold_store_take(struct cage_hold_store *store, int dirfd, const char *name, const char *path,
                           struct cage_error *err)
{
    bool inside = cage_path_is_under(path, store->root) && strcmp(path, store->root) != 0;
    const char *from_root = path + strlen(store->root), *last;
    cage_autofree char *rel =
        inside ? cage_strdup(from_root + strspn(from_root, "/")) : cage_format(OUTSIDE "%s", path);
    cage_autofd int place = -1;

    if (store->fd < 0 && make_own(store, err) < 0)
        return NULL;
    place = open_place(store, rel, &last);
    for (int i = 0; place >= 0 && i < MAX_SAME_NAME; i++) {
        cage_autofree char *to = i ? cage_format("%s.%d", last, i) : cage_strdup(last);

        if (renameat2(dirfd, name, place, to, RENAME_NOREPLACE) == 0)
            return i ? cage_format("%s/%s/%s.%d", store->root, store->name, rel, i)
                     : cage_format("%s/%s/%s", store->root, store->name, rel);
        if (errno != EEXIST)
            break;
    }
    cage_error_sys(err, errno, "cannot move %s to %s/%s", path, store->root, store->name);
    return NULL;
}

static bool copy_bytes(int from, int to)
{
    char *buf = cage_alloc(CHUNK);
    size_t total = 0;
    ssize_t n = 0;

    while (total <= MAX_COPY && (n = read(from, buf, CHUNK)) > 0) {
        total += (size_t)n;
        if (cage_fs_write_all(to, buf, (size_t)n, NULL) < 0)
            n = -1;
        if (n < 0)
            break;
    }
    free(buf);
    return n == 0;
}

static bool replace_by_copy(int dirfd, const char *name, mode_t mode)
{
    static const char copy[] = ".nixcage-copy";
    cage_autofd int from = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    cage_autofd int to = -1;

    if (from < 0)
        return false;
    to = openat(dirfd, copy, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0777);
    if (to < 0)
        return false;
    if (copy_bytes(from, to) && renameat(dirfd, copy, dirfd, name) == 0)
        return true;
    unlinkat(dirfd, copy, 0);
    return false;
}

static bool unlink_twins(int dirfd, const char *name, int depth)
{
    struct stat st;
    struct dirent *entry;
    bool ok = true;
    DIR *dir;
    int fd;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    if (S_ISREG(st.st_mode))
        return st.st_nlink == 1 || replace_by_copy(dirfd, name, st.st_mode);
    if (!S_ISDIR(st.st_mode))
        return S_ISLNK(st.st_mode);
    fd = depth < MAX_DEPTH ? openat(dirfd, name, DIR_FLAGS) : -1;
    dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        cage_close(&fd);
        return false;
    }
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok &= unlink_twins(fd, entry->d_name, depth + 1);
    closedir(dir);
    return ok;
}

bool cage_hold_unlink_twins(int dirfd, const char *name)
{
    return unlink_twins(dirfd, name, 0);
}
