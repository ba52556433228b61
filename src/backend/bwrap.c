/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plan as arguments of bubblewrap 0.8 (bwrap(1)); nothing newer is used. Every word that comes from
 * outside is the operand of an option, and bwrap takes operands as they are: none can become an option. That
 * operands are absolute is checked all the same.
 */
#include "backend/backend.h"
#include "base/mem.h"

#include <string.h>

enum { OLDEST = 800 };

/* What every cage has, whatever the plan. bwrap sets no_new_privs by itself. */
static const char *const always[] = {
    "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup", "--as-pid-1",
    "--cap-drop",     "ALL",           "--hostname",    "nixcage",       "--chdir",          "/",
};

struct renderer {
    const struct cage_plan *plan;
    struct cage_bwrap_args *out;
    struct cage_error *err;
};

void cage_bwrap_args_finish(struct cage_bwrap_args *args)
{
    cage_strv_finish(&args->args);
    cage_strv_finish(&args->files);
}

static void word(struct renderer *r, const char *s)
{
    cage_strv_add(&r->out->args, s);
}

static int path(struct renderer *r, const char *s)
{
    if (!s || s[0] != '/')
        return cage_error_set(r->err, CAGE_ERR_INTERNAL, "not an absolute path in the plan: %s",
                              s ? s : "(none)");
    word(r, s);
    return 0;
}

/* --perms applies to the next option only. */
static void perms(struct renderer *r, mode_t mode)
{
    word(r, "--perms");
    cage_strv_addf(&r->out->args, "%04o", mode & 07777);
}

static void content(struct renderer *r, const char *text)
{
    cage_strv_addf(&r->out->args, "FD:%zu", r->out->files.n);
    cage_strv_add(&r->out->files, text);
}

static int bind_path(struct renderer *r, const struct cage_op *op)
{
    word(r, op->kind == CAGE_OP_PIN || op->writable ? "--bind" : "--ro-bind");
    return path(r, op->source) < 0 ? -1 : path(r, op->dest);
}

static int tmpfs(struct renderer *r, const struct cage_op *op)
{
    perms(r, op->mode ? op->mode : 0755);
    word(r, "--tmpfs");
    return path(r, op->dest);
}

static int dir(struct renderer *r, const struct cage_op *op)
{
    perms(r, op->mode ? op->mode : 0755);
    word(r, "--dir");
    return path(r, op->dest);
}

static int link_to(struct renderer *r, const struct cage_op *op)
{
    word(r, "--symlink");
    return path(r, op->source) < 0 ? -1 : path(r, op->dest);
}

static int file(struct renderer *r, const struct cage_op *op)
{
    perms(r, op->mode ? op->mode : 0644);
    word(r, "--file");
    content(r, op->content);
    return path(r, op->dest);
}

static int mask_dir(struct renderer *r, const struct cage_op *op)
{
    perms(r, 0555);
    word(r, "--tmpfs");
    if (path(r, op->dest) < 0)
        return -1;
    word(r, "--remount-ro");
    return path(r, op->dest);
}

static int mask_file(struct renderer *r, const struct cage_op *op)
{
    perms(r, 0);
    word(r, "--ro-bind-data");
    content(r, "");
    return path(r, op->dest);
}

static int proc(struct renderer *r, const struct cage_op *op)
{
    word(r, "--proc");
    return path(r, op->dest);
}

static int dev(struct renderer *r, const struct cage_op *op)
{
    word(r, "--dev");
    return path(r, op->dest);
}

static int seal(struct renderer *r, const struct cage_op *op)
{
    word(r, "--remount-ro");
    return path(r, op->dest);
}

static int (*const renderers[])(struct renderer *r, const struct cage_op *op) = {
    [CAGE_OP_BIND] = bind_path,    [CAGE_OP_PIN] = bind_path,       [CAGE_OP_TMPFS] = tmpfs,
    [CAGE_OP_DIR] = dir,           [CAGE_OP_SYMLINK] = link_to,     [CAGE_OP_FILE] = file,
    [CAGE_OP_MASK_DIR] = mask_dir, [CAGE_OP_MASK_FILE] = mask_file, [CAGE_OP_PROC] = proc,
    [CAGE_OP_DEV] = dev,           [CAGE_OP_SEAL] = seal,
};

/* The init goes in before the first mask or seal, when its directory can still be made. */
static bool is_late(enum cage_op_kind kind)
{
    return kind == CAGE_OP_MASK_DIR || kind == CAGE_OP_MASK_FILE || kind == CAGE_OP_SEAL;
}

static int add_init(struct renderer *r, const char *init_path)
{
    word(r, "--ro-bind");
    if (path(r, init_path) < 0)
        return -1;
    word(r, CAGE_INIT_DEST);
    return 0;
}

static int render(struct renderer *r, const char *init_path)
{
    bool has_init = false;

    for (size_t i = 0; i < CAGE_LEN(always); i++)
        word(r, always[i]);
    if (r->plan->net != CAGE_NET_HOST)
        word(r, "--unshare-net");
    for (size_t i = 0; i < r->plan->n_ops; i++) {
        const struct cage_op *op = &r->plan->ops[i];

        if (!has_init && is_late(op->kind)) {
            if (add_init(r, init_path) < 0)
                return -1;
            has_init = true;
        }
        if (renderers[op->kind](r, op) < 0)
            return -1;
    }
    return has_init ? 0 : add_init(r, init_path);
}

int cage_bwrap_render(const struct cage_plan *plan, int version, const char *init_path,
                      struct cage_bwrap_args *out, struct cage_error *err)
{
    struct renderer r = {.plan = plan, .out = out, .err = err};

    *out = (struct cage_bwrap_args){0};
    if (version < OLDEST) {
        cage_error_set(err, CAGE_ERR_MISSING, "bubblewrap 0.8.0 or newer is needed");
        return cage_error_hint(err, "nixcage status says how to get it here");
    }
    if (render(&r, init_path) == 0)
        return 0;
    cage_bwrap_args_finish(out);
    return -1;
}
