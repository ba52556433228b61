/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/gitlinks.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* gitformat-index(5): the header, and an entry up to its object name. */
enum { HEADER = 12, STAT_DATA = 40, MODE_AT = 24, FLAG_EXTENDED = 0x4000, TYPE = 0170000, GITLINK = 0160000 };
enum { SHA1 = 20, SHA256 = 32, MAX_INDEX = 64 << 20, MAX_NAME = 4096, MAX_POINTER = 8192, MAX_DEPTH = 16 };

struct reader {
    const unsigned char *data;
    size_t size, at;
    uint32_t version;
    struct cage_strbuf name; /* of the last entry: version 4 tells only the difference */
};

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Version 4: how many bytes of the last name to drop, in the variable-width encoding of pack files' offsets.
 */
static int drop_prefix(struct reader *r)
{
    size_t drop = 0;
    unsigned char c;

    do {
        if (r->at >= r->size || drop > r->size)
            return -1;
        c = r->data[r->at++];
        drop = (drop << 7) + (c & 127) + ((c & 128) != 0);
    } while (c & 128);
    if (drop > r->name.len)
        return -1;
    r->name.len -= drop;
    return 0;
}

static int read_entry(struct reader *r, size_t hash, uint32_t *mode)
{
    size_t start = r->at, fixed = STAT_DATA + hash + 2;
    const unsigned char *end;

    if (r->size - r->at < fixed)
        return -1;
    *mode = be32(r->data + r->at + MODE_AT);
    if (r->version >= 3 && (r->data[r->at + fixed - 2] << 8 & FLAG_EXTENDED))
        fixed += 2;
    r->at += fixed;
    if (r->version < 4)
        r->name.len = 0;
    else if (drop_prefix(r) < 0)
        return -1;
    end = r->at < r->size ? memchr(r->data + r->at, 0, r->size - r->at) : NULL;
    if (!end || r->name.len + (size_t)(end - r->data) - r->at > MAX_NAME)
        return -1;
    cage_strbuf_add_bytes(&r->name, (const char *)r->data + r->at, (size_t)(end - r->data) - r->at);
    r->at = (size_t)(end - r->data) + 1;
    if (r->version < 4) /* 1 to 8 NULs, to a multiple of 8 bytes */
        r->at = start + (r->at - start + 7) / 8 * 8;
    return r->at <= r->size ? 0 : -1;
}

int cage_gitlinks_parse(const char *data, size_t size, size_t hash, struct cage_strv *paths)
{
    struct reader r = {.data = (const unsigned char *)data, .size = size, .at = HEADER};
    uint32_t count, mode;
    int rc = 0;

    if (size < HEADER || memcmp(data, "DIRC", 4) != 0)
        return -1;
    r.version = be32(r.data + 4);
    count = be32(r.data + 8);
    if (r.version < 2 || r.version > 4)
        return -1;
    cage_strbuf_init(&r.name);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        rc = read_entry(&r, hash, &mode);
        if (rc == 0 && (mode & TYPE) == GITLINK && r.name.len > 0)
            cage_strv_add(paths, r.name.buf);
    }
    cage_strbuf_finish(&r.name);
    return rc;
}

static bool is_later(int dirfd, const char *name, const struct timespec *since)
{
    struct stat st;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    return st.st_ctim.tv_sec > since->tv_sec ||
           (st.st_ctim.tv_sec == since->tv_sec && st.st_ctim.tv_nsec >= since->tv_nsec);
}

/* What says who owns the configuration: the file or link .git itself, or the configuration in the directory.
 */
