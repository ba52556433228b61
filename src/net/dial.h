/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections to the outside: resolve, judge, connect to what was judged, one address after the other with a
 * head start (RFC 8305); through the host's HTTP proxy where one is set.
 */
#ifndef CAGE_NET_DIAL_H
#define CAGE_NET_DIAL_H

#include "net/addr.h"
#include "net/proxy.h"
#include "net/resolve.h"
#include "net/rules.h"

struct event_base;
struct cage_dial;

/* What all dials share; owned by the gate. */
struct cage_dialer {
    struct event_base *base;
    struct cage_resolver *resolver;
    const struct cage_rules *rules; /* an address listed as a literal is not judged */
    const struct cage_proxy *proxy;
    int route_fd; /* of cage_netlink_open() */
};

enum cage_dial_result {
    CAGE_DIAL_CONNECTED,
    CAGE_DIAL_DENIED, /* no address was acceptable */
    CAGE_DIAL_FAILED,
};

/* fd: connected, non-blocking, now the callee's; -1 unless CONNECTED. reason: static, or "". */
typedef void (*cage_dial_fn)(void *arg, enum cage_dial_result result, int fd, const char *reason);

/*
 * Connects to a canonical name or to the text of an address, which the caller has found allowed. fn is called
 * once, from the loop, never before this returns, and the handle is gone then. cancel() before that: fn is
 * not called.
 */
struct cage_dial *cage_dial_host(const struct cage_dialer *dialer, const char *host, uint16_t port,
                                 cage_dial_fn fn, void *arg);

/*
 * Connects to a port of this host's loopback, IPv4 first: for host_ports. sockets: two sockets (IPv4, IPv6)
 * to use instead of new ones, now owned by the dial: for expose, where they belong to the cage's namespace;
 * else NULL.
 */
struct cage_dial *cage_dial_loopback(const struct cage_dialer *dialer, uint16_t port, const int *take_sockets,
                                     cage_dial_fn fn, void *arg);

/* Ends a dial whose function was not called yet. dial may be NULL. */
void cage_dial_cancel(struct cage_dial *dial);

#endif
