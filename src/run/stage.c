/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/stage.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "run/mount_api.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Up to here bwrap itself is as fast: the user namespace that staging needs costs half a millisecond. */
enum { WORTH_STAGING = 40 };

/* What hides a file, while the stage is laid out. */
#define EMPTY_NAME "/.nixcage-empty"

struct stage {
    int root;       /* O_PATH on CAGE_STAGE_DIR */
    dev_t made[64]; /* file systems we mounted: only in those may mount points be made */
    size_t n_made;
};

bool cage_stage_wanted(const struct cage_plan *plan)
{
    size_t binds = 0;

    for (size_t i = 0; i < plan->n_ops; i++)
        binds += plan->ops[i].kind == CAGE_OP_BIND || plan->ops[i].kind == CAGE_OP_PIN;
    return binds > WORTH_STAGING;
}

/* What bwrap makes itself, and what lies on top of it. */
static bool is_left_to_bwrap(const struct cage_op *op)
{
    return op->kind == CAGE_OP_PROC || op->kind == CAGE_OP_DEV || op->kind == CAGE_OP_SEAL ||
           cage_path_is_under(op->dest, "/proc") || cage_path_is_under(op->dest, "/dev");
}

void cage_stage_rest(const struct cage_plan *plan, struct cage_plan *rest)
{
    const struct cage_reason reason = {.rule = "staged root"};
    struct cage_op *op;

    cage_plan_init(rest);
    rest->net = plan->net;
    rest->nested = plan->nested;
    op = cage_plan_add(rest, CAGE_OP_BIND, CAGE_STAGE_DIR, "/", reason);
    op->writable = true;
    for (size_t i = 0; i < plan->n_ops; i++) {
        const struct cage_op *from = &plan->ops[i];

        if (!is_left_to_bwrap(from))
            continue;
        op = cage_plan_add(rest, from->kind, from->source, from->dest, from->reason);
        op->content = cage_strdup(from->content);
        op->writable = from->writable;
        op->mode = from->mode;
    }
}

static int write_proc(const char *path, const char *text, struct cage_error *err)
{
    cage_autofd int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        return cage_error_sys(err, errno, "cannot write %s", path);
    return 0;
}

static int enter_namespaces(struct cage_error *err)
{
    cage_autofree char *uid_map = cage_format("%u %u 1\n", (unsigned)geteuid(), (unsigned)geteuid());
    cage_autofree char *gid_map = cage_format("%u %u 1\n", (unsigned)getegid(), (unsigned)getegid());

    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return cage_error_sys(err, errno, "cannot make a user namespace for the mounts");
    if (write_proc("/proc/self/setgroups", "deny", err) < 0 ||
        write_proc("/proc/self/uid_map", uid_map, err) < 0 ||
        write_proc("/proc/self/gid_map", gid_map, err) < 0)
        return -1;
    if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
        return cage_error_sys(err, errno, "cannot detach the mounts from the host's");
    return 0;
}

/* Opens a copy of the mount at the op's source, as the plan saw it. */
static int clone_source(const struct cage_op *op, struct cage_error *err)
{
    cage_autofd int fd =
        (int)syscall(SYS_open_tree, AT_FDCWD, op->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return cage_error_sys(err, errno, "cannot open %s for mounting", op->source);
    if (op->verify && (st.st_dev != op->dev || st.st_ino != op->ino)) {
        cage_error_set(err, CAGE_ERR_CAGE, "%s was replaced while the cage was being built", op->source);
        return cage_error_hint(
            err, "run the command again; if this repeats, something changes the path on purpose");
    }
    if (!op->writable && op->kind != CAGE_OP_PIN)
        attr.attr_set |= MOUNT_ATTR_RDONLY;
    if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) < 0)
        return cage_error_sys(err, errno, "cannot set the mount flags of %s", op->source);
    return cage_steal_fd(&fd);
}

static int open_sources(const struct cage_plan *plan, int *fds, struct cage_error *err)
{
    for (size_t i = 0; i < plan->n_ops; i++) {
        const struct cage_op *op = &plan->ops[i];

        if ((op->kind != CAGE_OP_BIND && op->kind != CAGE_OP_PIN) || is_left_to_bwrap(op))
            continue;
        fds[i] = clone_source(op, err);
        if (fds[i] < 0)
            return -1;
    }
    return 0;
}

static bool is_ours(const struct stage *stage, dev_t dev)
{
    for (size_t i = 0; i < stage->n_made; i++)
        if (stage->made[i] == dev)
            return true;
    return false;
}

