/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --debug of run and shell: a trace of what fails in the cage, and a summary when the command has ended. */
#ifndef CAGE_CLI_DEBUG_H
#define CAGE_CLI_DEBUG_H

#include "cli/cli.h"
#include "cli/session.h"
#include "plan/plan.h"
#include "run/run.h"
#include "trace/maclog_trace.h"
#include "trace/tracer.h"

struct cage_debug {
    struct cage_tracer tracer;
    struct cage_maclog_trace maclog; /* macOS, in the place of tracer */
    bool on, on_mac;
    int events; /* --debug=FILE, or -1 */
};

#define CAGE_DEBUG_AUTO __attribute__((cleanup(cage_debug_finish))) struct cage_debug

/* Nothing is traced yet. */
void cage_debug_init(struct cage_debug *debug);
/* Ends the reader, closes the file, and frees; start() need not have been called. */
void cage_debug_finish(struct cage_debug *debug);

/*
 * Does what --debug[=FILE] asks for, if it was given. A machine where programs cannot be traced is told about
 * and is no error; a FILE that cannot be written, or that the cage could write, is one. session and plan must
 * outlive debug.
 */
int cage_debug_start(struct cage_debug *debug, const struct cage_cli *cli, const struct cage_session *session,
                     const struct cage_plan *plan, struct cage_error *err) CAGE_MUST_CHECK;

/* What is put before bwrap, or NULL; owned by debug. */
const struct cage_wrapper *cage_debug_wrapper(const struct cage_debug *debug);

/* For the run's options, or NULL; owned by debug, which must stay where it is. */
const struct cage_run_denials *cage_debug_denials(const struct cage_debug *debug);

/* The run has ended with this status: prints the summary on standard error. */
void cage_debug_end(struct cage_debug *debug, int status);

#endif
