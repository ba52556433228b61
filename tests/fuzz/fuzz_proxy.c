/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any first bytes of a client of the gate's own proxy. */
#include "base/mem.h"
#include "net/httphead.h"
#include "net/proxyreq.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The server sees one request, for the host that the rules were asked about: our two parsers agree. */
static void check_forward(const uint8_t *data, const struct cage_proxyreq *req)
{
    CAGE_STRBUF_AUTO out = {0};
    struct cage_httphead head;

    cage_strbuf_init(&out);
    cage_proxyreq_forward(data, req, &out);
    if (!strstr(out.buf, "\r\nConnection: close\r\n\r\n") || strlen(out.buf) != out.len)
        abort();
    if (req->is_addr)
        return;
    cage_httphead_read(out.buf, out.len, &head);
    if (head.state == CAGE_HTTPHEAD_DONE &&
        (strcmp(head.host, req->host) != 0 || (head.port ? head.port : 80) != req->port))
        abort();
    if (head.state != CAGE_HTTPHEAD_DONE && out.len < CAGE_HTTPHEAD_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct cage_proxyreq whole, part;
    char name[CAGE_HOSTNAME_SIZE];
    struct cage_addr addr;

    cage_proxyreq_read(data, n, &whole);
    if (whole.state == CAGE_PROXYREQ_DONE) {
        if (whole.port == 0 || whole.used > n || whole.kind == CAGE_PROXYREQ_UNKNOWN)
            abort();
        if (whole.is_addr
                ? !cage_addr_parse(whole.host, &addr)
                : !cage_hostname_parse(whole.host, strlen(whole.host), name) || strcmp(name, whole.host) != 0)
            abort();
        if (whole.kind == CAGE_PROXYREQ_FORWARD)
            check_forward(data, &whole);
    }
    for (size_t i = 0; i < n; i += 1 + n / 16) {
        cage_proxyreq_read(data, i, &part);
        if (part.state != CAGE_PROXYREQ_MORE && part.state != whole.state)
            abort();
        if (part.state == CAGE_PROXYREQ_DONE && (part.used != whole.used || part.port != whole.port))
            abort();
    }
    return 0;
}