/*
 * Opens the directory `path` of the stage, making missing components, but only in file systems of ours:
 * nothing is ever created on the host.
 */
static int open_dir(const struct stage *stage, const char *path, struct cage_error *err)
{
    cage_autofd int at = fcntl(stage->root, F_DUPFD_CLOEXEC, 0);

    while (at >= 0 && *path) {
        size_t n = strcspn(path, "/");
        cage_autofree char *name = cage_strndup(path, n);
        struct stat st;
        int next;

        path += n;
        path += strspn(path, "/");
        if (n == 0)
            continue;
        next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0 && errno == ENOENT && fstat(at, &st) == 0 && is_ours(stage, st.st_dev) &&
            mkdirat(at, name, 0755) == 0)
            next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
            return cage_error_sys(err, errno, "cannot make the mount point directory %s", name);
        cage_close(&at);
        at = next;
    }
    return at >= 0 ? cage_steal_fd(&at) : cage_error_sys(err, errno, "cannot open the stage");
}

static int open_parent(const struct stage *stage, const char *dest, struct cage_error *err)
{
    cage_autofree char *dir = cage_path_dirname(dest);

    return open_dir(stage, dir, err);
}

/* Makes an empty file or directory to mount on, where there is none, and opens it. */
static int open_mount_point(const struct stage *stage, const char *dest, bool is_dir, struct cage_error *err)
{
    cage_autofd int parent = -1;
    const char *name = cage_path_basename(dest);
    struct stat st;
    int fd;

    if (is_dir)
        return open_dir(stage, dest, err);
    parent = open_parent(stage, dest, err);
    if (parent < 0)
        return -1;
    fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && fstat(parent, &st) == 0 && is_ours(stage, st.st_dev)) {
        fd = openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
        cage_close(&fd);
        fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    }
    return fd >= 0 ? fd : cage_error_sys(err, errno, "cannot make the mount point %s", dest);
}

static int attach(const struct stage *stage, int tree, const char *dest, struct cage_error *err)
{
    cage_autofd int at = -1;
    struct stat st;

    if (fstat(tree, &st) < 0)
        return cage_error_sys(err, errno, "cannot look at the mount for %s", dest);
    at = open_mount_point(stage, dest, S_ISDIR(st.st_mode), err);
    if (at < 0)
        return -1;
    if (syscall(SYS_move_mount, tree, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return cage_error_sys(err, errno, "cannot mount at %s", dest);
    return 0;
}

/* A descriptor's path that mount(2) takes. */
static int mount_tmpfs_at(int at, mode_t mode, bool read_only, struct cage_error *err)
{
    cage_autofree char *target = cage_format("/proc/self/fd/%d", at);
    cage_autofree char *options = cage_format("mode=%04o", (unsigned)mode);

    if (mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV | (read_only ? MS_RDONLY : 0), options) < 0)
        return cage_error_sys(err, errno, "cannot mount a tmpfs");
    return 0;
}

static int do_tmpfs(struct stage *stage, const struct cage_op *op, struct cage_error *err)
{
    cage_autofd int at = open_mount_point(stage, op->dest, true, err);
    cage_autofd int inside = -1;
    struct stat st;

    if (at < 0 || mount_tmpfs_at(at,
                                 op->mode                       ? op->mode
                                 : op->kind == CAGE_OP_MASK_DIR ? 0555
                                                                : 0755,
                                 op->kind == CAGE_OP_MASK_DIR, err) < 0)
        return -1;
    if (op->kind == CAGE_OP_MASK_DIR)
        return 0;
    inside = open_dir(stage, op->dest, err);
    if (inside >= 0 && fstat(inside, &st) == 0 && stage->n_made < CAGE_LEN(stage->made))
        stage->made[stage->n_made++] = st.st_dev;
    return inside < 0 ? -1 : 0;
}

static int do_file(const struct stage *stage, const struct cage_op *op, struct cage_error *err)
{
    cage_autofd int parent = open_parent(stage, op->dest, err);
    cage_autofd int fd = -1;

    if (parent < 0)
        return -1;
    fd = openat(parent, cage_path_basename(op->dest), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd < 0)
        return cage_error_sys(err, errno, "cannot make %s", op->dest);
    if (op->content && cage_fs_write_all(fd, op->content, strlen(op->content), err) < 0)
        return cage_error_wrap(err, "%s", op->dest);
    return fchmod(fd, op->mode ? op->mode : 0644) < 0 ? cage_error_sys(err, errno, "chmod %s", op->dest) : 0;
}

/* An unreadable empty file of ours over the real one. */
static int do_mask_file(const struct stage *stage, const struct cage_op *op, struct cage_error *err)
{
    char path[] = CAGE_STAGE_DIR EMPTY_NAME;
    const struct cage_op bind = {.kind = CAGE_OP_BIND, .source = path, .dest = op->dest};
    cage_autofd int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0000);
    cage_autofd int tree = -1;

    if (fd < 0 && errno != EACCES)
        return cage_error_sys(err, errno, "cannot make %s", path);
    tree = clone_source(&bind, err);
    return tree < 0 ? -1 : attach(stage, tree, op->dest, err);
}

