/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/explain.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH_PATH = 44, WIDTH_KIND = 12 };

const char *cage_plan_op_text(const struct cage_op *op)
{
    static const char *const texts[] = {
        [CAGE_OP_PIN] = "pinned",       [CAGE_OP_TMPFS] = "empty", [CAGE_OP_DIR] = "directory",
        [CAGE_OP_SYMLINK] = "symlink",  [CAGE_OP_FILE] = "file",   [CAGE_OP_MASK_DIR] = "hidden",
        [CAGE_OP_MASK_FILE] = "hidden", [CAGE_OP_PROC] = "proc",   [CAGE_OP_DEV] = "dev",
        [CAGE_OP_SEAL] = "sealed",
    };

    if (op->kind == CAGE_OP_BIND)
        return op->writable ? "read-write" : "read-only";
    return texts[op->kind];
}

const char *cage_net_mode_name(enum cage_net_mode mode)
{
    static const char *const names[] = {
        [CAGE_NET_NONE] = "none", [CAGE_NET_HOST] = "host", [CAGE_NET_GATE] = "gate"};

    return names[mode];
}

const char *cage_protected_text(const struct cage_protected *item)
{
    if (item->link)
        return "symlink";
    if (item->hide)
        return "not there yet";
    return item->exists ? "read-only" : "watched";
}

/* "protected", or "ro_bind (nixcage.toml:7)" for what is written there. */
static void add_reason(struct cage_strbuf *out, const struct cage_reason *reason,
                       const struct cage_config *config)
{
    cage_strbuf_add(out, reason->rule);
    if (reason->mark.line > 0)
        cage_strbuf_addf(out, " (%s:%d)", cage_path_basename(config->file ? config->file : "nixcage.toml"),
                         reason->mark.line);
}

/* Text padded to `width` columns, with at least one space after it. */
static void add_column(struct cage_strbuf *out, const char *text, size_t indent, size_t width)
{
    size_t start = out->len, used;

    for (size_t i = 0; i < indent; i++)
        cage_strbuf_addc(out, ' ');
    cage_strbuf_add_printable(out, text);
    used = out->len - start;
    do
        cage_strbuf_addc(out, ' ');
    while (++used < width);
}

/* Order of a tree: a directory right before what is in it. */
static int compare_paths(const void *a, const void *b)
{
    const struct cage_op *const *x = a, *const *y = b;
    const char *p = (*x)->dest, *q = (*y)->dest;

    for (; *p && *p == *q; p++, q++)
        ;
    if (*p == *q)
        return 0;
    if (!*p || !*q)
        return *p ? 1 : -1;
    if (*p == '/' || *q == '/')
        return *p == '/' ? -1 : 1;
    return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
}

/* The nearest of the entries before i that i lies below; -1: none. */
static long parent_of(const struct cage_op *const *ops, size_t i)
{
    for (size_t k = i; k-- > 0;)
        if (strcmp(ops[k]->dest, "/") != 0 && strcmp(ops[k]->dest, ops[i]->dest) != 0 &&
            cage_path_is_under(ops[i]->dest, ops[k]->dest))
            return (long)k;
    return -1;
}

static void add_place(struct cage_strbuf *out, const struct cage_op *const *ops, size_t i, size_t *depths,
                      const struct cage_config *config)
{
    const struct cage_op *op = ops[i];
    long parent = parent_of(ops, i);
    const char *name = op->dest;

    depths[i] = parent < 0 ? 0 : depths[parent] + 1;
    if (parent >= 0)
        name += strlen(ops[parent]->dest) + 1;
    add_column(out, name, 2 + 2 * depths[i], WIDTH_PATH);
    add_column(out, cage_plan_op_text(op), 0, WIDTH_KIND);
    add_reason(out, &op->reason, config);
    if (op->kind == CAGE_OP_SYMLINK || (op->kind == CAGE_OP_BIND && strcmp(op->source, op->dest) != 0)) {
        cage_strbuf_add(out, op->kind == CAGE_OP_SYMLINK ? ", to " : ", from ");
        cage_strbuf_add_printable(out, op->source);
    }
    cage_strbuf_addc(out, '\n');
}

static void add_tree(const struct cage_plan *plan, const struct cage_config *config, struct cage_strbuf *out)
{
    const struct cage_op **ops = cage_alloc(plan->n_ops * sizeof *ops);
    size_t *depths = cage_alloc(plan->n_ops * sizeof *depths);

    for (size_t i = 0; i < plan->n_ops; i++)
        ops[i] = &plan->ops[i];
    qsort(ops, plan->n_ops, sizeof *ops, compare_paths);
    cage_strbuf_add(out, plan->in_place ? "\nFiles (everything else but the system's own is not permitted)\n"
                                        : "\nFiles (everything else is not there)\n");
    for (size_t i = 0; i < plan->n_ops; i++)
        add_place(out, ops, i, depths, config);
    free(ops);
    free(depths);
}

static void add_protected(const struct cage_plan *plan, const struct cage_config *config,
                          struct cage_strbuf *out)
{
    if (plan->n_protected == 0)
        return;
    cage_strbuf_add(
        out, plan->in_place
                 ? "\nProtected (watched: not there; the cage cannot make it)\n"
                 : "\nProtected (watched: not there; moved to .nixcage/held when the cage makes it)\n");
    for (size_t i = 0; i < plan->n_protected; i++) {
        const struct cage_protected *item = &plan->protected_paths[i];
        const char *path = item->path;

        if (plan->project_root && cage_path_is_under(path, plan->project_root) &&
            strcmp(path, plan->project_root) != 0)
            path += strlen(plan->project_root) + 1;
        add_column(out, path, 2, WIDTH_PATH);
        add_column(out, cage_protected_text(item), 0, WIDTH_KIND);
        add_reason(out, &item->reason, config);
        cage_strbuf_addc(out, '\n');
    }
}

