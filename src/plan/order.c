/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Puts the operations in the order in which they can be carried out: a mount before what lies on it, masks
 * after everything, the seal last. Of two at one place one gives way. Then every mount point is checked:
 * bubblewrap makes the missing ones, which inside a bind would leave stubs on the host.
 */
#include "base/mem.h"
#include "base/path.h"
#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

static int phase_of(enum cage_op_kind kind)
{
    if (kind == CAGE_OP_SEAL)
        return 2;
    return kind == CAGE_OP_MASK_DIR || kind == CAGE_OP_MASK_FILE ? 1 : 0;
}

/* Whether a comes before b. */
static bool precedes(const struct cage_op *a, const struct cage_op *b)
{
    int phase_a = phase_of(a->kind), phase_b = phase_of(b->kind);

    if (phase_a != phase_b)
        return phase_a < phase_b;
    return cage_path_depth(a->dest) < cage_path_depth(b->dest);
}

/* Insertion sort: stable, and the list is almost in order already. */
static void sort(struct cage_plan *plan)
{
    for (size_t i = 1; i < plan->n_ops; i++) {
        struct cage_op op = plan->ops[i];
        size_t at = i;

        while (at > 0 && precedes(&op, &plan->ops[at - 1])) {
            plan->ops[at] = plan->ops[at - 1];
            at--;
        }
        plan->ops[at] = op;
    }
}

/* How firmly an operation holds its place against another one at the same place. */
static int strength(const struct cage_op *op)
{
    if (phase_of(op->kind) == 1)
        return 5; /* hiding always wins */
    if (op->soft)
        return op->kind == CAGE_OP_DIR ? -1 : 0;
    switch (op->kind) {
    case CAGE_OP_BIND:
        return op->writable ? 3 : 4; /* read-only wins over writable */
    case CAGE_OP_PIN:
        return 2;
    case CAGE_OP_TMPFS:
    case CAGE_OP_DIR:
    case CAGE_OP_SYMLINK:
    case CAGE_OP_FILE:
    case CAGE_OP_MASK_DIR:
    case CAGE_OP_MASK_FILE:
    case CAGE_OP_PROC:
    case CAGE_OP_DEV:
    case CAGE_OP_SEAL:
        break;
    }
    return 1;
}

/* Whether ops[i] gives way to ops[j], at whose place or below which it lies. */
static bool gives_way(const struct cage_plan *plan, size_t i, size_t j, bool same_place)
{
    const struct cage_op *op = &plan->ops[i], *other = &plan->ops[j];
    int a, b;

    if (op->kind == CAGE_OP_SEAL || other->kind == CAGE_OP_SEAL)
        return false;
    if (same_place) {
        a = strength(op);
        b = strength(other);
        return a < b || (a == b && i > j);
    }
    if (phase_of(other->kind) == 1)
        return true;
    return op->soft && (other->kind == CAGE_OP_BIND || other->kind == CAGE_OP_SYMLINK);
}

/*
 * Every pair is looked at, on every run: so lengths are counted once, and one byte tells most pairs apart. A
 * plan of 300 binds has 100,000 pairs.
 */
static bool is_displaced(const struct cage_plan *plan, size_t i)
{
    const struct cage_op *op = &plan->ops[i];

    for (size_t j = 0; j < plan->n_ops; j++) {
        const struct cage_op *other = &plan->ops[j];

        if (j != i && cage_path_is_under_n(op->dest, op->dest_length, other->dest, other->dest_length) &&
            gives_way(plan, i, j, op->dest_length == other->dest_length))
            return true;
    }
    return false;
}

static void let_give_way(struct cage_plan *plan)
{
    for (size_t i = 0; i < plan->n_ops;) {
        if (is_displaced(plan, i))
            cage_plan_remove(plan, i);
        else
            i++;
    }
}

int cage_plan_arrange(struct cage_planner *p, struct cage_error *err)
{
    (void)err;
    let_give_way(p->plan);
    sort(p->plan);
    return 0;
}

/* Whether a mount of op needs a directory to lie on. */
static int wants_directory(const struct cage_planner *p, const struct cage_op *op, bool *dir,
                           struct cage_error *err)
{
    struct cage_file_fact fact;

    *dir = op->kind != CAGE_OP_MASK_FILE;
    if (op->kind != CAGE_OP_BIND)
        return 0;
    if (p->host->lookup(p->host, op->source, &fact, err) < 0)
        return -1;
    *dir = fact.type == CAGE_FILE_DIR;
    cage_file_fact_finish(&fact);
    return 0;
}

static int refuse_place(const struct cage_planner *p, const struct cage_op *op, const char *host_path,
                        struct cage_error *err)
{
    if (op->reason.mark.line > 0)
        cage_config_error(p->config, op->reason.mark, err,
                          "%s cannot be put at %s: there is no such place in %s", op->reason.rule, op->dest,
                          host_path);
    else
        cage_error_set(err, CAGE_ERR_CAGE,
                       "cannot put %s at %s: %s is not there on the host, and a run leaves nothing behind",
                       op->reason.rule, op->dest, host_path);
    return cage_error_hint(err, "make %s, or do not bind the directory that it would lie in", host_path);
}

/* ops[i] lies on the bind or pin `on`: its place must be there on the host as it is. */
static int check_place_on(const struct cage_planner *p, const struct cage_op *op, const struct cage_op *on,
                          struct cage_error *err)
{
    const char *rest = op->dest + (strcmp(on->dest, "/") == 0 ? 0 : strlen(on->dest));
    cage_autofree char *place = cage_format("%s%s", on->source, rest);
    struct cage_file_fact fact;
    bool dir, fits;

    if ((op->kind == CAGE_OP_BIND || op->kind == CAGE_OP_PIN) && strcmp(op->source, place) == 0)
        return 0;
    if (wants_directory(p, op, &dir, err) < 0 || p->host->lookup(p->host, place, &fact, err) < 0)
        return -1;
    fits =
        fact.type != CAGE_FILE_NONE && strcmp(fact.real, place) == 0 && dir == (fact.type == CAGE_FILE_DIR);
    cage_file_fact_finish(&fact);
    return fits ? 0 : refuse_place(p, op, place, err);
}

int cage_plan_check_places(struct cage_planner *p, struct cage_error *err)
{
    for (size_t i = 0; i < p->plan->n_ops; i++) {
        struct cage_plan before = {.ops = p->plan->ops, .n_ops = i};
        const struct cage_op *op = &p->plan->ops[i];
        const struct cage_op *on = cage_plan_covering(&before, op->dest);

        if (op->kind == CAGE_OP_SEAL || !on || (on->kind != CAGE_OP_BIND && on->kind != CAGE_OP_PIN))
            continue;
        if (check_place_on(p, op, on, err) < 0)
            return -1;
    }
    return 0;
}
