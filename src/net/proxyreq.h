/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a client of the gate's own proxy asks for: CONNECT (RFC 9110 9.3.6), a plain HTTP request in absolute
 * form (RFC 9112 3.2.2), or CONNECT of SOCKS 5 (RFC 1928) with a name or an address. Pure.
 */
#ifndef CAGE_NET_PROXYREQ_H
#define CAGE_NET_PROXYREQ_H

#include "base/strbuf.h"
#include "net/addr.h"
#include "net/hostname.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most bytes that a request has before what it carries. */
enum { CAGE_PROXYREQ_MAX = 32768 };

enum cage_proxyreq_state {
    CAGE_PROXYREQ_MORE, /* well-formed so far, not complete */
    CAGE_PROXYREQ_DONE,
    CAGE_PROXYREQ_BAD, /* no such request, or one that different readers could understand differently */
};

enum cage_proxyreq_kind {
    CAGE_PROXYREQ_UNKNOWN, /* not known yet */
    CAGE_PROXYREQ_CONNECT,
    CAGE_PROXYREQ_FORWARD, /* a plain HTTP request for another server */
    CAGE_PROXYREQ_SOCKS,
};

struct cage_proxyreq {
    enum cage_proxyreq_state state;
    enum cage_proxyreq_kind kind;
    bool greeted; /* SOCKS: the offer of methods is whole and has "none needed": to be answered with 05 00 */
    bool no_method;                /* BAD, SOCKS: the offer has nothing for us: to be answered with 05 FF */
    char host[CAGE_HOSTNAME_SIZE]; /* DONE: a canonical name, or the text of addr */
    bool is_addr;
    struct cage_addr addr;
    uint16_t port; /* DONE: never 0 */
    size_t used;   /* DONE: how many bytes belong to the request; what follows is for the server */
};

/*
 * Reads the n bytes received so far. For SOCKS these are the offer of methods and the request, one after the
 * other. HTTP: lines end with CR LF only; no folded lines, spaces before a colon or control characters; no
 * user information in the target.
 */
void cage_proxyreq_read(const uint8_t *data, size_t n, struct cage_proxyreq *req);

/*
 * Appends the head of a DONE request of kind FORWARD as the server gets it: the target without the host, Host
 * made of the target, nothing that is meant for a proxy, and one request on the connection.
 */
void cage_proxyreq_forward(const uint8_t *data, const struct cage_proxyreq *req, struct cage_strbuf *out);

#endif
