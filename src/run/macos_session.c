/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "run/macos.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { YOUNG = 60 /* seconds in which a directory without a lock may be one that is just being made */ };

static char *prefix_of(uid_t uid)
{
    return cage_format("nixcage-%lu-", (unsigned long)uid);
}

/* Whether no run holds it: its lock can be taken, or it never got one. */
static bool is_stale(int base, const char *name)
{
    cage_autofree char *lock = cage_format("%s/lock", name);
    cage_autofd int fd = openat(base, lock, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd >= 0)
        return flock(fd, LOCK_EX | LOCK_NB) == 0;
    return errno == ENOENT && fstatat(base, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           time(NULL) - st.st_mtime > YOUNG;
}

void cage_macos_session_sweep(const char *base)
{
    cage_autofree char *prefix = prefix_of(getuid());
    cage_autofd int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = opendir(base);
    struct dirent *e;

    while (fd >= 0 && dir && (e = readdir(dir))) {
        struct stat st;

        if (strncmp(e->d_name, prefix, strlen(prefix)) != 0)
            continue;
        /* Anybody may make a directory of this name here. */
        if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) ||
            st.st_uid != getuid())
            continue;
        if (is_stale(fd, e->d_name))
            (void)!cage_fs_remove_tree(fd, e->d_name, NULL); /* what is left is swept another time */
    }
    if (dir)
        closedir(dir);
}

static int make_parts(const struct cage_macos_session *session, struct cage_error *err)
{
    static const char *const parts[] = {CAGE_SESSION_HOME, CAGE_SESSION_TMP, CAGE_SESSION_RUN};

    for (size_t i = 0; i < CAGE_LEN(parts); i++) {
        cage_autofree char *path = cage_path_join(session->dir, parts[i]);

        if (mkdir(path, 0700) < 0)
            return cage_error_sys(err, errno, "cannot make %s", path);
    }
    return 0;
}

int cage_macos_session_make(struct cage_macos_session *session, const char *base, struct cage_error *err)
{
    cage_autofree char *prefix = prefix_of(getuid());
    cage_autofree char *lock = NULL;
    char *dir = cage_format("%s/%sXXXXXX", base, prefix);

    *session = (struct cage_macos_session){.lock = -1};
    if (!mkdtemp(dir)) {
        cage_error_sys(err, errno, "cannot make a session directory in %s", base);
        free(dir);
        return -1;
    }
    session->dir = dir;
    lock = cage_path_join(dir, "lock");
    session->lock = cage_fs_lock(lock, false, err);
    if (session->lock < 0 || make_parts(session, err) < 0) {
        cage_macos_session_finish(session);
        return -1;
    }
    return 0;
}

void cage_macos_session_finish(struct cage_macos_session *session)
{
    if (session->dir) {
        (void)!cage_fs_remove_tree(AT_FDCWD, session->dir, NULL); /* what is left is swept another time */
        cage_close(&session->lock);
    }
    free(session->dir);
    free(session->profile);
    *session = (struct cage_macos_session){.lock = -1};
}

static int write_file(const char *path, const char *text, struct cage_error *err)
{
    cage_autofd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return cage_error_sys(err, errno, "cannot make %s", path);
    return cage_fs_write_all(fd, text, strlen(text), err);
}

static int make_entry(const char *dir, const struct cage_seatbelt_entry *entry, struct cage_error *err)
{
    cage_autofree char *path = cage_path_join(dir, entry->path);
    cage_autofree char *parent = cage_path_dirname(path);

    if (cage_fs_mkdirs(parent, 0700, err) < 0)
        return -1;
    if (!entry->target)
        return write_file(path, entry->content, err);
    /* A directory of that name holds a deeper link: what would be linked is then reached by its own path
     * only. */
    if (symlink(entry->target, path) < 0 && errno != EEXIST)
        return cage_error_sys(err, errno, "cannot make the symlink %s", path);
    return 0;
}

int cage_macos_session_fill(struct cage_macos_session *session, const struct cage_seatbelt_job *job,
                            struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    if (cage_seatbelt_render(&job->input, &text, err) < 0)
        return -1;
    session->profile = cage_path_join(session->dir, "profile.sb");
    if (write_file(session->profile, text.buf, err) < 0)
        return -1;
    for (size_t i = 0; i < job->n_entries; i++)
        if (make_entry(session->dir, &job->entries[i], err) < 0)
            return -1;
    return 0;
}

static int make_dir_beneath(int root, const char *relative, struct cage_error *err)
{
    cage_autofree char *parent = cage_path_dirname(relative);
    cage_autofd int at =
        strcmp(parent, ".") == 0 ? dup(root) : cage_fs_open_beneath(root, parent, O_RDONLY | O_DIRECTORY);
    cage_autofd int made = -1;

    if (at < 0 || (mkdirat(at, cage_path_basename(relative), 0700) < 0 && errno != EEXIST))
        return cage_error_sys(err, errno, "cannot make %s", relative);
    made = openat(at, cage_path_basename(relative), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return made < 0 ? cage_error_sys(err, errno, "%s is not a directory", relative) : 0;
}

int cage_macos_make_dirs(const struct cage_plan *plan, struct cage_error *err)
{
    cage_autofd int root = plan->make_dirs.n && plan->project_root
                               ? open(plan->project_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                               : -1;

    for (size_t i = 0; i < plan->make_dirs.n; i++) {
        const char *path = plan->make_dirs.items[i];

        if (root < 0 || !cage_path_is_under(path, plan->project_root) ||
            strcmp(path, plan->project_root) == 0)
            return cage_error_set(err, CAGE_ERR_INTERNAL, "%s is not in the project", path);
        if (make_dir_beneath(root, path + strlen(plan->project_root) + 1, err) < 0)
            return cage_error_wrap(err, "%s", plan->project_root);
    }
    return 0;
}
