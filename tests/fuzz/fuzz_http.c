/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any first bytes of an HTTP client, and of a proxy's answer. */
#include "net/httphead.h"
#include "net/proxy.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct cage_httphead whole, part;
    char name[CAGE_HOSTNAME_SIZE];
    int status;

    cage_httphead_read((const char *)data, n, &whole);
    if (whole.state == CAGE_HTTPHEAD_DONE &&
        (!cage_hostname_parse(whole.host, strlen(whole.host), name) || strcmp(name, whole.host) != 0))
        abort();
    /* What is accepted has one Host and no bytes that some reader would take for the end of a line. */
    if (whole.state == CAGE_HTTPHEAD_DONE) {
        const uint8_t *end = memmem(data, n, "\r\n\r\n", 4);
        if (!end || memchr(data, '\0', (size_t)(end - data)))
            abort();
    }
    for (size_t i = 0; i < n; i += 1 + n / 16) {
        cage_httphead_read((const char *)data, i, &part);
        if (part.state != CAGE_HTTPHEAD_MORE && part.state != whole.state)
            abort();
    }
    if (cage_proxy_reply((const char *)data, n, &status) > (long)n)
        abort();
    return 0;
}
