/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A log over a plan made of a described machine and a configuration. */
#ifndef TRACE_FIXTURE_H
#define TRACE_FIXTURE_H

#include "../plan/plan_fixture.h"
#include "trace/log.h"

struct trace_fixture {
    struct plan_fixture plan;
    struct cage_trace_log log;
};

/* The machine is `debian` with `more`; the project is /home/u/proj. */
void trace_fixture_init(struct trace_fixture *f, const char *toml, const char *more, bool without_nix);
void trace_fixture_finish(struct trace_fixture *f);

/* Feeds text as strace wrote it. */
void trace_fixture_feed(struct trace_fixture *f, const char *text, size_t n);

#endif
