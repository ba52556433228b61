/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Nix opens its state by path and follows symlinks: a cage that leaves one in the place of a directory or of
 * a file there would have the host write, empty or remove what it leads to.
 */
#include "nix/store_check.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 32 };

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Where Nix keeps symlinks (roots, generations), which it replaces and does not write through, ... */
static const char *const links_in[] = {"var/nix/gcroots", "var/nix/profiles"};

/* ... but for these, which are directories, and what is directly in the last two. */
static const char *const directories[] = {
    "var/nix/gcroots/auto",
    "var/nix/gcroots/nixcage",
    "var/nix/gcroots/per-user",
    "var/nix/profiles/per-user",
};

static bool may_be_link(const char *path)
{
    cage_autofree char *parent = cage_path_dirname(path);

    if (strcmp(cage_path_basename(parent), "per-user") == 0)
        return false;
    for (size_t i = 0; i < CAGE_LEN(directories); i++)
        if (strcmp(path, directories[i]) == 0)
            return false;
    for (size_t i = 0; i < CAGE_LEN(links_in); i++)
        if (cage_path_is_under(parent, links_in[i]))
            return true;
    return false;
}

static int changed(const char *store, const char *path, struct cage_error *err)
{
    cage_error_set(err, CAGE_ERR_NIX, "a cage has changed its store: %s/nix/%s is not what Nix makes there",
                   store, path);
    return cage_error_hint(err, "'nixcage gc --all' removes the store, and the next run makes it anew");
}

/* Everything in the directory at dirfd/name, which is nix/path. Not there: nothing to look at. */
static int check_dir(const char *store, int dirfd_, const char *name, const char *path, int depth,
                     struct cage_error *err)
{
    int fd = openat(dirfd_, name, DIR_FLAGS), rc = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return changed(store, path, err);
    if (!dir) {
        cage_error_sys(err, errno, "cannot look at %s/nix/%s", store, path);
        cage_close(&fd);
        return -1;
    }
    while (rc == 0 && (e = readdir(dir))) {
        cage_autofree char *below = cage_path_join(path, e->d_name);
        struct stat st;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
            rc = check_dir(store, fd, e->d_name, below, depth + 1, err);
        else if (!S_ISREG(st.st_mode) && !S_ISSOCK(st.st_mode) &&
                 !(S_ISLNK(st.st_mode) && may_be_link(below)))
            rc = changed(store, below, err);
    }
    closedir(dir);
    return rc;
}

/* A directory that has to be one, with whatever in it. */
static int check_is_dir(const char *store, int nix, const char *path, struct cage_error *err)
{
    struct stat st;

    if (fstatat(nix, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : cage_error_sys(err, errno, "cannot look at %s/nix/%s", store, path);
    return S_ISDIR(st.st_mode) ? 0 : changed(store, path, err);
}

int cage_nix_store_check(const char *store, struct cage_error *err)
{
    cage_autofree char *path = cage_path_join(store, "nix");
    cage_autofd int nix = open(path, DIR_FLAGS);

    if (nix < 0)
        return errno == ENOENT ? 0 : cage_error_sys(err, errno, "cannot open %s", path);
    if (check_is_dir(store, nix, "store", err) < 0 || check_is_dir(store, nix, "store/.links", err) < 0)
        return -1;
    return check_dir(store, nix, "var", "var", 0, err);
}
