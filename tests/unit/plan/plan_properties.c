/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan_properties.h"

#include "base/mem.h"
#include "base/path.h"
#include "plan/explain.h"
#include "plan_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *root;
} hosts[] = {
    {"debian", "/home/u/proj"}, {"nixos", "/home/u/proj"}, {"fedora", "/root/proj"}, {"plain", "/work/proj"}};

size_t plan_properties_hosts(void)
{
    return CAGE_LEN(hosts);
}

/* All that bwrap is ever told: p an absolute path, f a descriptor, o an octal mode, w one of our own words.
 */
static const struct {
    const char *option, *operands;
    bool is_bind;
} grammar[] = {
    {"--unshare-user", "", false}, {"--unshare-pid", "", false},    {"--unshare-ipc", "", false},
    {"--unshare-uts", "", false},  {"--unshare-cgroup", "", false}, {"--unshare-net", "", false},
    {"--as-pid-1", "", false},     {"--cap-drop", "w", false},      {"--hostname", "w", false},
    {"--chdir", "p", false},       {"--proc", "p", false},          {"--dev", "p", false},
    {"--tmpfs", "p", false},       {"--dir", "p", false},           {"--symlink", "pp", false},
    {"--file", "fp", false},       {"--perms", "o", false},         {"--bind", "pp", true},
    {"--ro-bind", "pp", true},     {"--ro-bind-data", "fp", false}, {"--remount-ro", "p", false},
};

static bool operand_ok(char kind, const char *word, const struct cage_bwrap_args *args)
{
    unsigned long n;

    switch (kind) {
    case 'p':
        return word[0] == '/';
    case 'f':
        n = strncmp(word, "FD:", 3) == 0 ? strtoul(word + 3, NULL, 10) : args->files.n;
        return n < args->files.n;
    case 'o':
        return strspn(word, "01234567") == 4;
    default:
        return strcmp(word, "ALL") == 0 || strcmp(word, "nixcage") == 0;
    }
}

static const char *check_args(const struct cage_bwrap_args *args)
{
    bool masks = false;

    for (size_t i = 0; i < args->args.n;) {
        const char *word = args->args.items[i++];
        size_t k = 0;

        while (k < CAGE_LEN(grammar) && strcmp(grammar[k].option, word) != 0)
            k++;
        if (k == CAGE_LEN(grammar))
            return "a word that is not an option stands where one must";
        masks = masks || strcmp(word, "--remount-ro") == 0 || strcmp(word, "--ro-bind-data") == 0;
        if (masks && grammar[k].is_bind)
            return "a bind comes after a mask";
        for (const char *operand = grammar[k].operands; *operand; operand++)
            if (i >= args->args.n || !operand_ok(*operand, args->args.items[i++], args))
                return "an operand is not what its option needs";
    }
    return NULL;
}

static bool has_bind(const struct cage_plan *plan, const struct cage_op *op)
{
    for (size_t i = 0; i < plan->n_ops; i++)
        if (plan->ops[i].kind == CAGE_OP_BIND && strcmp(plan->ops[i].dest, op->dest) == 0 &&
            strcmp(plan->ops[i].source, op->source) == 0 && plan->ops[i].writable >= op->writable)
            return true;
    return false;
}

/* What is hidden is seen nowhere: every bind that shows it is covered by a mask. */
static const char *check_hidden(const struct plan_fixture *f, const char *hide)
{
    struct cage_file_fact fact;
    const char *bad = NULL;

    if (f->host.lookup(&f->host, hide, &fact, NULL) < 0)
        return NULL;
    for (size_t i = 0; fact.type != CAGE_FILE_NONE && !bad && i < f->plan.n_ops; i++) {
        const struct cage_op *op = &f->plan.ops[i];
        cage_autofree char *dest = NULL;
        bool masked = false;

        if (op->kind != CAGE_OP_BIND || !cage_path_is_under(fact.real, op->source))
            continue;
        dest = cage_format("%s%s", op->dest,
                           fact.real + (strcmp(op->source, "/") == 0 ? 0 : strlen(op->source)));
        for (size_t k = i + 1; k < f->plan.n_ops; k++) {
            const struct cage_op *later = &f->plan.ops[k];

            masked = masked || (later->kind != CAGE_OP_SEAL && later->kind != CAGE_OP_PIN &&
                                cage_path_is_under(dest, later->dest));
        }
        bad = masked ? NULL : "what is blacklisted is seen";
    }
    cage_file_fact_finish(&fact);
    return bad;
}

static const char *check_one(const struct plan_fixture *f)
{
    struct cage_bwrap_args args;
    struct cage_error err;
    CAGE_STRBUF_AUTO out = {0};
    const char *bad;

    if (cage_bwrap_render(&f->plan, 800, "/opt/nixcage/nixcage-init", &args, &err) < 0)
        return "a plan cannot be rendered";
    bad = check_args(&args);
    cage_bwrap_args_finish(&args);
    cage_strbuf_init(&out);
    cage_plan_explain(&f->plan, &f->config, &out);
    cage_plan_explain_json(&f->plan, &f->config, &out);
    return bad;
}

static const char *check_more_hidden(size_t host, const struct plan_fixture *f, const char *toml,
                                     const char *hide)
{
    struct plan_fixture g;
    const char *bad = NULL;
    int rc;

    plan_fixture_init(&g, hosts[host].name, hosts[host].root, NULL);
    g.hide = hide;
    rc = plan_fixture_build(&g, toml);
    if (rc == 0) {
        for (size_t i = 0; !bad && i < g.plan.n_ops; i++)
            if (g.plan.ops[i].kind == CAGE_OP_BIND && !has_bind(&f->plan, &g.plan.ops[i]))
                bad = "hiding something shows something else";
        if (!bad)
            bad = check_one(&g);
        if (!bad)
            bad = check_hidden(&g, hide);
    } else if (!g.err.message[0]) {
        bad = "a failure says nothing";
    }
    plan_fixture_finish(&g);
    return bad;
}

const char *plan_properties_check(size_t host, const char *toml, const char *hide, int *planned)
{
    struct plan_fixture f;
    const char *bad = NULL;

    plan_fixture_init(&f, hosts[host].name, hosts[host].root, NULL);
    *planned = plan_fixture_build(&f, toml) == 0;
    if (*planned)
        bad = check_one(&f);
    else if (!f.err.message[0])
        bad = "a failure says nothing";
    if (!bad && *planned && hide)
        bad = check_more_hidden(host, &f, toml, hide);
    plan_fixture_finish(&f);
    return bad;
}
