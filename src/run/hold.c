/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "run/hold_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The names in a directory that match; none when it cannot be read. */
static void list_matches(int dirfd, const char *pattern, struct cage_strv *names)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        cage_close(&fd);
        return;
    }
    while ((entry = readdir(dir)))
        if (fnmatch(pattern, entry->d_name, FNM_PERIOD) == 0)
            cage_strv_add(names, entry->d_name);
    closedir(dir);
}

int cage_hold_add(struct cage_hold *hold, const struct cage_protected *item, struct cage_error *err)
{
    struct entry *entry;
    size_t length;
    int fd = cage_hold_base(hold, item->path, CAGE_BASE_OURS, &length);

    if (fd < 0)
        return cage_error_sys(err, errno, "cannot watch for %s", item->path);
    hold->entries = cage_realloc_array(hold->entries, hold->n_entries + 1, sizeof *hold->entries);
    entry = &hold->entries[hold->n_entries++];
    *entry = (struct entry){.item = item, .base_fd = fd};
    entry->rest = cage_strdup(item->path + length + strspn(item->path + length, "/"));
    cage_strv_add_all(&entry->known, item->except.items);
    if (item->is_glob && !strchr(entry->rest, '/'))
        list_matches(fd, entry->rest, &entry->known);
    return 0;
}

/* Watches a directory of the cage's own, before anything in it is looked at, so that nothing appears unseen.
 */
static void watch_new_dir(struct cage_hold *hold, int fd)
{
    struct new_dir *slot = &hold->new_dirs[hold->n_new_dirs % MAX_NEW_DIRS];
    struct stat st;

    cage_hold_make_ours(fd);
    if (hold->ended || fstat(fd, &st) < 0)
        return;
    for (unsigned i = 0; i < hold->n_new_dirs && i < MAX_NEW_DIRS; i++)
        if (hold->new_dirs[i].dev == st.st_dev && hold->new_dirs[i].ino == st.st_ino)
            return;
    if (hold->n_new_dirs >= MAX_NEW_DIRS)
        cage_close(&slot->fd);
    *slot = (struct new_dir){st.st_dev, st.st_ino, cage_hold_notify(fd, 0)};
    hold->n_new_dirs++;
}

#define ASIDE ".nixcage-aside-"

char *cage_hold_aside_name(void)
{
    uint64_t key;

    if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key)
        return NULL;
    return cage_format(ASIDE "%016llx", (unsigned long long)key);
}

bool cage_hold_is_aside(const char *name)
{
    return strncmp(name, ASIDE, strlen(ASIDE)) == 0;
}

/* Where the next thing is renamed to. When the ring is full, the oldest is deleted: it is the cage's own
 * junk. */
static struct aside *next_aside(struct cage_hold *hold)
{
    struct aside *aside = &hold->asides[hold->n_asides % MAX_ASIDE];

    if (aside->name) {
        cage_autofd int dir = cage_fs_open_beneath(aside->base_fd, aside->parent[0] ? aside->parent : ".",
                                                   O_PATH | O_DIRECTORY);

        if (dir >= 0 && cage_fs_remove_tree(dir, aside->name, NULL) < 0)
            errno = 0; /* under a name that means nothing, what is left of it does no harm */
    }
    free(aside->parent);
    free(aside->name);
    free(aside->path);
    *aside = (struct aside){.base_fd = -1};
    return aside;
}

/* dirfd/name stands for a protected path and must not stay. parent: dirfd's path below the entry's base. */
static void seize(struct cage_hold *hold, const struct entry *entry, int dirfd, const char *parent,
                  const char *name)
{
    size_t base = strlen(entry->item->path) - strlen(entry->rest);
    cage_autofree char *path =
        cage_format("%.*s%s%s%s", (int)base, entry->item->path, parent, parent[0] ? "/" : "", name);
    struct aside *aside;

    if (hold->ended) {
        cage_hold_put_away(hold, dirfd, name, path);
        return;
    }
    aside = next_aside(hold);
    aside->name = cage_hold_aside_name();
    if (!aside->name || renameat2(dirfd, name, dirfd, aside->name, RENAME_NOREPLACE) < 0) {
        free(aside->name); /* gone again, or in the way: the end looks once more */
        aside->name = NULL;
        return;
    }
    aside->base_fd = entry->base_fd;
    aside->parent = cage_strdup(parent);
    aside->path = cage_steal(&path);
    hold->n_asides++;
}

