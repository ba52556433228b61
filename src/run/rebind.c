/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/rebind.h"
#include "base/fs.h"
#include "base/mem.h"
#include "run/mount_api.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 5, RETRY_MS = 1, LEASE_TRIES = 20, LEASE_MS = 10, NULL_MAJOR = 1, NULL_MINOR = 3 };

static void sleep_ms(int ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000L};

    (void)nanosleep(&time, NULL);
}

static bool is_mask(const struct cage_rebind *item)
{
    return item->kind == CAGE_OP_MASK_DIR || item->kind == CAGE_OP_MASK_FILE;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether the object that `inside` is open on is the top of a mount (statx(2), Linux 5.8). */
static bool is_mount_root(int inside)
{
    struct statx stx = {.stx_mask = 0};

    return statx(inside, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_INO, &stx) == 0 &&
           (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static bool is_read_only(int inside)
{
    struct statvfs fs;

    return fstatvfs(inside, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

/* Whether what the cage sees is the mount that the plan meant, over the host's object as it is now. */
static bool is_in_place(const struct cage_rebind *item, int inside, const struct stat *seen,
                        const struct stat *host)
{
    if (is_same(seen, host) == is_mask(item) || !is_mount_root(inside))
        return false;
    return item->kind == CAGE_OP_PIN || is_read_only(inside);
}

/* A copy of the mount below `inside`, not attached anywhere yet. */
static int clone_of(int inside, unsigned attributes)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | attributes};
    cage_autofd int tree = (int)syscall(SYS_open_tree, inside, "",
                                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);

    if (tree < 0 ||
        syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) < 0)
        return -1;
    return cage_steal_fd(&tree);
}

/* An empty directory that cannot be written. */
static int empty_dir(void)
{
    cage_autofd int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);

    if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0555", 0) < 0 ||
        syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
                        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

/* The cage's /dev/null as a device that may not be opened: open(2) answers EACCES (mount(2), MS_NODEV). */
static int empty_file(int root)
{
    cage_autofd int null = cage_fs_open_beneath(root, "dev/null", O_PATH | O_NOFOLLOW);
    struct stat st;

    if (null < 0 || fstat(null, &st) < 0)
        return -1;
    if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(NULL_MAJOR, NULL_MINOR)) {
        errno = ENODEV;
        return -1;
    }
    return clone_of(null, MOUNT_ATTR_RDONLY);
}

/* What is to be mounted over `inside`, or -1. */
static int make_mount(const struct cage_rebind *item, int root, int inside, const struct stat *host)
{
    cage_autofd int tree = -1;
    struct stat st;

    if (is_mask(item))
        return S_ISDIR(host->st_mode) ? empty_dir() : empty_file(root);
    if (item->kind == CAGE_OP_PIN && !S_ISDIR(host->st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    tree = clone_of(inside, item->kind == CAGE_OP_PIN ? 0 : MOUNT_ATTR_RDONLY);
    if (tree < 0 || fstat(tree, &st) < 0)
        return -1;
    if (!is_same(&st, host)) {
        errno = ESTALE;
        return -1;
    }
    return cage_steal_fd(&tree);
}

/* What replaces files may be at it still: what was opened is deleted by now, or the cage sees another one. */
static bool is_passing(int sys)
{
    return sys == ENOENT || sys == ENOTDIR || sys == ELOOP || sys == ESTALE;
}

/*
 * One attempt. 1: it is in place. 0: something was mounted, or the cage and the host do not see the same at
 * this moment: look again. -1: it cannot be done.
 */
static int attempt(const struct cage_rebind *item, int root, const struct stat *host)
{
    cage_autofd int inside = cage_fs_open_beneath(root, item->dest + 1, O_PATH | O_NOFOLLOW);
    cage_autofd int tree = -1;
    struct stat seen;

    if (inside < 0 || fstat(inside, &seen) < 0)
        return is_passing(errno) ? 0 : -1;
    if (is_in_place(item, inside, &seen, host))
        return 1;
    if (!is_same(&seen, host))
        return 0;
    tree = make_mount(item, root, inside, host);
    if (tree >= 0 &&
        syscall(SYS_move_mount, tree, "", inside, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0)
        return 0;
    return is_passing(errno) ? 0 : -1;
}

static enum cage_rebind_outcome put_back(const struct cage_rebind *item, int root, int *sys)
{
    for (int i = 0; i < TRIES; i++) {
        struct stat host;
        int rc;

        if (fstatat(item->dirfd, item->name, &host, AT_SYMLINK_NOFOLLOW) < 0) {
            *sys = errno;
            return errno == ENOENT ? CAGE_REBIND_GONE : CAGE_REBIND_FAILED;
        }
        if (S_ISLNK(host.st_mode))
            return CAGE_REBIND_LINK;
        rc = attempt(item, root, &host);
        if (rc > 0)
            return i == 0 ? CAGE_REBIND_FINE : CAGE_REBIND_AGAIN;
        if (rc < 0) {
            *sys = errno;
            return CAGE_REBIND_FAILED;
        }
        if (i > 0)
            sleep_ms(RETRY_MS);
    }
    *sys = ESTALE;
    return CAGE_REBIND_FAILED;
}

/*
 * A read lease is refused while anybody has the file open for writing (fcntl(2)). A program on the host that
 * is just saving it gets time to finish, all of them together *patience. File systems without leases tell
 * nothing.
 */
static bool has_writer(int fd, int *patience)
{
    for (;;) {
        if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
            (void)fcntl(fd, F_SETLEASE, F_UNLCK);
            return false;
        }
        if (errno != EAGAIN)
            return false;
        if ((*patience)-- <= 0)
            return true;
        sleep_ms(LEASE_MS);
    }
}

/* What can be known of a file that the cage could write for a moment. */
static unsigned doubts_of(const struct cage_rebind *item, int *patience)
{
    cage_autofd int fd = -1;
    struct stat st;

    if (item->kind != CAGE_OP_BIND || fstatat(item->dirfd, item->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(st.st_mode))
        return 0;
    fd = openat(item->dirfd, item->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return (st.st_nlink > 1 ? CAGE_DOUBT_LINKS : 0) |
           (fd >= 0 && has_writer(fd, patience) ? CAGE_DOUBT_WRITER : 0);
}

static void tell(int fd, const struct cage_rebind_result *result)
{
    (void)!write(fd, result, sizeof *result); /* at most PIPE_BUF: whole, or the supervisor is gone */
}

/* All of them first: every mount that is missing is a hole. Then what can be known of what happened. */
static _Noreturn void child_main(const struct cage_ns *ns, const struct cage_rebind *items, size_t n, int fd)
{
    int entered, sys, root, patience = LEASE_TRIES;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    entered = cage_ns_enter(ns);
    sys = entered < 0 ? errno : 0;
    root = entered < 0 ? -1 : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < n; i++) {
        struct cage_rebind_result result = {
            .index = items[i].index, .outcome = CAGE_REBIND_FAILED, .sys = sys};

        if (root >= 0)
            result.outcome = (int32_t)put_back(&items[i], root, &result.sys);
        tell(fd, &result);
    }
    for (size_t i = 0; root >= 0 && i < n; i++) {
        struct cage_rebind_result result = {.index = items[i].index, .outcome = CAGE_REBIND_FINE};

        result.doubts = doubts_of(&items[i], &patience);
        tell(fd, &result);
    }
    _exit(0);
}

pid_t cage_rebind_start(const struct cage_ns *ns, const struct cage_rebind *items, size_t n, int *fd,
                        struct cage_error *err)
{
    int ends[2], sys;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return cage_error_sys(err, errno, "cannot make a pipe");
    pid = fork();
    sys = errno;
    if (pid == 0)
        child_main(ns, items, n, ends[1]);
    cage_close(&ends[1]);
    if (pid < 0) {
        cage_close(&ends[0]);
        return cage_error_sys(err, sys, "cannot start a process");
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *fd = ends[0];
    return pid;
}
