/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sockets in the cage's network namespace, made from outside. A socket stays in the namespace it was made in,
 * so a short-lived child enters the cage's user and network namespaces (base/nsfd.h), makes what is asked
 * for and sends the descriptors back.
 */
#ifndef CAGE_NET_NETNS_H
#define CAGE_NET_NETNS_H

#include "base/error.h"
#include "base/nsfd.h"
#include "net/addr.h"

#include <stdbool.h>
#include <sys/types.h>

enum cage_netns_kind {
    CAGE_NETNS_LISTEN,   /* TCP, bound to addr and port, listening */
    CAGE_NETNS_DATAGRAM, /* UDP, bound to addr and port */
    CAGE_NETNS_STREAM,   /* TCP, of addr's family, neither bound nor connected */
    CAGE_NETNS_SYNS,     /* packet(7) on lo: every first packet of a TCP connection to an address outside
                            127.0.0.0/8;     where the kernel has no such sockets the descriptor is one of
                            /dev/null
                          */
};

struct cage_netns_socket {
    enum cage_netns_kind kind;
    struct cage_addr addr;
    uint16_t port;
};

struct cage_netns_route {
    struct cage_addr addr;
    int bits;
};

/* The most sockets of one request: SCM_MAX_FD of the kernel is 253. */
enum { CAGE_NETNS_MAX_SOCKETS = 200 };

struct cage_netns_request {
    bool loopback_up;
    const struct cage_netns_route *routes; /* local addresses to add */
    size_t n_routes;
    const struct cage_netns_socket *sockets;
    size_t n_sockets;
};

/*
 * Carries the request out; fds gets n_sockets descriptors in its order, non-blocking and close-on-exec, which
 * the caller owns. On failure there are none.
 */
int cage_netns_make(const struct cage_ns *ns, const struct cage_netns_request *request, int *fds,
                    struct cage_error *err) CAGE_MUST_CHECK;

#endif