static void add_variables(const struct cage_plan *plan, const struct cage_config *config,
                          struct cage_strbuf *out)
{
    cage_strbuf_add(out, "\nVariables (values are not shown)\n");
    for (size_t i = 0; i < plan->n_env; i++) {
        add_column(out, plan->env[i].name, 2, WIDTH_PATH);
        add_column(out, plan->env[i].secret ? "private" : "", 0, WIDTH_KIND);
        add_reason(out, &plan->env[i].reason, config);
        cage_strbuf_addc(out, '\n');
    }
}

/* The value, and what would hold it here if somebody looked. Takes value. */
static void add_limit(const struct cage_plan *plan, enum cage_limit limit, char *take_value,
                      struct cage_strbuf *out)
{
    cage_autofree char *value = take_value;
    const char *how = plan->limits_how[limit];

    cage_strbuf_add(out, "  ");
    if (how)
        add_column(out, value, 0, WIDTH_PATH);
    else
        cage_strbuf_add(out, value);
    cage_strbuf_addf(out, "%s\n", how ? how : "");
}

static void add_limits(const struct cage_plan *plan, const struct cage_config *config,
                       struct cage_strbuf *out)
{
    cage_strbuf_add(out, "\nLimits\n");
    if (config->cpus <= 0 && config->memory == 0 && config->memory_percent <= 0 && config->pids == 0) {
        cage_strbuf_add(out, "  none\n");
        return;
    }
    if (config->cpus > 0)
        add_limit(plan, CAGE_LIMIT_CPUS, cage_format("cpus %g", config->cpus), out);
    if (config->memory > 0)
        add_limit(plan, CAGE_LIMIT_MEMORY,
                  cage_format("memory %llu bytes", (unsigned long long)config->memory), out);
    if (config->memory_percent > 0)
        add_limit(plan, CAGE_LIMIT_MEMORY,
                  cage_format("memory %g%% of the machine's", config->memory_percent), out);
    if (config->pids > 0)
        add_limit(plan, CAGE_LIMIT_PIDS, cage_format("processes %llu", (unsigned long long)config->pids),
                  out);
    if (plan->limits_held)
        cage_strbuf_addf(out, "  held by: %s\n", plan->limits_held);
    cage_strbuf_addf(out, "  when they cannot be held: %s\n",
                     config->enforce == CAGE_ENFORCE_REQUIRE ? "nothing runs" : "a warning");
}

static void add_gate(const struct cage_plan *plan, struct cage_strbuf *out)
{
    const struct cage_plan_gate *gate = &plan->gate;

    for (size_t i = 0; i < gate->hosts.n; i++) {
        cage_strbuf_add(out, "            ");
        cage_strbuf_add_printable(out, gate->hosts.items[i]);
        cage_strbuf_addc(out, '\n');
    }
    for (size_t i = 0; i < gate->n_expose; i++)
        cage_strbuf_addf(out, "            port %d in the cage, from this machine\n", gate->expose[i]);
    for (size_t i = 0; i < gate->n_host_ports; i++)
        cage_strbuf_addf(out, "            port %d of this machine, from the cage\n", gate->host_ports[i]);
}

static void add_store(const struct cage_plan *plan, struct cage_strbuf *out)
{
    const char *remote = cage_plan_getenv(plan, "NIX_REMOTE");

    cage_strbuf_addf(out, "Store       %s", remote ? cage_store_mode_name(plan->store_mode) : "not shown");
    if (plan->limit_store)
        cage_strbuf_addf(out, ", only the %zu paths of the environment can be opened", plan->store_paths.n);
    cage_strbuf_addc(out, '\n');
}

void cage_plan_explain(const struct cage_plan *plan, const struct cage_config *config,
                       struct cage_strbuf *out)
{
    static const char *const networks[] = {
        [CAGE_NET_NONE] = "none", [CAGE_NET_HOST] = "the host's", [CAGE_NET_GATE] = "its own, with a gate"};

    cage_strbuf_add(out, "Project     ");
    cage_strbuf_add_printable(out, plan->project_root ? plan->project_root : "not shown");
    cage_strbuf_addf(out, "\nLevel       %s\nNetwork     %s: ", cage_level_name(plan->level),
                     plan->in_place && plan->net == CAGE_NET_GATE ? "a proxy on one port of localhost"
                                                                  : networks[plan->net]);
    add_reason(out, &plan->net_reason, config);
    cage_strbuf_addc(out, '\n');
    add_gate(plan, out);
    add_store(plan, out);
    cage_strbuf_add(out, "Starts in   ");
    cage_strbuf_add_printable(out, plan->cwd);
    cage_strbuf_add(out, "\nCommand    ");
    for (size_t i = 0; i < plan->argv.n; i++) {
        CAGE_STRBUF_AUTO word = {0};

        cage_strbuf_init(&word);
        cage_strbuf_add_shell_word(&word, plan->argv.items[i]);
        cage_strbuf_addc(out, ' ');
        cage_strbuf_add_printable(out, word.buf);
    }
    cage_strbuf_addc(out, '\n');
    add_tree(plan, config, out);
    add_protected(plan, config, out);
    add_variables(plan, config, out);
    add_limits(plan, config, out);
    for (size_t i = 0; i < plan->warnings.n; i++) {
        cage_strbuf_add(out, i == 0 ? "\nWarnings\n  " : "  ");
        cage_strbuf_add_printable(out, plan->warnings.items[i]);
        cage_strbuf_addc(out, '\n');
    }
}
