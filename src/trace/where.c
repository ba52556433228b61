/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/where.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LINKS = 16 };

/* The last operation that put something at the path or above it. */
static const struct cage_op *covering(const struct cage_plan *plan, const char *path)
{
    const struct cage_op *found = NULL;

    for (size_t i = 0; i < plan->n_ops; i++) {
        const struct cage_op *op = &plan->ops[i];

        if (op->kind != CAGE_OP_PIN && op->kind != CAGE_OP_SEAL && cage_path_is_under(path, op->dest))
            found = op;
    }
    return found;
}

static bool is_sealed(const struct cage_plan *plan, const char *dest)
{
    for (size_t i = 0; i < plan->n_ops; i++)
        if (plan->ops[i].kind == CAGE_OP_SEAL && strcmp(plan->ops[i].dest, dest) == 0)
            return true;
    return false;
}

/* What is below dest of the path: "" or "/x". */
static const char *below(const char *path, const char *dest)
{
    return strcmp(dest, "/") == 0 ? path : path + strlen(dest);
}

static char *follow(const struct cage_op *link, const char *path)
{
    cage_autofree char *dir = cage_path_dirname(link->dest);
    cage_autofree char *target = cage_path_join(dir, link->source);
    cage_autofree char *whole = cage_format("%s%s", target, below(path, link->dest));

    return cage_path_clean(whole);
}

/* A directory that the plan made on the way belongs to what is around it. */
static bool is_open_place(const struct cage_plan *plan, const struct cage_op *op)
{
    if (!op)
        return !is_sealed(plan, "/");
    if (op->kind == CAGE_OP_BIND)
        return op->writable;
    if (op->kind == CAGE_OP_TMPFS)
        return !is_sealed(plan, op->dest);
    if (op->kind == CAGE_OP_DIR && strcmp(op->dest, "/") != 0) {
        cage_autofree char *dir = cage_path_dirname(op->dest);

        return is_open_place(plan, covering(plan, dir));
    }
    return op->kind == CAGE_OP_PROC || op->kind == CAGE_OP_DEV;
}

void cage_where_find(const struct cage_plan *plan, const char *path, struct cage_where *where)
{
    *where = (struct cage_where){.path = cage_strdup(path)};
    for (int links = 0; links < MAX_LINKS; links++) {
        char *next;

        where->op = covering(plan, where->path);
        if (!where->op || where->op->kind != CAGE_OP_SYMLINK)
            break;
        next = follow(where->op, where->path);
        free(where->path);
        where->path = next;
    }
    if (where->op && where->op->kind == CAGE_OP_BIND) {
        cage_autofree char *whole =
            cage_format("%s%s", where->op->source, below(where->path, where->op->dest));

        where->host = cage_path_clean(whole);
    }
    where->writable = is_open_place(plan, where->op);
}

void cage_where_finish(struct cage_where *where)
{
    free(where->path);
    free(where->host);
    *where = (struct cage_where){0};
}

bool cage_where_host_writable(const struct cage_plan *plan, const char *host_path)
{
    for (size_t i = 0; i < plan->n_ops; i++) {
        const struct cage_op *op = &plan->ops[i];
        cage_autofree char *seen = NULL;
        struct cage_where where;
        bool writable;

        if (op->kind != CAGE_OP_BIND || !op->writable || !cage_path_is_under(host_path, op->source))
            continue;
        seen = cage_format("%s%s", strcmp(op->dest, "/") == 0 ? "" : op->dest, below(host_path, op->source));
        cage_where_find(plan, seen, &where);
        writable = where.writable;
        cage_where_finish(&where);
        if (writable)
            return true;
    }
    return false;
}
