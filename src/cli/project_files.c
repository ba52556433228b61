/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/project_files.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/envrc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CONFIG "nixcage.toml"
#define BACKUP "nixcage.toml.bak"
#define ENVRC ".envrc"
#define STATE ".nixcage"

enum { FILE_MAX = 1 << 20, LOCK_TRIES = 100, LOCK_PAUSE_MS = 100 };

/* What was there before an init, to go back to when it fails. */
struct undo {
    bool made_state, made_envrc, had_config;
    struct cage_strbuf envrc; /* the user's */
    mode_t envrc_mode;        /* 0: nothing to restore */
};

static bool exists(const struct cage_files *files, const char *name, struct stat *st)
{
    return fstatat(files->dirfd, name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int not_ours(const char *name, const struct stat *st, const char *wanted, struct cage_error *err)
{
    const char *what = S_ISLNK(st->st_mode)   ? "a symbolic link"
                       : S_ISDIR(st->st_mode) ? "a directory"
                                              : "not a file";

    if (S_ISREG(st->st_mode))
        what = "a file";
    cage_error_set(err, CAGE_ERR_PROJECT, "%s is %s; nixcage needs %s there", name, what, wanted);
    return cage_error_hint(err, "move %s away and start again", name);
}

/* flock(2) on the directory: there is no lock file to leave behind or to remove under somebody. */
static int lock_directory(const struct cage_files *files, struct cage_error *err)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};

    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(files->dirfd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        /* Network file systems that cannot lock a directory: the steps are atomic without it, too. */
        if (errno != EWOULDBLOCK && errno != EINTR)
            return 0;
        nanosleep(&pause, NULL);
    }
    cage_error_set(err, CAGE_ERR_PROJECT, "another nixcage is working in %s", files->root);
    return cage_error_hint(err, "wait for it to end and start again");
}

/* What a killed init, destroy or add left. */
static void sweep(int dirfd_)
{
    static const char *const names[] = {CONFIG, BACKUP, ENVRC, ".gitignore"};

    for (size_t i = 0; i < CAGE_LEN(names); i++)
        cage_fs_sweep(dirfd_, names[i]);
}

int cage_files_open(struct cage_files *files, const char *dir, bool make, struct cage_error *err)
{
    *files = (struct cage_files){.dirfd = -1};
    if (make && cage_fs_mkdirs(dir, 0777, err) < 0)
        return -1;
    files->root = realpath(dir, NULL);
    if (!files->root)
        return cage_error_sys(err, errno, "%s", dir);
    files->dirfd = open(files->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->dirfd < 0)
        return cage_error_sys(err, errno, "cannot open %s", files->root);
    if (lock_directory(files, err) < 0)
        return -1;
    sweep(files->dirfd);
    return 0;
}

void cage_files_finish(struct cage_files *files)
{
    cage_close(&files->dirfd);
    free(files->root);
    cage_strv_finish(&files->done);
    cage_strv_finish(&files->kept);
    files->root = NULL;
}

/* Reads .envrc. 1: there is one; 0: none; -1: it is not a plain file or cannot be read. */
static int read_envrc(const struct cage_files *files, struct cage_strbuf *text, mode_t *mode,
                      struct cage_error *err)
{
    cage_autofd int fd = -1;
    struct stat st;

    if (!exists(files, ENVRC, &st))
        return 0;
    if (S_ISLNK(st.st_mode)) {
        cage_error_set(err, CAGE_ERR_PROJECT,
                       ".envrc is a symbolic link, which nixcage does not write through");
        return cage_error_hint(err, "replace it by a file; 'source_env FILE' in there includes another one");
    }
    if (!S_ISREG(st.st_mode))
        return not_ours(ENVRC, &st, "a file", err);
    fd = openat(files->dirfd, ENVRC, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return cage_error_sys(err, errno, "cannot open " ENVRC);
    if (cage_fs_read_fd(fd, FILE_MAX, text, err) < 0)
        return cage_error_wrap(err, ENVRC);
    *mode = st.st_mode & 07777;
    return 1;
}

bool cage_files_present(const struct cage_files *files)
{
    CAGE_STRBUF_AUTO text = {0};
    CAGE_STRBUF_AUTO rest = {0};
    enum cage_envrc_state state;
    struct cage_error err;
    struct stat st;
    mode_t mode;

    cage_strbuf_init(&text);
    cage_strbuf_init(&rest);
    if (exists(files, CONFIG, &st) || exists(files, STATE, &st))
        return true;
    if (read_envrc(files, &text, &mode, &err) <= 0)
        return false;
    return cage_envrc_remove_block(text.buf, text.len, &rest, &state, &err) < 0 ||
           state != CAGE_ENVRC_NO_BLOCK;
}

int cage_files_put(int dirfd_, const char *name, const struct cage_strbuf *text, mode_t mode,
                   struct cage_error *err)
{
    mode_t mask = mode ? umask(0) : 0;
    int rc = cage_fs_write_atomic(dirfd_, name, text->buf, text->len, mode ? mode & 0777 : 0644, err);

