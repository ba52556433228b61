/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What strace writes, in which the programs of a cage choose every name. */
#include "../unit/plan/plan_fixture.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "trace/summary.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All of it can be shown on a terminal. */
static void check(const struct cage_strbuf *out)
{
    for (size_t i = 0; i < out->len;) {
        unsigned long cp;
        size_t n = cage_utf8_decode(out->buf + i, &cp);

        if (!cage_utf8_printable(out->buf + i, n, cp) || cp == '\t')
            abort();
        i += n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char begin[] = "1 execve(\"/run/nixcage/init\", [], 0x1) = 0";
    static const char command[] = "2 execve(\"/x/prog\", [], 0x1) = 0";
    static struct plan_fixture f;
    static bool ready;
    const struct cage_judge judge = {.plan = &f.plan, .config = &f.config, .host = &f.host};
    const char *text = (const char *)data;
    struct cage_trace_log log;
    struct cage_strbuf out;

    if (!ready) {
        plan_fixture_init(&f, "debian", "/home/u/proj", NULL);
        if (plan_fixture_build(&f, "[sandbox.network]\nallow = false\n") < 0)
            abort();
        ready = true;
    }
    cage_trace_log_init(&log, &judge, NULL, NULL);
    cage_strbuf_init(&out);
    (void)cage_trace_log_line(&log, begin, strlen(begin));
    (void)cage_trace_log_line(&log, command, strlen(command));
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t n = end ? (size_t)(end - text) - at : size - at;

        (void)cage_trace_log_line(&log, text + at, n);
        at += n + 1;
    }
    cage_trace_summary(&log, &out);
    check(&out);
    cage_strbuf_reset(&out);
    cage_trace_summary_json(&log, &out);
    check(&out);
    cage_strbuf_finish(&out);
    cage_trace_log_finish(&log);
    return 0;
}
