/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DNS messages: reads queries, writes answers (RFC 1035, 6891). Pure; every access is length-checked. */
#ifndef CAGE_NET_DNS_H
#define CAGE_NET_DNS_H

#include "net/addr.h"
#include "net/hostname.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAGE_DNS_TYPE_A = 1, CAGE_DNS_TYPE_AAAA = 28, CAGE_DNS_TYPE_OPT = 41, CAGE_DNS_TYPE_ANY = 255 };

enum cage_dns_rcode {
    CAGE_DNS_NOERROR = 0,
    CAGE_DNS_FORMERR = 1,
    CAGE_DNS_SERVFAIL = 2,
    CAGE_DNS_NXDOMAIN = 3,
    CAGE_DNS_NOTIMP = 4,
    CAGE_DNS_REFUSED = 5,
};

/* A query of up to 4096 bytes is read; an answer never needs more than CAGE_DNS_ANSWER_MAX. */
enum { CAGE_DNS_QUERY_MAX = 4096, CAGE_DNS_ANSWER_MAX = 512 };

struct cage_dns_query {
    uint16_t id, flags; /* as received */
    uint16_t type, class;
    bool valid;                     /* one question that could be read; else only id and flags are known */
    bool edns;                      /* has an OPT record, so the answer gets one */
    enum cage_dns_rcode error;      /* what to answer when !valid */
    char name[CAGE_HOSTNAME_SIZE];  /* canonical; "" when it is not a host name */
    char shown[CAGE_HOSTNAME_SIZE]; /* the name for the record, odd bytes as "?" */
    uint8_t question[255 + 4];      /* as received: answers repeat it, letter case included */
    size_t question_size;
};

/*
 * Reads n bytes as a query. False: nothing must be answered (too short, or itself an answer). True with
 * !query->valid: answer query->error.
 */
bool cage_dns_read_query(const uint8_t *data, size_t n, struct cage_dns_query *query);

/*
 * Writes the answer into out and returns its length. addr: NULL, or the one address of the name, which is
 * given as an A or AAAA record of this ttl (seconds).
 */
size_t cage_dns_write_answer(const struct cage_dns_query *query, enum cage_dns_rcode rcode,
                             const struct cage_addr *addr, uint32_t ttl, uint8_t out[CAGE_DNS_ANSWER_MAX]);

#endif
