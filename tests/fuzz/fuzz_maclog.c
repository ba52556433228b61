/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of log(1), which quote paths that anybody may have named. */
#include "base/strbuf.h"
#include "run/maclog.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cage_maclog log;
    struct cage_strbuf out;
    const char *text = (const char *)data;
    size_t seen = 0;

    cage_maclog_init(&log);
    cage_strbuf_init(&out);
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t n = end ? (size_t)(end - text) - at : size - at;

        (void)cage_maclog_is_ready(text + at, n);
        seen += cage_maclog_line(&log, text + at, n, at % 2 ? "nixcage-0123456789abcdef" : NULL);
        at += n + 1;
    }
    if (log.total < seen)
        abort();
    cage_maclog_summary(&log, &out);
    /* Whatever was logged, nothing but text reaches the terminal. */
    for (size_t i = 0; i < out.len; i++)
        if (((unsigned char)out.buf[i] < 0x20 && out.buf[i] != '\n' && out.buf[i] != '\t') ||
            out.buf[i] == 0x7f)
            abort();
    cage_strbuf_finish(&out);
    cage_maclog_finish(&log);
    return 0;
}
