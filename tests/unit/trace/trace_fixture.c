/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace_fixture.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static char *cwd(void *context, long pid)
{
    (void)context;
    (void)pid;
    return cage_strdup("/home/u/proj");
}

void trace_fixture_init(struct trace_fixture *f, const char *toml, const char *more, bool without_nix)
{
    struct cage_judge judge = {.plan = &f->plan.plan, .config = &f->plan.config, .host = &f->plan.host};

    plan_fixture_init(&f->plan, "debian", "/home/u/proj", more);
    f->plan.without_nix = without_nix;
    if (plan_fixture_build(&f->plan, toml) < 0)
        fail_msg("%s", f->plan.err.message);
    cage_trace_log_init(&f->log, &judge, cwd, NULL);
}

void trace_fixture_finish(struct trace_fixture *f)
{
    cage_trace_log_finish(&f->log);
    plan_fixture_finish(&f->plan);
}

void trace_fixture_feed(struct trace_fixture *f, const char *text, size_t n)
{
    while (n > 0) {
        const char *end = memchr(text, '\n', n);
        size_t part = end ? (size_t)(end - text) : n;

        (void)cage_trace_log_line(&f->log, text, part);
        text += part;
        n -= part;
        if (n > 0) {
            text++;
            n--;
        }
    }
}
