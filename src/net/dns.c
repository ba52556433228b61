/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns.h"

#include <string.h>

enum { HEADER = 12, MAX_NAME = 255, CLASS_IN = 1, OPT_SIZE = 11, UDP_SIZE = 1232 };
enum { FLAG_QR = 0x8000, FLAG_OPCODE = 0x7800, FLAG_RD = 0x0100, FLAG_RA = 0x0080 };

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint8_t *put16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
    return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t value)
{
    return put16(put16(p, (uint16_t)(value >> 16)), (uint16_t)value);
}

/*
 * Reads an uncompressed name at data[at..n): its size in the message, or 0. text gets it with dots; odd is
 * set when a label has bytes that text cannot show, a dot among them.
 */
static size_t read_name(const uint8_t *data, size_t n, size_t at, char text[CAGE_HOSTNAME_SIZE], bool *odd)
{
    size_t start = at, len = 0;
    *odd = false;
    while (at < n && data[at] != 0) {
        size_t label = data[at++];
        if (label > 63 || label > n - at || at + label - start >= MAX_NAME)
            return 0;
        if (len > 0)
            text[len++] = '.';
        for (size_t i = 0; i < label; i++) {
            uint8_t c = data[at + i];
            bool plain = c > ' ' && c < 0x7f && c != '.';
            *odd |= !plain;
            text[len++] = plain ? (char)c : '?';
        }
        at += label;
    }
    text[len] = '\0';
    return at < n ? at + 1 - start : 0;
}

/* The additional section is only looked at for an OPT record, and only where nothing precedes it. */
static bool has_opt(const uint8_t *data, size_t n, size_t at)
{
    if (get16(data + 6) != 0 || get16(data + 8) != 0 || get16(data + 10) == 0)
        return false;
    return n - at >= OPT_SIZE && data[at] == 0 && get16(data + at + 1) == CAGE_DNS_TYPE_OPT;
}

static bool reject(struct cage_dns_query *query, enum cage_dns_rcode error)
{
    query->error = error;
    return true;
}

bool cage_dns_read_query(const uint8_t *data, size_t n, struct cage_dns_query *query)
{
    memset(query, 0, sizeof(*query));
    if (n < HEADER || n > CAGE_DNS_QUERY_MAX || (get16(data + 2) & FLAG_QR))
        return false;
    query->id = get16(data);
    query->flags = get16(data + 2);
    if (query->flags & FLAG_OPCODE)
        return reject(query, CAGE_DNS_NOTIMP);
    if (get16(data + 4) != 1)
        return reject(query, CAGE_DNS_FORMERR);
    bool odd;
    size_t size = read_name(data, n, HEADER, query->shown, &odd);
    if (size == 0 || n - HEADER - size < 4)
        return reject(query, CAGE_DNS_FORMERR);
    query->type = get16(data + HEADER + size);
    query->class = get16(data + HEADER + size + 2);
    query->question_size = size + 4;
    memcpy(query->question, data + HEADER, query->question_size);
    query->edns = has_opt(data, n, HEADER + query->question_size);
    if (query->class != CLASS_IN)
        return reject(query, CAGE_DNS_REFUSED);
    query->valid = true;
    if (!odd)
        (void)cage_hostname_parse(query->shown, strlen(query->shown), query->name);
    return true;
}

static uint8_t *put_address(uint8_t *p, const struct cage_addr *addr, uint32_t ttl)
{
    uint16_t size = addr->v6 ? 16 : 4;
    p = put16(p, 0xc000 | HEADER); /* the name of the question */
    p = put16(p, addr->v6 ? CAGE_DNS_TYPE_AAAA : CAGE_DNS_TYPE_A);
    p = put16(p, CLASS_IN);
    p = put32(p, ttl);
    p = put16(p, size);
    memcpy(p, addr->bytes, size);
    return p + size;
}

static uint8_t *put_opt(uint8_t *p)
{
    *p++ = 0;
    p = put16(p, CAGE_DNS_TYPE_OPT);
    p = put16(p, UDP_SIZE);
    p = put32(p, 0);
    return put16(p, 0);
}

size_t cage_dns_write_answer(const struct cage_dns_query *query, enum cage_dns_rcode rcode,
                             const struct cage_addr *addr, uint32_t ttl, uint8_t out[CAGE_DNS_ANSWER_MAX])
{
    bool question = query->question_size > 0;
    bool answer = addr && question && rcode == CAGE_DNS_NOERROR;
    uint16_t keep = query->flags & (FLAG_OPCODE | FLAG_RD);
    uint8_t *p = out;
    p = put16(p, query->id);
    p = put16(p, (uint16_t)(FLAG_QR | FLAG_RA | keep | (uint16_t)rcode));
    p = put16(p, question);
    p = put16(p, answer);
    p = put16(p, 0);
    p = put16(p, query->edns);
    if (question) {
        memcpy(p, query->question, query->question_size);
        p += query->question_size;
    }
    if (answer)
        p = put_address(p, addr, ttl);
    if (query->edns)
        p = put_opt(p);
    return (size_t)(p - out);
}
