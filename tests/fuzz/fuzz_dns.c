/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any datagram: read as a query and answered; an answer must be one and must not be answered itself. */
#include "net/dns.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct cage_dns_query query, again;
    struct cage_addr addr = cage_addr_v4(0xc6120101);
    uint8_t out[CAGE_DNS_ANSWER_MAX];
    char name[CAGE_HOSTNAME_SIZE];

    if (!cage_dns_read_query(data, n, &query))
        return 0;
    /* A canonical name is its own canonical form. */
    if (query.name[0] &&
        (!cage_hostname_parse(query.name, strlen(query.name), name) || strcmp(name, query.name) != 0))
        abort();
    size_t size = cage_dns_write_answer(&query, query.valid ? CAGE_DNS_NOERROR : query.error, &addr, 60, out);
    if (size < 12 || size > sizeof(out) || cage_dns_read_query(out, size, &again))
        abort();
    out[2] &= 0x7f;
    if (query.valid && (!cage_dns_read_query(out, size, &again) || strcmp(again.name, query.name) != 0))
        abort();
    return 0;
}
