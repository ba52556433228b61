/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any first bytes of a TLS client. A verdict must not change when more bytes arrive, nor depend on how they
 * arrived. */
#include "net/hello.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct cage_hello whole, part;
    char name[CAGE_HOSTNAME_SIZE];

    cage_hello_read(data, n, &whole);
    if (whole.has_name &&
        (!cage_hostname_parse(whole.name, strlen(whole.name), name) || strcmp(name, whole.name) != 0))
        abort();
    if (whole.state != CAGE_HELLO_DONE && (whole.has_name || whole.name[0]))
        abort();
    for (size_t i = 0; i < n; i += 1 + n / 16) {
        cage_hello_read(data, i, &part);
        if (part.state == CAGE_HELLO_BAD && whole.state != CAGE_HELLO_BAD)
            abort();
        if (part.state == CAGE_HELLO_DONE && whole.state == CAGE_HELLO_MORE)
            abort();
        if (part.state == CAGE_HELLO_DONE && whole.state == CAGE_HELLO_DONE &&
            strcmp(part.name, whole.name) != 0)
            abort();
    }
    return 0;
}
