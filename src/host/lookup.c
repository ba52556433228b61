/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Facts about paths of the real file system. Nothing is opened for reading but what is read. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "host/host_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SMALL = 1 << 20, MAX_LINKS = 40 };

void cage_file_fact_finish(struct cage_file_fact *fact)
{
    free(fact->real);
    free(fact->link_target);
    *fact = (struct cage_file_fact){0};
}

static enum cage_file_type type_of(mode_t mode)
{
    if (S_ISREG(mode))
        return CAGE_FILE_REGULAR;
    return S_ISDIR(mode) ? CAGE_FILE_DIR : CAGE_FILE_OTHER;
}

static bool means_absent(int error)
{
    return error == ENOENT || error == ENOTDIR;
}

static char *absent_path(const char *path, int links);

/* Where a path leads that has no object: symlinks in it are followed as far as they go. */
static char *absent_target(const char *dir_real, const char *name, int links)
{
    cage_autofree char *path = cage_path_join(dir_real, name);
    cage_autofree char *target = cage_fs_readlink(AT_FDCWD, path);
    cage_autofree char *joined = NULL;
    cage_autofree char *clean = NULL;

    if (!target || links >= MAX_LINKS)
        return cage_steal(&path);
    joined = cage_path_join(dir_real, target);
    clean = cage_path_clean(joined);
    return absent_path(clean, links + 1);
}

static char *absent_path(const char *path, int links)
{
    cage_autofree char *dir = cage_path_dirname(path);
    cage_autofree char *real = NULL;

    if (strcmp(path, "/") == 0)
        return cage_strdup("/");
    real = realpath(dir, NULL);
    if (!real)
        real = links >= MAX_LINKS ? cage_strdup(dir) : absent_path(dir, links + 1);
    return absent_target(real, cage_path_basename(path), links);
}

static void fill_from_stat(const struct stat *st, struct cage_file_fact *fact)
{
    fact->type = type_of(st->st_mode);
    fact->dev = st->st_dev;
    fact->ino = st->st_ino;
    fact->uid = st->st_uid;
    fact->mode = st->st_mode & 07777;
    fact->nlink = st->st_nlink;
}

static int look_at_target(const char *path, struct cage_file_fact *fact, struct cage_error *err)
{
    struct stat st;
    int error = cage_host_stat(path, &st, &fact->real);

    if (means_absent(error)) {
        fact->type = CAGE_FILE_NONE;
        fact->real = absent_path(path, 0);
        return 0;
    }
    if (error)
        return cage_error_sys(err, error, "cannot look at %s", path);
    fill_from_stat(&st, fact);
    return 0;
}

int cage_host_real_lookup(const struct cage_host *host, const char *path, struct cage_file_fact *fact,
                          struct cage_error *err)
{
    struct stat st;

    (void)host;
    *fact = (struct cage_file_fact){0};
    if (lstat(path, &st) < 0) {
        /* A symlink must not be taken for a file because it could not be looked at. */
        if (!means_absent(errno))
            return cage_error_sys(err, errno, "cannot look at %s", path);
    } else if (S_ISLNK(st.st_mode)) {
        fact->is_symlink = true;
        fact->link_uid = st.st_uid;
        fact->link_target = cage_fs_readlink(AT_FDCWD, path);
        if (!fact->link_target)
            return cage_error_sys(err, errno, "cannot read the link %s", path);
    }
    if (look_at_target(path, fact, err) < 0) {
        cage_file_fact_finish(fact);
        return -1;
    }
    return 0;
}

int cage_host_real_lookup_child(const struct cage_host *host, const char *dir, const char *name,
                                struct cage_file_fact *fact, struct cage_error *err)
{
    cage_autofree char *path = cage_path_join(dir, name);
    struct stat st;

    *fact = (struct cage_file_fact){0};
    if (lstat(path, &st) < 0) {
        if (!means_absent(errno))
            return cage_error_sys(err, errno, "cannot look at %s", path);
        fact->real = cage_steal(&path);
        return 0;
    }
    if (S_ISLNK(st.st_mode))
        return cage_host_real_lookup(host, path, fact, err);
    fill_from_stat(&st, fact);
    fact->real = cage_steal(&path);
    return 0;
}

int cage_host_real_list(const struct cage_host *host, const char *path, struct cage_strv *names,
                        struct cage_error *err)
{
    DIR *dir = opendir(path);
    struct dirent *e;

    (void)host;
    if (!dir && means_absent(errno))
        return 0;
    if (!dir)
        return cage_error_sys(err, errno, "cannot list %s", path);
    while ((e = readdir(dir)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            cage_strv_add(names, e->d_name);
    closedir(dir);
    cage_strv_sort_unique(names);
    return 0;
}

char *cage_host_real_read_small(const struct cage_host *host, const char *path)
{
    CAGE_STRBUF_AUTO text = {0};

    (void)host;
    cage_strbuf_init(&text);
    if (cage_fs_read(AT_FDCWD, path, MAX_SMALL, &text, NULL) < 0)
        return NULL;
    return cage_strbuf_steal(&text);
}
