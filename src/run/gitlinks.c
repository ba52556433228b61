/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/gitlinks.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* gitformat-index(5): the header, and an entry up to its object name. */
enum { HEADER = 12, STAT_DATA = 40, MODE_AT = 24, FLAG_EXTENDED = 0x4000, TYPE = 0170000, GITLINK = 0160000 };
enum { SHA1 = 20, SHA256 = 32, MAX_INDEX = 64 << 20, MAX_NAME = 4096, MAX_LINKS = 10000 };

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
        if (rc == 0 && (mode & TYPE) == GITLINK && r.name.len > 0 && paths->n < MAX_LINKS)
            cage_strv_add(paths, r.name.buf);
    }
    cage_strbuf_finish(&r.name);
    return rc;
}

static void read_index(int dirfd, const char *name, struct cage_strv *paths)
{
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    if (cage_fs_read(dirfd, name, MAX_INDEX, &text, NULL) < 0)
        return;
    /* Which of the two the repository has is not asked: a path that is not there does no harm. */
    (void)cage_gitlinks_parse(text.buf, text.len, SHA1, paths);
    (void)cage_gitlinks_parse(text.buf, text.len, SHA256, paths);
}

/* With a split index, most entries are in another file. */
static void read_all(int root, struct cage_strv *paths)
{
    int fd = cage_fs_open_beneath(root, ".git", O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        cage_close(&fd);
        return;
    }
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, "index") == 0 || strncmp(entry->d_name, "sharedindex.", 12) == 0)
            read_index(dirfd(dir), entry->d_name, paths);
    closedir(dir);
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
static bool is_fresh(int dirfd, const struct timespec *since)
{
    struct stat st;

    if (fstatat(dirfd, ".git", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
        return is_later(dirfd, ".git/config", since) || is_later(dirfd, ".git/commondir", since) ||
               is_later(dirfd, ".git/config.worktree", since);
    return is_later(dirfd, ".git", since);
}

void cage_gitlinks_each(int root, const struct timespec *since, cage_gitlinks_fn *fn, void *data)
{
    CAGE_STRV_AUTO paths = {0};

    read_all(root, &paths);
    for (size_t i = 0; i < paths.n; i++) {
        cage_autofd int dir = cage_fs_open_beneath(root, paths.items[i], O_PATH | O_DIRECTORY);
        struct stat st;

        if (dir >= 0 && fstatat(dir, ".git", &st, AT_SYMLINK_NOFOLLOW) == 0)
            fn(dir, paths.items[i], is_fresh(dir, since), data);
    }
}
