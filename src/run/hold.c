/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/hold.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "run/gitlinks.h"
#include "run/hold_store.h"

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

enum { MAX_ASIDE = 64, MAX_TOLD = 50, MAX_NEW_DIRS = 64, PROC_PATH = 40 };

/* A directory that was there before the run; the plan keeps the cage from renaming it. */
struct base {
    char *path;
    int fd;    /* O_PATH, to walk from */
    int watch; /* only to be notified by: closing even a duplicate would end the watch; or -1 */
};

/*
 * A missing protected path: rest below base, with names that did not exist, but for a pattern's matches. Or a
 * symlink, which cannot be mounted over, and which is put back when it was changed.
 */
struct entry {
    const struct cage_protected *item;
    int base_fd; /* borrowed */
    char *rest;
    struct cage_strv known; /* pattern: names that were there */
};

/* A directory that the cage made on the way to a protected path. */
struct new_dir {
    dev_t dev;
    ino_t ino;
    int fd; /* keeps the watch alive; -1: free */
};

/* Something renamed aside, in the directory where it appeared. */
struct aside {
    int base_fd;  /* borrowed */
    char *parent; /* below base; "" for itself */
    char *name, *path;
};

struct cage_hold {
    struct base *bases;
    struct entry *entries;
    size_t n_bases, n_entries;
    struct aside asides[MAX_ASIDE]; /* a ring: a program that creates without end loses its oldest */
    unsigned n_asides;
    struct new_dir new_dirs[MAX_NEW_DIRS]; /* a ring, too */
    unsigned n_new_dirs;
    bool ended;
    struct cage_hold_store store;
    struct cage_strv told, warned;
    const struct cage_plan *plan;
    struct timespec started; /* by the clock that the kernel dates files with */
};

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

/* Shares one descriptor among the entries of a directory. */
static int base_of(struct cage_hold *hold, const char *path, size_t *length)
{
    int fd = open_deepest(path, length);

    if (fd < 0)
        return -1;
    for (size_t i = 0; i < hold->n_bases; i++)
        if (strlen(hold->bases[i].path) == *length && strncmp(hold->bases[i].path, path, *length) == 0) {
            close(fd);
            return hold->bases[i].fd;
        }
    hold->bases = cage_realloc_array(hold->bases, hold->n_bases + 1, sizeof *hold->bases);
    hold->bases[hold->n_bases++] = (struct base){.path = cage_strndup(path, *length), .fd = fd, .watch = -1};
    return fd;
}

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

static int add_entry(struct cage_hold *hold, const struct cage_protected *item, struct cage_error *err)
{
    struct entry *entry;
    size_t length;
    int fd = base_of(hold, item->path, &length);

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

/* The cage owns these directories too and may have taken our rights away. */
static void make_ours(int fd)
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
static int notify(int dirfd)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        (void)fcntl(fd, F_NOTIFY, DN_CREATE | DN_RENAME | DN_MULTISHOT);
    return fd;
}

/* Watches a directory of the cage's own, before anything in it is looked at, so that nothing appears unseen.
 */
