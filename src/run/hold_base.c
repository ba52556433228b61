/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The directories that are watched during a run. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "run/hold_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROC_PATH = 40, MAX_BASES = 1024 };

/* The deepest existing directory at or above path's parent; the length of its path is left in *length. */
static int open_deepest(const char *path, size_t *length)
{
    cage_autofree char *dir = cage_path_dirname(path);

    for (;;) {
        int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        char *slash = strrchr(dir, '/');

        *length = strlen(dir);
        if (fd >= 0 || (errno != ENOENT && errno != ENOTDIR) || slash == dir)
            return fd;
        *slash = '\0';
    }
}

static struct base *find_base(const struct cage_hold *hold, const char *path, size_t length)
{
    for (size_t i = 0; i < hold->n_bases; i++)
        if (strlen(hold->bases[i].path) == length && strncmp(hold->bases[i].path, path, length) == 0)
            return &hold->bases[i];
    return NULL;
}

/* Shares one descriptor among the entries of a directory. */
int cage_hold_base(struct cage_hold *hold, const char *path, unsigned use, size_t *length)
{
    const char *name = cage_path_basename(path);
    struct base *known;
    int fd;

    *length = (size_t)(name - path) - (name - path > 1);
    known = find_base(hold, path, *length);
    if (known) {
        known->use |= use;
        return known->fd;
    }
    fd = open_deepest(path, length);
    if (fd < 0)
        return -1;
    known = find_base(hold, path, *length);
    if (known) {
        close(fd);
        known->use |= use;
        return known->fd;
    }
    hold->bases = cage_realloc_array(hold->bases, hold->n_bases + 1, sizeof *hold->bases);
    hold->bases[hold->n_bases++] =
        (struct base){.path = cage_strndup(path, *length), .fd = fd, .watch = -1, .use = use};
    return fd;
}

/* The cage owns these directories too and may have taken our rights away. */
void cage_hold_make_ours(int fd)
{
    char proc[PROC_PATH];
    struct stat st;

    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    if (fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700 && st.st_uid == geteuid())
        (void)chmod(proc, (st.st_mode & 07777) | 0700);
}

/*
 * dnotify (fcntl(2) F_NOTIFY, SIGIO), because closing an inotify descriptor that has watches costs 15 ms at
 * the end of every run. A failure means that only the end is looked at.
 */
int cage_hold_notify(int dirfd, unsigned use)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        (void)fcntl(fd, F_NOTIFY,
                    DN_CREATE | DN_RENAME | DN_MULTISHOT | (use & CAGE_BASE_GUARDED ? DN_DELETE : 0));
    return fd;
}

/*
 * The directory of the project at path as it is now, if that is another one than fd's; else -1. It is looked
 * for from the project's directory that the cage sees, which may have been moved, and through no symlink: the
 * cage may have made one.
 */
static int open_successor(const struct cage_hold *hold, const char *path, int fd)
{
    const char *project = hold->plan->project_root, *below;
    cage_autofd int now = -1;
    struct stat old, st;

    if (!project || !cage_path_is_under(path, project) || strcmp(path, project) == 0)
        return -1;
    below = path + strlen(project);
    below += strspn(below, "/");
    if (fstat(fd, &old) < 0 || fstatat(hold->store.root_fd, below, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        (st.st_dev == old.st_dev && st.st_ino == old.st_ino))
        return -1;
    now = cage_fs_open_beneath(hold->store.root_fd, below, O_PATH | O_DIRECTORY);
    if (now < 0 || fstat(now, &st) < 0 || (st.st_dev == old.st_dev && st.st_ino == old.st_ino))
        return -1;
    return cage_steal_fd(&now);
}

/* What was put aside in the old one is still found through it: it stays open, under no path. */
static void succeed(struct cage_hold *hold, size_t i, int now)
{
    struct base new = hold->bases[i];

    hold->bases[i].path = cage_strdup("");
    cage_close(&hold->bases[i].watch);
    new.fd = now;
    new.watch = cage_hold_notify(now, new.use);
    for (size_t k = 0; k < hold->n_entries; k++)
        if (hold->entries[k].base_fd == hold->bases[i].fd)
            hold->entries[k].base_fd = now;
    cage_guards_moved(&hold->guards, hold->bases[i].fd, now);
    hold->bases = cage_realloc_array(hold->bases, hold->n_bases + 1, sizeof *hold->bases);
    hold->bases[hold->n_bases++] = new;
}

void cage_hold_refresh(struct cage_hold *hold)
{
    size_t n = hold->n_bases;

    for (size_t i = 0; i < n && hold->n_bases < MAX_BASES; i++) {
        int now = open_successor(hold, hold->bases[i].path, hold->bases[i].fd);

        if (now >= 0)
            succeed(hold, i, now);
    }
}
