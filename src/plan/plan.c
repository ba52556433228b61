/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/plan.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void cage_plan_init(struct cage_plan *plan)
{
    *plan = (struct cage_plan){0};
}

static void op_finish(struct cage_op *op)
{
    free(op->source);
    free(op->lies_on);
    free(op->dest);
    free(op->content);
}

void cage_plan_finish(struct cage_plan *plan)
{
    for (size_t i = 0; i < plan->n_ops; i++)
        op_finish(&plan->ops[i]);
    for (size_t i = 0; i < plan->n_env; i++) {
        free(plan->env[i].name);
        free(plan->env[i].value);
    }
    for (size_t i = 0; i < plan->n_protected; i++) {
        free(plan->protected_paths[i].path);
        free(plan->protected_paths[i].link);
        cage_strv_finish(&plan->protected_paths[i].except);
    }
    free(plan->limits_held);
    free(plan->ops);
    free(plan->env);
    free(plan->protected_paths);
    cage_strv_finish(&plan->gate.hosts);
    free(plan->gate.expose);
    free(plan->gate.host_ports);
    cage_strv_finish(&plan->argv);
    cage_strv_finish(&plan->store_paths);
    cage_strv_finish(&plan->make_dirs);
    cage_strv_finish(&plan->warnings);
    free(plan->cwd);
    free(plan->path_value);
    free(plan->project_root);
    *plan = (struct cage_plan){0};
}

/* Makes room for one more item. */
static void *grow(void *items, size_t n, size_t *alloc, size_t size)
{
    if (n < *alloc)
        return items;
    *alloc = *alloc ? *alloc * 2 : 32;
    return cage_realloc_array(items, *alloc, size);
}

struct cage_op *cage_plan_add(struct cage_plan *plan, enum cage_op_kind kind, const char *source,
                              const char *dest, struct cage_reason reason)
{
    struct cage_op *op;

    plan->ops = grow(plan->ops, plan->n_ops, &plan->alloc_ops, sizeof *plan->ops);
    op = &plan->ops[plan->n_ops++];
    *op = (struct cage_op){
        .kind = kind,
        .source = cage_strdup(source),
        .dest = cage_strdup(dest),
        .dest_length = strlen(dest),
        .reason = reason,
    };
    return op;
}

void cage_plan_remove(struct cage_plan *plan, size_t i)
{
    op_finish(&plan->ops[i]);
    plan->n_ops--;
    memmove(&plan->ops[i], &plan->ops[i + 1], (plan->n_ops - i) * sizeof *plan->ops);
}

static struct cage_plan_env *find_env(struct cage_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n_env; i++)
        if (strcmp(plan->env[i].name, name) == 0)
            return &plan->env[i];
    return NULL;
}

void cage_plan_setenv(struct cage_plan *plan, const char *name, const char *value, bool secret,
                      struct cage_reason reason)
{
    struct cage_plan_env *env = find_env(plan, name);
    char *copy = cage_strdup(value);

    if (!env) {
        plan->env = grow(plan->env, plan->n_env, &plan->alloc_env, sizeof *plan->env);
        env = &plan->env[plan->n_env++];
        *env = (struct cage_plan_env){.name = cage_strdup(name)};
    }
    free(env->value);
    env->value = copy;
    env->secret = secret;
    env->reason = reason;
}

const char *cage_plan_getenv(const struct cage_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n_env; i++)
        if (strcmp(plan->env[i].name, name) == 0)
            return plan->env[i].value;
    return NULL;
}

void cage_plan_unsetenv(struct cage_plan *plan, const char *name)
{
    struct cage_plan_env *env = find_env(plan, name);

    if (!env)
        return;
    free(env->name);
    free(env->value);
    plan->n_env--;
    memmove(env, env + 1, (size_t)(plan->env + plan->n_env - env) * sizeof *env);
}

struct cage_protected *cage_plan_protect(struct cage_plan *plan, const char *path, bool exists,
                                         struct cage_reason reason)
{
    struct cage_protected *item;

    for (size_t i = 0; i < plan->n_protected; i++)
        if (strcmp(plan->protected_paths[i].path, path) == 0)
            return &plan->protected_paths[i];
    plan->protected_paths =
        grow(plan->protected_paths, plan->n_protected, &plan->alloc_protected, sizeof *plan->protected_paths);
    item = &plan->protected_paths[plan->n_protected++];
    *item = (struct cage_protected){.path = cage_strdup(path), .exists = exists, .reason = reason};
    return item;
}