static int do_small(const struct stage *stage, const struct cage_op *op, struct cage_error *err)
{
    cage_autofd int parent = -1;

    if (op->kind == CAGE_OP_DIR) {
        cage_autofd int dir = open_dir(stage, op->dest, err);
        cage_autofree char *path = cage_format("/proc/self/fd/%d", dir);

        if (dir < 0)
            return -1;
        return op->mode && chmod(path, op->mode) < 0 ? cage_error_sys(err, errno, "chmod %s", op->dest) : 0;
    }
    parent = open_parent(stage, op->dest, err);
    if (parent < 0)
        return -1;
    if (symlinkat(op->source, parent, cage_path_basename(op->dest)) < 0)
        return cage_error_sys(err, errno, "cannot make the symlink %s", op->dest);
    return 0;
}

static int carry_out(struct stage *stage, const struct cage_op *op, int tree, struct cage_error *err)
{
    switch (op->kind) {
    case CAGE_OP_BIND:
    case CAGE_OP_PIN:
        return attach(stage, tree, op->dest, err);
    case CAGE_OP_TMPFS:
    case CAGE_OP_MASK_DIR:
        return do_tmpfs(stage, op, err);
    case CAGE_OP_FILE:
        return do_file(stage, op, err);
    case CAGE_OP_MASK_FILE:
        return do_mask_file(stage, op, err);
    case CAGE_OP_DIR:
    case CAGE_OP_SYMLINK:
        return do_small(stage, op, err);
    case CAGE_OP_PROC:
    case CAGE_OP_DEV:
    case CAGE_OP_SEAL:
        break;
    }
    return 0;
}

static int open_root(struct stage *stage, struct cage_error *err)
{
    cage_autofd int under = open(CAGE_STAGE_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (under < 0)
        return cage_error_sys(err, errno, "cannot open %s", CAGE_STAGE_DIR);
    if (mount_tmpfs_at(under, 0755, false, err) < 0)
        return -1;
    stage->root = open(CAGE_STAGE_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return stage->root < 0 ? cage_error_sys(err, errno, "cannot open the stage") : 0;
}

static int lay_out(const struct cage_plan *plan, const int *fds, struct cage_error *err)
{
    struct stage stage = {.root = -1};
    struct stat st;
    int rc = open_root(&stage, err);

    if (rc == 0 && fstat(stage.root, &st) == 0)
        stage.made[stage.n_made++] = st.st_dev;
    for (size_t i = 0; rc == 0 && i < plan->n_ops; i++)
        if (!is_left_to_bwrap(&plan->ops[i]))
            rc = carry_out(&stage, &plan->ops[i], fds[i], err);
    for (size_t i = 0; rc == 0 && i < 2; i++) {
        cage_autofd int dir = open_dir(&stage, i ? "/dev" : "/proc", err);

        rc = dir < 0 ? -1 : 0;
    }
    /* The mounts keep it; an unlinked file could not be mounted. */
    if (rc == 0 && unlinkat(stage.root, &EMPTY_NAME[1], 0) < 0 && errno != ENOENT)
        rc = cage_error_sys(err, errno, "cannot remove %s", EMPTY_NAME);
    cage_close(&stage.root);
    return rc;
}

int cage_stage_enter(const struct cage_plan *plan, struct cage_error *err)
{
    int *fds = cage_alloc((plan->n_ops + 1) * sizeof *fds);
    int rc;

    for (size_t i = 0; i < plan->n_ops; i++)
        fds[i] = -1;
    rc = enter_namespaces(err);
    if (rc == 0)
        rc = open_sources(plan, fds, err);
    if (rc == 0)
        rc = lay_out(plan, fds, err);
    for (size_t i = 0; i < plan->n_ops; i++)
        cage_close(&fds[i]);
    free(fds);
    return rc;
}