static bool is_configured(int dirfd, const struct timespec *since)
{
    struct stat st;

    if (fstatat(dirfd, ".git", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
        return is_later(dirfd, ".git/config", since) || is_later(dirfd, ".git/commondir", since) ||
               is_later(dirfd, ".git/config.worktree", since);
    return is_later(dirfd, ".git", since);
}

/* The one line of a file after `prefix`, or NULL. The caller frees. */
static char *read_pointer(int dirfd, const char *name, const char *prefix)
{
    CAGE_STRBUF_AUTO text = {0};
    size_t n = strlen(prefix);

    cage_strbuf_init(&text);
    if (cage_fs_read(dirfd, name, MAX_POINTER, &text, NULL) < 0 || strncmp(text.buf, prefix, n) != 0)
        return NULL;
    text.buf[strcspn(text.buf, "\r\n")] = '\0';
    return text.buf[n] ? cage_strdup(text.buf + n) : NULL;
}

/* The git directory of a work tree: .git itself, or where the file .git says. */
static int open_gitdir(int worktree)
{
    int fd = cage_fs_open_beneath(worktree, ".git", O_RDONLY | O_DIRECTORY);
    cage_autofree char *gitdir = NULL;

    if (fd >= 0 || (errno != ENOTDIR && errno != ELOOP))
        return fd;
    if (errno == ELOOP)
        return openat(worktree, ".git", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gitdir = read_pointer(worktree, ".git", "gitdir: ");
    return gitdir ? openat(worktree, gitdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* One way from the project down to a submodule. */
struct walk {
    const struct cage_gitlinks *links;
    const char *root_path;
    int depth;
};

/* The entries stand before everything else in an index, so its beginning may be enough. */
static bool read_index(const struct walk *w, int gitdir, const char *name, struct cage_strv *paths)
{
    size_t max = w->links->max_bytes ? w->links->max_bytes : MAX_INDEX;
    CAGE_STRBUF_AUTO text = {0};
    struct cage_error err = {0};
    bool short_names, long_names;

    cage_strbuf_init(&text);
    if (cage_fs_read(gitdir, name, max, &text, &err) < 0 && err.sys != EFBIG)
        return err.sys == ENOENT;
    /* Which of the two the repository has is not asked: a path that is not there does no harm. */
    short_names = cage_gitlinks_parse(text.buf, text.len, SHA1, paths) == 0;
    long_names = cage_gitlinks_parse(text.buf, text.len, SHA256, paths) == 0;
    return short_names || long_names;
}

/* With a split index, most entries are in another file. */
static void read_all(const struct walk *w, int gitdir, const char *prefix, struct cage_strv *paths,
                     bool *changed)
{
    int fd = openat(gitdir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        cage_close(&fd);
        return;
    }
    while ((entry = readdir(dir))) {
        bool later, read;

        if (strcmp(entry->d_name, "index") != 0 && strncmp(entry->d_name, "sharedindex.", 12) != 0)
            continue;
        read = read_index(w, fd, entry->d_name, paths);
        /* Afterwards: what the cage put there just before it was read has changed, too. */
        later = is_later(fd, entry->d_name, &w->links->since);
        *changed |= later;
        if (!read) {
            cage_autofree char *path =
                cage_format("%s%s%s/.git/%s", w->root_path, *prefix ? "/" : "", prefix, entry->d_name);

            w->links->unreadable(path, later, w->links->data);
        }
    }
    closedir(dir);
}

static void look_into(const struct walk *w, int worktree, int gitdir, const char *prefix);

static void look_at(const struct walk *w, int worktree, const char *prefix, const char *path, bool indexed)
{
    cage_autofd int dir = cage_fs_open_beneath(worktree, path, O_PATH | O_DIRECTORY);
    cage_autofree char *full = *prefix ? cage_path_join(prefix, path) : cage_strdup(path);
    const struct walk next = {w->links, w->root_path, w->depth + 1};
    cage_autofd int gitdir = -1;
    struct stat st;

    if (dir < 0 || fstatat(dir, ".git", &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    w->links->found(&(struct cage_gitlink){dir, full, is_configured(dir, &w->links->since), indexed},
                    w->links->data);
    gitdir = next.depth < MAX_DEPTH ? open_gitdir(dir) : -1;
    if (gitdir >= 0)
        look_into(&next, dir, gitdir, full);
}

static void look_into(const struct walk *w, int worktree, int gitdir, const char *prefix)
{
    CAGE_STRV_AUTO paths = {0};
    bool changed = false;

    read_all(w, gitdir, prefix, &paths, &changed);
    for (size_t i = 0; i < paths.n; i++)
        look_at(w, worktree, prefix, paths.items[i], changed);
}

/* The user works in these, too, and each has an index of its own. Those outside are not the cage's to write.
 */
static void look_into_worktrees(const struct walk *w, int root, int gitdir)
{
    int fd = cage_fs_open_beneath(gitdir, "worktrees", O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    size_t n = strlen(w->root_path);
    struct dirent *entry;

    if (!dir) {
        cage_close(&fd);
        return;
    }
    while ((entry = readdir(dir))) {
        cage_autofree char *pointer = cage_path_join(entry->d_name, "gitdir");
        cage_autofree char *git = entry->d_name[0] == '.' ? NULL : read_pointer(fd, pointer, "");
        cage_autofree char *tree = git ? cage_path_dirname(git) : NULL;
        cage_autofd int own = -1, worktree = -1;

        if (!tree || strncmp(tree, w->root_path, n) != 0 || tree[n] != '/')
            continue;
        own = cage_fs_open_beneath(fd, entry->d_name, O_RDONLY | O_DIRECTORY);
        worktree = cage_fs_open_beneath(root, tree + n + 1, O_PATH | O_DIRECTORY);
        if (own >= 0 && worktree >= 0)
            look_into(w, worktree, own, tree + n + 1);
    }
    closedir(dir);
}

void cage_gitlinks_each(const struct cage_gitlinks *links, int root, const char *root_path)
{
    const struct walk w = {links, root_path, 0};
    cage_autofd int gitdir = open_gitdir(root);

    if (gitdir < 0)
        return;
    look_into(&w, root, gitdir, "");
    look_into_worktrees(&w, root, gitdir);
}