/* A symlink of the project that the host follows: whatever took its place goes, and it comes back. */
static void check_link(struct cage_hold *hold, const struct entry *entry)
{
    cage_autofree char *text = cage_fs_readlink(entry->base_fd, entry->rest);
    struct stat st;

    if (text && strcmp(text, entry->item->link) == 0)
        return;
    if (fstatat(entry->base_fd, entry->rest, &st, AT_SYMLINK_NOFOLLOW) == 0)
        seize(hold, entry, entry->base_fd, "", entry->rest);
    if (symlinkat(entry->item->link, entry->base_fd, entry->rest) < 0 && hold->ended)
        cage_hold_tell(hold, entry->item->path, NULL, false); /* the user sees that it is not as it was */
}

static void check_last(struct cage_hold *hold, const struct entry *entry, int dirfd, const char *parent,
                       const char *last)
{
    CAGE_STRV_AUTO names = {0};
    struct stat st;

    if (entry->item->is_glob)
        list_matches(dirfd, last, &names);
    else if (fstatat(dirfd, last, &st, AT_SYMLINK_NOFOLLOW) == 0)
        cage_strv_add(&names, last);
    for (size_t i = 0; i < names.n; i++)
        if (!cage_strv_has(&entry->known, names.items[i]))
            seize(hold, entry, dirfd, parent, names.items[i]);
}

/*
 * Walks the entry's missing components as far as they exist now. A symlink among them would lead the host on
 * to wherever the cage likes, so it counts as the thing itself.
 */
static void check(struct cage_hold *hold, const struct entry *entry)
{
    cage_autofree char *parent = NULL;
    cage_autofd int at = -1;
    const char *rest = entry->rest, *slash;
    struct stat st;

    if (entry->item->link) {
        check_link(hold, entry);
        return;
    }
    if (!strchr(rest, '/')) {
        check_last(hold, entry, entry->base_fd, "", rest);
        return;
    }
    parent = cage_strdup("");
    at = fcntl(entry->base_fd, F_DUPFD_CLOEXEC, 0);
    while (at >= 0) {
        cage_autofree char *name = NULL, *joined = NULL;
        int next;

        slash = strchr(rest, '/');
        if (!slash) {
            check_last(hold, entry, at, parent, rest);
            return;
        }
        name = cage_strndup(rest, (size_t)(slash - rest));
        next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0) {
            if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
                seize(hold, entry, at, parent, name);
            return;
        }
        cage_close(&at);
        at = next;
        watch_new_dir(hold, at);
        joined = parent[0] ? cage_path_join(parent, name) : cage_strdup(name);
        free(parent);
        parent = cage_steal(&joined);
        rest = slash + 1;
    }
}

static void check_all(struct cage_hold *hold)
{
    for (size_t i = 0; i < hold->n_bases; i++)
        if (hold->bases[i].use & CAGE_BASE_OURS)
            cage_hold_make_ours(hold->bases[i].fd);
    for (size_t i = 0; i < hold->n_entries; i++)
        check(hold, &hold->entries[i]);
}

struct cage_hold *cage_hold_start(const struct cage_plan *plan, struct cage_error *err)
{
    struct cage_hold *hold;

    *err = (struct cage_error){0};
    if (!plan->project_root && !cage_guards_wanted(plan))
        return NULL;
    hold = cage_alloc(sizeof *hold);
    hold->plan = plan;
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &hold->started);
    cage_hold_store_init(&hold->store, plan->project_root);
    cage_guards_start(hold);
    for (size_t i = 0; plan->project_root && i < plan->n_protected; i++) {
        const struct cage_protected *item = &plan->protected_paths[i];

        if ((item->exists && !item->link) || item->hide)
            continue;
        if (cage_hold_add(hold, item, err) < 0) {
            cage_hold_end(hold, NULL);
            return NULL;
        }
    }
    for (size_t i = 0; i < hold->n_bases; i++)
        hold->bases[i].watch = cage_hold_notify(hold->bases[i].fd, hold->bases[i].use);
    return hold;
}