    if (mode)
        umask(mask);
    return rc;
}

/* Opens a directory below fd_, made if missing; -1 with *err when something else is in its place. */
static int open_subdirectory(int fd_, const char *name, const char *shown, mode_t mode, bool *made,
                             struct cage_error *err)
{
    struct stat st;
    int fd;

    *made = mkdirat(fd_, name, mode) == 0;
    if (!*made && errno != EEXIST)
        return cage_error_sys(err, errno, "cannot create the directory %s", shown);
    fd = openat(fd_, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    if (fstatat(fd_, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
        return not_ours(shown, &st, "a directory of its own", err);
    return cage_error_sys(err, errno, "cannot open %s", shown);
}

int cage_files_make_state(int dirfd_, bool *made, struct cage_error *err)
{
    struct cage_strbuf ignore = {.buf = (char[]){"*\n"}, .len = 2};
    bool made_local, made_ignore;
    cage_autofd int state = open_subdirectory(dirfd_, STATE, STATE, 0755, made, err);
    cage_autofd int local = -1;
    struct stat st;

    if (state < 0)
        return -1;
    made_ignore = fstatat(state, ".gitignore", &st, AT_SYMLINK_NOFOLLOW) < 0;
    if (made_ignore && cage_files_put(state, ".gitignore", &ignore, 0, err) < 0)
        return cage_error_wrap(err, STATE);
    local = open_subdirectory(state, "local", STATE "/local", 0700, &made_local, err);
    if (local < 0)
        return -1;
    if (*made || made_ignore || made_local)
        if ((fsync(state) < 0 || fsync(dirfd_) < 0) && errno != EINVAL)
            return cage_error_sys(err, errno, "cannot sync " STATE);
    return 0;
}

static int make_state(struct cage_files *files, struct undo *undo, struct cage_error *err)
{
    cage_autofd int state = -1;

    if (cage_files_make_state(files->dirfd, &undo->made_state, err) < 0)
        return -1;
    state = openat(files->dirfd, STATE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (state >= 0)
        sweep(state);
    if (undo->made_state)
        cage_strv_add(&files->done, STATE "/\tthe cage's own files, ignored by git");
    return 0;
}

static int extend_envrc(struct cage_files *files, struct undo *undo, struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};
    mode_t mode = 0;
    int there = read_envrc(files, &undo->envrc, &mode, err);

    cage_strbuf_init(&text);
    if (there < 0 || cage_envrc_add_block(there ? undo->envrc.buf : NULL, undo->envrc.len, &text, err) < 0)
        return -1;
    if (there && text.len == undo->envrc.len && memcmp(text.buf, undo->envrc.buf, text.len) == 0)
        return 0;
    /* Before: it may fail once the new file is in its place. */
    undo->made_envrc = !there;
    undo->envrc_mode = there ? mode : 0;
    if (cage_files_put(files->dirfd, ENVRC, &text, mode, err) < 0)
        return -1;
    cage_strv_add(&files->done,
                  there ? ENVRC "\tnixcage's lines added, yours kept" : ENVRC "\tlets direnv load it");
    return 0;
}

/* Nothing of a failed init stays, if the file system lets us. */
static void take_back(struct cage_files *files, const struct undo *undo)
{
    struct cage_error ignored;

    if (!undo->had_config)
        unlinkat(files->dirfd, CONFIG, 0);
    if (undo->made_envrc)
        unlinkat(files->dirfd, ENVRC, 0);
    if (undo->envrc_mode)
        (void)!cage_files_put(files->dirfd, ENVRC, &undo->envrc, undo->envrc_mode, &ignored);
    if (undo->made_state)
        (void)!cage_fs_remove_tree(files->dirfd, STATE, &ignored);
}

/* Keeps the old nixcage.toml, unless it is what will be written: a run that was killed has kept it already.
 */
static int back_up(struct cage_files *files, const char *config, size_t n, struct cage_error *err)
{
    CAGE_STRBUF_AUTO old = {0};
    cage_autofd int fd = openat(files->dirfd, CONFIG, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;

    cage_strbuf_init(&old);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (exists(files, CONFIG, &st) && !S_ISREG(st.st_mode))
        return not_ours(CONFIG, &st, "a file", err);
    if (fd < 0)
        return cage_error_sys(err, errno, "cannot open " CONFIG);
    if (cage_fs_read_fd(fd, FILE_MAX, &old, err) < 0)
        return cage_error_wrap(err, CONFIG);
    if (old.len == n && memcmp(old.buf, config, n) == 0)
        return 0;
    if (fstat(fd, &st) < 0)
        return cage_error_sys(err, errno, "cannot stat " CONFIG);
    if (cage_files_put(files->dirfd, BACKUP, &old, st.st_mode, err) < 0)
        return -1;
    cage_strv_add(&files->done, BACKUP "\tthe old one");
    return 0;
}

static int make_all(struct cage_files *files, const char *config, size_t n, struct undo *undo,
                    struct cage_error *err)
{
    if (make_state(files, undo, err) < 0 || extend_envrc(files, undo, err) < 0 ||
        back_up(files, config, n, err) < 0)
        return -1;
    return cage_fs_write_atomic(files->dirfd, CONFIG, config, n, 0644, err);
}

int cage_files_init(struct cage_files *files, const char *config, size_t n, bool replace,
                    struct cage_error *err)
{
    struct stat st;
    struct undo undo = {.had_config = exists(files, CONFIG, &st)};
    int rc;

    if (undo.had_config && !replace) {
        cage_error_set(err, CAGE_ERR_PROJECT, "%s/" CONFIG " is already there", files->root);
        return cage_error_hint(
            err, "keep it and go on, or replace it with --force (the old one is kept as " BACKUP ")");
    }
    if (undo.had_config && !S_ISREG(st.st_mode))
        return not_ours(CONFIG, &st, "a file", err);
    cage_strbuf_init(&undo.envrc);
    rc = make_all(files, config, n, &undo, err);
    if (rc < 0)
        take_back(files, &undo);
    else
        cage_strv_add(&files->done, CONFIG "\twhat the cage is");
    cage_strbuf_finish(&undo.envrc);
    return rc;
}

static int strip_envrc(struct cage_files *files, struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};
    CAGE_STRBUF_AUTO rest = {0};
    enum cage_envrc_state state;
    struct stat st;
    mode_t mode = 0;
    int there;

    cage_strbuf_init(&text);
    cage_strbuf_init(&rest);
    if (!exists(files, ENVRC, &st))
        return 0;
    if (!S_ISREG(st.st_mode)) {
        cage_strv_add(&files->kept, ENVRC "\tnot a plain file, so not nixcage's");
        return 0;
    }
    there = read_envrc(files, &text, &mode, err);
    if (there <= 0 || cage_envrc_remove_block(text.buf, text.len, &rest, &state, err) < 0)
        return there == 0 ? 0 : -1;
    if (state == CAGE_ENVRC_NO_BLOCK)
        return 0;
    if (state == CAGE_ENVRC_IN_USERS) {
        cage_strv_add(&files->done, ENVRC "\tnixcage's lines removed, yours kept");
        return cage_files_put(files->dirfd, ENVRC, &rest, mode, err);
    }
    cage_strv_add(&files->done, ENVRC "\t");
    if (unlinkat(files->dirfd, ENVRC, 0) < 0 && errno != ENOENT)
        return cage_error_sys(err, errno, "cannot remove " ENVRC);
    return 0;
}

static int remove_state(struct cage_files *files, struct cage_error *err)
{
    struct stat st;

    if (!exists(files, STATE, &st))
        return 0;
    if (!S_ISDIR(st.st_mode)) {
        cage_strv_add(&files->kept, STATE "\tnot a directory, so not nixcage's");
        return 0;
    }
    if (cage_fs_remove_tree(files->dirfd, STATE, err) < 0)
        return cage_error_wrap(err, STATE);
    cage_strv_add(&files->done, STATE "/\t");
    return 0;
}

int cage_files_destroy(struct cage_files *files, bool keep_config, struct cage_error *err)
{
    struct stat st;

    if (strip_envrc(files, err) < 0 || remove_state(files, err) < 0)
        return -1;
    if (!keep_config && exists(files, CONFIG, &st)) {
        if (S_ISDIR(st.st_mode)) {
            cage_strv_add(&files->kept, CONFIG "\ta directory, so not nixcage's");
        } else if (unlinkat(files->dirfd, CONFIG, 0) < 0 && errno != ENOENT) {
            return cage_error_sys(err, errno, "cannot remove " CONFIG);
        } else {
            cage_strv_add(&files->done, CONFIG "\t");
        }
    }
    if (exists(files, BACKUP, &st))
        cage_strv_add(&files->kept, BACKUP "\tyour earlier configuration");
    if (fsync(files->dirfd) < 0 && errno != EINVAL && errno != EROFS)
        return cage_error_sys(err, errno, "cannot sync %s", files->root);
    return 0;
}
