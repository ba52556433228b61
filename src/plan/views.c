/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is seen where. A host object under a bind's source is seen below the bind's destination unless another
 * mount lies over it there; protecting and hiding follow objects, not spellings, through these functions.
 */
#include "base/mem.h"
#include "base/path.h"
#include "plan/planner.h"

#include <string.h>

static bool is_mount(enum cage_op_kind kind)
{
    switch (kind) {
    case CAGE_OP_BIND:
    case CAGE_OP_PIN:
    case CAGE_OP_TMPFS:
    case CAGE_OP_MASK_DIR:
    case CAGE_OP_MASK_FILE:
    case CAGE_OP_PROC:
    case CAGE_OP_DEV:
        return true;
    case CAGE_OP_DIR:
    case CAGE_OP_SYMLINK:
    case CAGE_OP_FILE:
    case CAGE_OP_SEAL:
        break;
    }
    return false;
}

static bool shows_host(const struct cage_op *op)
{
    return op->kind == CAGE_OP_BIND || op->kind == CAGE_OP_PIN;
}

/* base + what path has beyond dir, which it is under. */
static char *rebase(const char *path, const char *dir, const char *base)
{
    const char *rest = path + (strcmp(dir, "/") == 0 ? 0 : strlen(dir));

    if (*rest == '\0' || strcmp(rest, "/") == 0)
        return cage_strdup(base);
    return cage_format("%s%s", strcmp(base, "/") == 0 ? "" : base, rest);
}

/* This and the views are most of the work of a plan: lengths are compared before texts. */
const struct cage_op *cage_plan_covering(const struct cage_plan *plan, const char *dest)
{
    const struct cage_op *best = NULL;
    size_t length = strlen(dest), best_length = 0;

    for (size_t i = 0; i < plan->n_ops; i++) {
        const struct cage_op *op = &plan->ops[i];
        size_t n = op->dest_length;

        if (n >= best_length && cage_path_is_under_n(dest, length, op->dest, n) && is_mount(op->kind)) {
            best = op;
            best_length = n;
        }
    }
    return best;
}

const struct cage_op *cage_plan_at(const struct cage_plan *plan, const char *dest)
{
    for (size_t i = 0; i < plan->n_ops; i++)
        if (plan->ops[i].kind != CAGE_OP_SEAL && strcmp(plan->ops[i].dest, dest) == 0)
            return &plan->ops[i];
    return NULL;
}

char *cage_plan_host_path(const struct cage_plan *plan, const char *dest)
{
    const struct cage_op *op = cage_plan_covering(plan, dest);

    return op && shows_host(op) ? rebase(dest, op->dest, op->source) : NULL;
}

/* Whether dest is on a mount that the cage may write to: a pin is only ever made inside one. */
static bool is_writable_at(const struct cage_plan *plan, const char *dest)
{
    const struct cage_op *op = cage_plan_covering(plan, dest);

    return op && (op->kind == CAGE_OP_PIN || (op->kind == CAGE_OP_BIND && op->writable));
}

/* Where op, whose source real is under, shows it; added when nothing else lies over it there. */
static void add_view(const struct cage_plan *plan, const struct cage_op *op, const char *real,
                     bool writable_only, struct cage_strv *dests)
{
    cage_autofree char *dest = rebase(real, op->source, op->dest);
    cage_autofree char *seen = cage_plan_host_path(plan, dest);

    if (!seen || strcmp(seen, real) != 0 || cage_strv_has(dests, dest))
        return;
    if (!writable_only || is_writable_at(plan, dest))
        cage_strv_add(dests, dest);
}

void cage_plan_views(const struct cage_plan *plan, const char *real, bool writable_only,
                     struct cage_strv *dests)
{
    size_t length = strlen(real);

    for (size_t i = 0; i < plan->n_ops; i++) {
        const struct cage_op *op = &plan->ops[i];

        if (shows_host(op) && cage_path_is_under_n(real, length, op->source, strlen(op->source)))
            add_view(plan, op, real, writable_only, dests);
    }
}

/* A pin is a bind of a directory onto itself: it changes nothing but that its name cannot be renamed. */
static int pin(struct cage_planner *p, const char *dest, struct cage_reason reason, struct cage_error *err)
{
    cage_autofree char *source = cage_plan_host_path(p->plan, dest);
    struct cage_file_fact fact;
    struct cage_op *op;

    if (!source || p->host->lookup(p->host, source, &fact, err) < 0)
        return source ? -1 : 0;
    if (fact.type == CAGE_FILE_DIR && strcmp(fact.real, source) == 0) {
        op = cage_plan_add(p->plan, CAGE_OP_PIN, source, dest, reason);
        op->verify = true;
        op->dev = fact.dev;
        op->ino = fact.ino;
        op->lies_on = cage_strdup(source);
    }
    cage_file_fact_finish(&fact);
    return 0;
}

int cage_plan_pin_ancestors(struct cage_planner *p, const char *dest, struct cage_reason reason,
                            struct cage_error *err)
{
    cage_autofree char *at = cage_path_dirname(dest);

    while (is_writable_at(p->plan, at)) {
        const struct cage_op *mount = cage_plan_covering(p->plan, at);
        char *up;

        if (!mount || strcmp(at, mount->dest) == 0)
            break;
        up = cage_path_dirname(at);

        if (pin(p, at, reason, err) < 0) {
            cage_autofree char *drop = up;

            (void)drop;
            return -1;
        }
        cage_cleanup_free(&at);
        at = up;
    }
    return 0;
}
