/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a cage is at each level before anything else is added. */
#include "base/mem.h"
#include "base/path.h"
#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    enum cage_op_kind kind;
    const char *dest;
    mode_t mode;
    const char *rule;
} base[] = {
    {CAGE_OP_PROC, "/proc", 0, "new /proc of the cage's processes"},
    {CAGE_OP_DEV, "/dev", 0, "minimal /dev"},
    {CAGE_OP_TMPFS, "/tmp", 01777, "empty temporary directory"},
    {CAGE_OP_TMPFS, "/run", 0755, "empty run-time directory"},
    {CAGE_OP_TMPFS, "/var/tmp", 01777, "empty temporary directory"},
    {CAGE_OP_DIR, "/bin", 0755, "place for symlinks"},
    {CAGE_OP_DIR, "/etc", 0755, "place for a few files"},
    {CAGE_OP_DIR, "/nix", 0755, "place for the store"},
    {CAGE_OP_DIR, "/usr", 0755, "place for symlinks"},
    {CAGE_OP_DIR, "/usr/bin", 0755, "place for symlinks"},
    {CAGE_OP_DIR, "/run/nixcage", 0755, "nixcage's own files"},
    {CAGE_OP_SEAL, "/", 0, "the root directory is read-only"},
};

/*
 * Kernel settings that root may write whatever its capabilities, because it owns the files: core_pattern
 * is a program that the kernel runs on the host.
 */
static const char *const root_only[] = {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"};

static int add_proc_guards(struct cage_planner *p, struct cage_error *err)
{
    if (p->host->uid != 0 || p->config->nested)
        return 0;
    for (size_t i = 0; i < CAGE_LEN(root_only); i++)
        if (cage_plan_bind(p, root_only[i], root_only[i], CAGE_BIND_OPTIONAL,
                           cage_rule("kernel settings are read-only for root"), err) < 0)
            return -1;
    return 0;
}

static int add_home(struct cage_planner *p, struct cage_error *err)
{
    struct cage_reason reason = cage_rule(
        p->config->level == CAGE_LEVEL_RELAXED ? "level relaxed: the real home, read-only" : "empty home");
    int added = 0;

    reason.mark = p->config->marks[CAGE_KEY_SANDBOX_LEVEL];
    if (p->config->level == CAGE_LEVEL_RELAXED)
        added = cage_plan_bind(p, p->home, p->home, CAGE_BIND_OPTIONAL, reason, err);
    if (added == 0)
        cage_plan_add(p->plan, CAGE_OP_TMPFS, NULL, p->home, reason)->mode = 0700;
    return added < 0 ? -1 : 0;
}

int cage_plan_add_base(struct cage_planner *p, struct cage_error *err)
{
    for (size_t i = 0; i < CAGE_LEN(base); i++) {
        struct cage_op *op =
            cage_plan_add(p->plan, base[i].kind, NULL, base[i].dest, cage_rule(base[i].rule));

        op->mode = base[i].mode;
        /* bwrap would make missing directories with mode 0700; the system's own ones take their place. */
        op->soft = base[i].kind == CAGE_OP_DIR;
    }
    if (add_proc_guards(p, err) < 0)
        return -1;
    return add_home(p, err);
}

/* Directories that the cage makes itself: a project that is one of them, or holds one, cannot be shown. */
static const char *const reserved[] = {"/nix", "/etc",  "/usr", "/bin",         "/sbin", "/lib", "/lib64",
                                       "/dev", "/proc", "/sys", "/run/nixcage", "/run",  "/tmp", "/var/tmp"};

static int check_project_place(const struct cage_planner *p, struct cage_error *err)
{
    for (size_t i = 0; i < CAGE_LEN(reserved); i++)
        if (cage_path_is_under(reserved[i], p->root)) {
            cage_error_set(err, CAGE_ERR_PROJECT, "%s cannot be a project: the cage has its own %s", p->root,
                           reserved[i]);
            return cage_error_hint(err, "move nixcage.toml into a directory of its own");
        }
    return cage_project_check_place(p->host, p->root, err);
}

/* Below .nixcage/local, made before the cage starts; contract.md: persistent caches live there. */
static const char *const local_dirs[] = {"cache", "config", "data", "run", "state", "tmp"};

static void list_local_dirs(struct cage_planner *p)
{
    cage_autofree char *dot = cage_path_join(p->root, ".nixcage");

    cage_strv_add(&p->plan->make_dirs, dot);
    cage_strv_add(&p->plan->make_dirs, p->local);
    for (size_t i = 0; i < CAGE_LEN(local_dirs); i++)
        cage_strv_addf(&p->plan->make_dirs, "%s/%s", p->local, local_dirs[i]);
}

/* A bind of a directory in the project that may be made only just before the run. */
static int add_own_dir(struct cage_planner *p, const char *dir, bool writable, const char *rule,
                       struct cage_error *err)
{
    struct cage_file_fact fact;
    struct cage_op *op;

    if (p->host->lookup(p->host, dir, &fact, err) < 0)
        return -1;
    if (fact.is_symlink || (fact.type != CAGE_FILE_NONE && fact.type != CAGE_FILE_DIR)) {
        cage_file_fact_finish(&fact);
        cage_error_set(err, CAGE_ERR_PROJECT, "%s is not a directory of its own (a symlink or a file)", dir);
        return cage_error_hint(err, "remove it: nixcage makes it anew");
    }
    op = cage_plan_add(p->plan, CAGE_OP_BIND, dir, dir, cage_rule(rule));
    op->writable = writable;
    op->verify = fact.type == CAGE_FILE_DIR;
    op->dev = fact.dev;
    op->ino = fact.ino;
    cage_file_fact_finish(&fact);
    return 0;
}

/* The start directory: where the user is, if that is in the project. */
static char *start_directory(const struct cage_planner *p)
{
    if (!p->project_mounted)
        return cage_strdup(p->home);
    return cage_strdup(cage_path_is_under(p->host->cwd, p->root) ? p->host->cwd : p->root);
}

int cage_plan_add_project(struct cage_planner *p, struct cage_error *err)
{
    cage_autofree char *dot = cage_path_join(p->root, ".nixcage");
    struct cage_reason reason = cage_rule("the project");

    p->plan->cwd = start_directory(p);
    if (!p->project_mounted)
        return 0;
    if (check_project_place(p, err) < 0)
        return -1;
    p->local_name = cage_strdup(".nixcage/local");
    p->local = cage_path_join(p->root, p->local_name);
    p->plan->project_root = cage_strdup(p->root);
    list_local_dirs(p);
    if (cage_plan_bind(p, p->root, p->root, CAGE_BIND_RW, reason, err) < 0)
        return -1;
    if (add_own_dir(p, dot, false, "protected", err) < 0)
        return -1;
    return add_own_dir(p, p->local, true, "persistent caches", err);
}
