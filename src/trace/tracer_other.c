/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs are traced on Linux only; macOS' log has the denials instead: see maclog_trace.h. Nothing calls
 * these. */
#include "base/mem.h"
#include "trace/tracer.h"

void cage_tracer_init(struct cage_tracer *tracer)
{
    *tracer = (struct cage_tracer){.wrapper = {.pass_fd = -1}, .reader = -1, .report = -1};
}

int cage_tracer_start(struct cage_tracer *tracer, const struct cage_judge *judge, int events,
                      struct cage_error *err)
{
    (void)tracer;
    (void)judge;
    (void)events;
    cage_error_set(err, CAGE_ERR_MISSING, "programs cannot be traced on this system");
    return cage_error_hint(err, "run it without --debug");
}

int cage_tracer_end(struct cage_tracer *tracer, struct cage_strbuf *summary, struct cage_error *err)
{
    (void)tracer;
    (void)summary;
    return cage_error_set(err, CAGE_ERR_INTERNAL, "nothing was traced");
}

void cage_tracer_finish(struct cage_tracer *tracer)
{
    cage_close(&tracer->report);
}
