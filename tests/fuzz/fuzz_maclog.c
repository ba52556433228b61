/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of log(1), which quote paths that anybody may have named. */
#include "../unit/plan/plan_fixture.h"
#include "trace/maclog.h"
#include "trace/summary.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char toml[] =
    "[sandbox.filesystem]\nro_bind = [\"~/models\"]\nblacklist = [\"~/work/private\"]\n"
    "[sandbox.network]\nallow = false\n";

static const struct plan_fixture *fixture(void)
{
    static struct plan_fixture f;
    static bool made;

    if (!made) {
        plan_fixture_init(&f, "mac", "/Users/ada/work", NULL);
        if (plan_fixture_build(&f, toml) < 0)
            abort();
        made = true;
    }
    return &f;
}

/* Whatever was logged, nothing but text reaches the terminal. JSON may have DEL as it is (RFC 8259). */
static void check_text(const struct cage_strbuf *out, bool json)
{
    for (size_t i = 0; i < out->len; i++)
        if (((unsigned char)out->buf[i] < 0x20 && out->buf[i] != '\n') || (out->buf[i] == 0x7f && !json))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct plan_fixture *f = fixture();
    const struct cage_judge judge = {.plan = &f->plan, .config = &f->config, .host = &f->host};
    const char *text = (const char *)data;
    struct cage_trace_log log;
    struct cage_strbuf out;
    size_t seen = 0;

    cage_trace_log_init(&log, &judge, NULL, NULL);
    cage_strbuf_init(&out);
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t n = end ? (size_t)(end - text) - at : size - at, count = 0;
        const struct cage_trace_entry *entry = NULL;

        if (cage_maclog_line(&log, text + at, n, at % 2 ? "nixcage-0123456789abcdef" : NULL, &entry, &count))
            seen += count;
        at += n + 1;
    }
    if (log.total != seen)
        abort();
    cage_trace_summary(&log, &out);
    check_text(&out, false);
    cage_strbuf_reset(&out);
    cage_trace_summary_json(&log, &out);
    check_text(&out, true);
    cage_strbuf_finish(&out);
    cage_trace_log_finish(&log);
    return 0;
}
