/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/strbuf.h"
#include "run/seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

void cage_seccomp_join(const void *first, size_t size, const void *then, size_t then_size,
                       struct cage_strbuf *out)
{
    const size_t n = size / sizeof(struct sock_filter);

    for (size_t i = 0; i < n; i++) {
        struct sock_filter code;

        memcpy(&code, (const struct sock_filter *)first + i, sizeof code);
        if (code.code == (BPF_RET | BPF_K) && code.k == SECCOMP_RET_ALLOW)
            code = (struct sock_filter){.code = BPF_JMP | BPF_JA, .k = (uint32_t)(n - i - 1)};
        cage_strbuf_add_bytes(out, &code, sizeof code);
    }
    cage_strbuf_add_bytes(out, then, then_size);
}