/* Opens the directory that is to hold `path`, below the project, without following a symlink. */
static int open_holder(const struct cage_plan *plan, int root, const char *dir)
{
    const char *below = dir + strlen(plan->project_root);

    below += strspn(below, "/");
    return *below ? cage_fs_open_beneath(root, below, O_PATH | O_DIRECTORY) : fcntl(root, F_DUPFD_CLOEXEC, 0);
}

/* Makes it, or finds that it is a directory. */
static int make_dir(int at, const char *name)
{
    struct stat st;

    if (mkdirat(at, name, 0700) == 0)
        return 0;
    if (errno != EEXIST || fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    errno = ENOTDIR;
    return S_ISDIR(st.st_mode) ? 0 : -1;
}

int cage_hold_make_dirs(const struct cage_plan *plan, struct cage_error *err)
{
    cage_autofd int root =
        plan->make_dirs.n ? open(plan->project_root, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    cage_autofree char *last = NULL; /* what `at` is: most lie in one directory */
    cage_autofd int at = -1;

    for (size_t i = 0; i < plan->make_dirs.n; i++) {
        const char *path = plan->make_dirs.items[i];
        cage_autofree char *dir = cage_path_dirname(path);

        if (!last || strcmp(last, dir) != 0) {
            cage_close(&at);
            at = open_holder(plan, root, dir);
            free(last);
            last = cage_steal(&dir);
        }
        if (at < 0 || make_dir(at, cage_path_basename(path)) < 0)
            return cage_error_sys(err, errno, "cannot make the directory %s", path);
    }
    return 0;
}

void cage_hold_look(struct cage_hold *hold)
{
    cage_hold_refresh(hold);
    cage_guards_look(hold);
    check_all(hold);
}

/* Those put aside while the cage ran. One that is gone was removed by the cage itself. */
static void collect_asides(struct cage_hold *hold)
{
    for (unsigned i = 0; i < MAX_ASIDE; i++) {
        struct aside *aside = &hold->asides[i];
        cage_autofd int dir = -1;
        struct stat st;

        if (!aside->name)
            continue;
        dir = aside->parent[0] ? cage_fs_open_beneath(aside->base_fd, aside->parent, O_PATH | O_DIRECTORY)
                               : fcntl(aside->base_fd, F_DUPFD_CLOEXEC, 0);
        if (dir >= 0 && fstatat(dir, aside->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            cage_hold_put_away(hold, dir, aside->name, aside->path);
    }
}

static void hold_free(struct cage_hold *hold)
{
    for (size_t i = 0; i < MAX_ASIDE; i++) {
        free(hold->asides[i].parent);
        free(hold->asides[i].name);
        free(hold->asides[i].path);
    }
    for (size_t i = 0; i < hold->n_entries; i++) {
        free(hold->entries[i].rest);
        cage_strv_finish(&hold->entries[i].known);
    }
    for (size_t i = 0; i < hold->n_bases; i++) {
        cage_close(&hold->bases[i].fd);
        free(hold->bases[i].path);
    }
    free(hold->entries);
    free(hold->bases);
    cage_guards_finish(&hold->guards);
    cage_hold_store_finish(&hold->store);
    cage_strv_finish(&hold->told);
    cage_strv_finish(&hold->warned);
    cage_strv_finish(&hold->links);
    free(hold);
}

/* Moving things would bring SIGIO again, and one that is pending would kill us when signals are let through.
 */
static void stop_watching(struct cage_hold *hold)
{
    const struct timespec at_once = {0};
    sigset_t set;

    for (size_t i = 0; i < hold->n_bases; i++)
        cage_close(&hold->bases[i].watch);
    for (unsigned i = 0; i < hold->n_new_dirs && i < MAX_NEW_DIRS; i++)
        cage_close(&hold->new_dirs[i].fd);
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    (void)sigtimedwait(&set, NULL, &at_once);
}

void cage_hold_end(struct cage_hold *hold, void (*say)(const char *line))
{
    if (!hold)
        return;
    hold->ended = true;
    stop_watching(hold);
    cage_guards_end(hold);
    collect_asides(hold);
    check_all(hold);
    cage_hold_look_over(hold);
    cage_hold_report(hold, say);
    hold_free(hold);
}