static void watch_new_dir(struct cage_hold *hold, int fd)
{
    struct new_dir *slot = &hold->new_dirs[hold->n_new_dirs % MAX_NEW_DIRS];
    struct stat st;

    make_ours(fd);
    if (hold->ended || fstat(fd, &st) < 0)
        return;
    for (unsigned i = 0; i < hold->n_new_dirs && i < MAX_NEW_DIRS; i++)
        if (hold->new_dirs[i].dev == st.st_dev && hold->new_dirs[i].ino == st.st_ino)
            return;
    if (hold->n_new_dirs >= MAX_NEW_DIRS)
        cage_close(&slot->fd);
    *slot = (struct new_dir){st.st_dev, st.st_ino, notify(fd)};
    hold->n_new_dirs++;
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

static void tell(struct cage_hold *hold, const char *path, const char *now, bool checked)
{
    CAGE_STRBUF_AUTO line = {0};

    cage_strbuf_init(&line);
    cage_strbuf_add(&line, "  ");
    cage_strbuf_add_printable(&line, path);
    if (now) {
        cage_strbuf_add(&line, checked ? "; accept it with: mv -nT "
                                       : "; it could not be checked completely, look before: mv -nT ");
        cage_strbuf_add_shell_word(&line, now);
        cage_strbuf_addc(&line, ' ');
        cage_strbuf_add_shell_word(&line, path);
    }
    cage_strv_take(&hold->told, cage_strbuf_steal(&line));
}

/* At the end: dir/name, which stands for path, goes to the store. */
static void put_away(struct cage_hold *hold, int dirfd, const char *name, const char *path)
{
    struct cage_error err;
    cage_autofree char *now = cage_hold_store_take(&hold->store, dirfd, name, path, &err);
    bool checked = now && cage_hold_unlink_twins(AT_FDCWD, now);

    if (now) {
        tell(hold, path, now, checked);
    } else {
        cage_autofree char *text = cage_format("%s is still there: %s", path, err.message);

        tell(hold, text, NULL, false);
    }
}

/* dirfd/name stands for a protected path and must not stay. parent: dirfd's path below the entry's base. */
static void seize(struct cage_hold *hold, const struct entry *entry, int dirfd, const char *parent,
                  const char *name)
{
    size_t base = strlen(entry->item->path) - strlen(entry->rest);
    cage_autofree char *path =
        cage_format("%.*s%s%s%s", (int)base, entry->item->path, parent, parent[0] ? "/" : "", name);
    struct aside *aside;
    uint64_t key;

    if (hold->ended) {
        put_away(hold, dirfd, name, path);
        return;
    }
    aside = next_aside(hold);
    /* Not to be guessed: a name that is taken would leave the thing where it is. */
    if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key)
        return;
    aside->name = cage_format(".nixcage-aside-%016llx", (unsigned long long)key);
    if (renameat2(dirfd, name, dirfd, aside->name, RENAME_NOREPLACE) < 0) {
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
        tell(hold, entry->item->path, NULL, false); /* the user sees that it is not as it was */
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
    cage_autofd int at = fcntl(entry->base_fd, F_DUPFD_CLOEXEC, 0);
    cage_autofree char *parent = cage_strdup("");
    const char *rest = entry->rest, *slash;
    struct stat st;

    while (at >= 0) {
        cage_autofree char *name = NULL, *joined = NULL;
        int next;

        if (entry->item->link) {
            check_link(hold, entry);
            return;
        }
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
        make_ours(hold->bases[i].fd);
    for (size_t i = 0; i < hold->n_entries; i++)
        check(hold, &hold->entries[i]);
}

struct cage_hold *cage_hold_start(const struct cage_plan *plan, struct cage_error *err)
{
    struct cage_hold *hold;

    *err = (struct cage_error){0};
    if (!plan->project_root)
        return NULL;
    hold = cage_alloc(sizeof *hold);
    hold->plan = plan;
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &hold->started);
    cage_hold_store_init(&hold->store, plan->project_root);
    for (size_t i = 0; i < plan->n_protected; i++) {
        const struct cage_protected *item = &plan->protected_paths[i];

        if ((item->exists && !item->link) || item->hide)
            continue;
        if (add_entry(hold, item, err) < 0) {
            cage_hold_end(hold, NULL);
            return NULL;
        }
    }
    for (size_t i = 0; i < hold->n_bases; i++)
        hold->bases[i].watch = notify(hold->bases[i].fd);
    return hold;
}

int cage_hold_make_dirs(const struct cage_plan *plan, struct cage_error *err)
{
    cage_autofd int root =
        plan->make_dirs.n ? open(plan->project_root, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

    for (size_t i = 0; i < plan->make_dirs.n; i++) {
        const char *path = plan->make_dirs.items[i];
        cage_autofree char *dir = cage_path_dirname(path);
        const char *below = dir + strlen(plan->project_root);
        cage_autofd int at = -1, made = -1;

        below += strspn(below, "/");
        at = *below ? cage_fs_open_beneath(root, below, O_PATH | O_DIRECTORY)
                    : fcntl(root, F_DUPFD_CLOEXEC, 0);
        if (at >= 0 && (mkdirat(at, cage_path_basename(path), 0700) == 0 || errno == EEXIST))
            made = openat(at, cage_path_basename(path), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (made < 0)
            return cage_error_sys(err, errno, "cannot make the directory %s", path);
    }
    return 0;
}

void cage_hold_look(struct cage_hold *hold)
{
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
            put_away(hold, dir, aside->name, aside->path);
    }
}

static bool is_protected(const struct cage_plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->n_protected; i++)
        if (cage_path_is_under(path, plan->protected_paths[i].path))
            return true;
    return false;
}

/* A repository below the project that git on the host would go into by itself. */
static void check_submodule(int dirfd, const char *relative, bool fresh, void *data)
{
    struct cage_hold *hold = data;
    cage_autofree char *git = cage_format("%s/%s/.git", hold->plan->project_root, relative);
    cage_autofree char *config = cage_path_join(git, "config");
    CAGE_STRBUF_AUTO line = {0};

    if (is_protected(hold->plan, config))
        return;
    if (fresh) {
        put_away(hold, dirfd, ".git", git);
        return;
    }
    cage_strbuf_init(&line);
    cage_strbuf_add(&line, "git on the host follows the configuration of the submodule ");
    cage_strbuf_add_printable(&line, relative);
    cage_strbuf_add(&line, ", which the cage can write; protect = [\"");
    cage_strbuf_add_printable(&line, relative);
    cage_strbuf_add(&line, "/.git/config\"] keeps it from that");
    cage_strv_take(&hold->warned, cage_strbuf_steal(&line));
}

/*
 * A file that was replaced on the host (an editor's or git's way to save) is no longer below its read-only
 * bind: the kernel takes the bind away. From then on the cage could write it.
 */
static void check_replaced(struct cage_hold *hold)
{
    for (size_t i = 0; i < hold->plan->n_ops; i++) {
        const struct cage_op *op = &hold->plan->ops[i];
        CAGE_STRBUF_AUTO line = {0};
        struct stat st;

        if (op->kind != CAGE_OP_BIND || op->writable || !op->verify || strcmp(op->source, op->dest) != 0 ||
            !is_protected(hold->plan, op->dest) || lstat(op->source, &st) < 0 || S_ISDIR(st.st_mode) ||
            (st.st_dev == op->dev && st.st_ino == op->ino))
            continue;
        cage_strbuf_init(&line);
        cage_strbuf_add_printable(&line, op->dest);
        cage_strbuf_add(
            &line, " was replaced during the run by a program outside the cage; since then the cage could "
                   "write it, so look at it before you go on");
        cage_strv_take(&hold->warned, cage_strbuf_steal(&line));
    }
}

static void check_submodules(struct cage_hold *hold)
{
    cage_autofd int root = open(hold->plan->project_root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (root >= 0)
        cage_gitlinks_each(root, &hold->started, check_submodule, hold);
}

static void report(const struct cage_hold *hold, void (*say)(const char *line))
{
    for (size_t i = 0; say && i < hold->warned.n && i < MAX_TOLD; i++)
        say(hold->warned.items[i]);
    if (!say || hold->told.n == 0)
        return;
    say("protected paths appeared in the project during the run; the host would trust them, so they were put "
        "away:");
    for (size_t i = 0; i < hold->told.n && i < MAX_TOLD; i++)
        say(hold->told.items[i]);
    if (hold->told.n > MAX_TOLD) {
        cage_autofree char *rest = cage_format("  and %zu more", hold->told.n - MAX_TOLD);

        say(rest);
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
    cage_hold_store_finish(&hold->store);
    cage_strv_finish(&hold->told);
    cage_strv_finish(&hold->warned);
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
    collect_asides(hold);
    check_all(hold);
    check_submodules(hold);
    check_replaced(hold);
    report(hold, say);
    hold_free(hold);
}
