/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "init/spec.h"
#include "run/launch.h"

#include <stdlib.h>
#include <string.h>

static void add(struct cage_strbuf *out, uint32_t tag, const void *head, size_t head_size, const void *data,
                size_t size)
{
    static const char zeros[8];
    uint32_t words[2] = {tag, (uint32_t)(head_size + size)};

    /* Arguments and variables come from an exec (ARG_MAX), paths from open: none is near 4 GiB. */
    if (size > UINT32_MAX - 64)
        abort();
    cage_strbuf_add_bytes(out, words, sizeof words);
    cage_strbuf_add_bytes(out, head, head_size);
    cage_strbuf_add_bytes(out, data, size);
    cage_strbuf_add_bytes(out, zeros, CAGE_SPEC_PADDED(words[1]) - words[1]);
}

static void add_text(struct cage_strbuf *out, uint32_t tag, const char *text)
{
    if (text)
        add(out, tag, "", 0, text, strlen(text));
}

static void add_checks(const struct cage_plan *plan, struct cage_strbuf *out)
{
    for (size_t i = 0; i < plan->n_ops; i++) {
        const struct cage_op *op = &plan->ops[i];
        struct cage_spec_verify want = {.dev = op->dev, .ino = op->ino};

        if (op->verify)
            add(out, CAGE_SPEC_VERIFY, &want, sizeof want, op->dest, strlen(op->dest));
    }
}

static uint32_t flags_of(const struct cage_plan *plan, const struct cage_spec_extra *extra)
{
    uint32_t flags = extra->wait ? CAGE_SPEC_WAIT : 0;

    if (plan->limit_store)
        flags |= CAGE_SPEC_LIMIT_STORE;
    if (plan->scope_abstract)
        flags |= CAGE_SPEC_SCOPE_ABSTRACT;
    if (plan->scope_signal)
        flags |= CAGE_SPEC_SCOPE_SIGNAL;
    return flags;
}

void cage_spec_write(const struct cage_plan *plan, const struct cage_spec_extra *extra,
                     struct cage_strbuf *out)
{
    uint32_t flags = flags_of(plan, extra), fd = (uint32_t)extra->keep_fd;
    uint64_t blocked = 0;

    for (int sig = 1; sig <= 64; sig++)
        if (sigismember(extra->mask, sig) == 1)
            blocked |= 1ULL << (sig - 1);
    add_text(out, CAGE_SPEC_MAGIC, CAGE_SPEC_VERSION);
    add(out, CAGE_SPEC_FLAGS, "", 0, &flags, sizeof flags);
    add(out, CAGE_SPEC_SIGMASK, "", 0, &blocked, sizeof blocked);
    if (extra->nproc)
        add(out, CAGE_SPEC_NPROC, "", 0, &extra->nproc, sizeof extra->nproc);
    if (extra->keep_fd >= 0)
        add(out, CAGE_SPEC_KEEP_FD, "", 0, &fd, sizeof fd);
    for (size_t i = 0; i < plan->argv.n; i++)
        add_text(out, CAGE_SPEC_ARG, plan->argv.items[i]);
    for (size_t i = 0; i < plan->n_env; i++) {
        cage_autofree char *pair = cage_format("%s=%s", plan->env[i].name, plan->env[i].value);

        add_text(out, CAGE_SPEC_ENV, pair);
    }
    add_text(out, CAGE_SPEC_PATH, plan->path_value);
    add_text(out, CAGE_SPEC_CWD, plan->cwd);
    add_checks(plan, out);
    for (size_t i = 0; plan->limit_store && i < plan->store_paths.n; i++)
        add_text(out, CAGE_SPEC_STORE, plan->store_paths.items[i]);
    add(out, CAGE_SPEC_END, "", 0, "", 0);
}
