/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the gate's process, shared by gate_process.c, gate_sockets.c, conn.c and dnsserver.c only. */
#ifndef CAGE_NET_GATE_INTERNAL_H
#define CAGE_NET_GATE_INTERNAL_H

#include "net/dial.h"
#include "net/gate.h"
#include "net/names.h"
#include "net/netns.h"
#include "net/record.h"
#include "net/relay.h"

struct event;
struct evconnlistener;

enum {
    CAGE_GATE_MAX_LISTENERS = 512,
    CAGE_GATE_MAX_CONNS = 8192,
    CAGE_GATE_MAX_DNS_CONNS = 64,
    CAGE_GATE_TTL = 60,
    CAGE_GATE_POOL = 16,
    CAGE_GATE_DNS_PORT = 53,
};

/* What an accepted connection is for. */
enum cage_gate_way { CAGE_WAY_OUT, CAGE_WAY_HOST_PORT, CAGE_WAY_EXPOSE, CAGE_WAY_DNS };

struct cage_gate_listener {
    struct cage_gate_process *gate;
    struct evconnlistener *listener;
    enum cage_gate_way way;
    uint16_t port;
    bool held; /* switched off for want of descriptors */
};

/* One gate; lives in its own process, so there is one of it. */
struct cage_gate_process {
    const struct cage_gate_options *options;
    struct event_base *base;
    struct cage_rules rules;
    struct cage_proxy proxy;
    struct cage_names *names;
    struct cage_record *record;
    struct cage_dialer dialer;
    struct cage_relay_shared shared;
    struct cage_ns ns;
    struct cage_gate_listener listeners[CAGE_GATE_MAX_LISTENERS];
    size_t n_listeners;
    uint16_t ports[CAGE_RULES_MAX_PORTS]; /* that rules name */
    int n_ports;
    struct event *control, *udp, *syns, *resume;
    int control_fd, udp_fd, syn_fd;
    int pool[CAGE_GATE_POOL][2]; /* sockets of the cage's namespace for expose: IPv4, IPv6 */
    size_t n_pool;
    struct cage_conn *conns;
    size_t n_conns, max_conns;
    struct cage_dns_conn *dns_conns;
    size_t n_dns_conns;
};

/* Takes a connection that a listener accepted. */
void cage_conn_accept(struct cage_gate_listener *listener, int take_fd);

/* Ends all connections and records them. */
void cage_conn_end_all(struct cage_gate_process *gate);

/* Switches the listeners off while there are too many connections. */
void cage_gate_hold(struct cage_gate_process *gate);

/* Switches them on again when a connection has ended. */
void cage_gate_release(struct cage_gate_process *gate);

/* Opens everything that the options ask for; what was opened before a failure stays in the gate. */
int cage_gate_open_sockets(struct cage_gate_process *gate, struct cage_error *err) CAGE_MUST_CHECK;

/* Accepts connections from a listening socket, which is the gate's from here on, also on failure. */
int cage_gate_add_listener(struct cage_gate_process *gate, enum cage_gate_way way, uint16_t port, int take_fd,
                           struct cage_error *err) CAGE_MUST_CHECK;

/* Records the refused connections that a socket of CAGE_NETNS_SYNS has seen (an event callback). */
void cage_gate_syns_ready(int fd, short what, void *arg);

/*
 * Two sockets of the cage's namespace, IPv4 and IPv6, which become the caller's. Fails when the namespace is
 * gone.
 */
int cage_gate_take_sockets(struct cage_gate_process *gate, int sockets[2],
                           struct cage_error *err) CAGE_MUST_CHECK;

/* Answers what is waiting on the UDP socket (an event callback). */
void cage_dnsserver_udp(int fd, short what, void *arg);

/* Takes a TCP connection to the resolver. */
void cage_dnsserver_accept(struct cage_gate_process *gate, int take_fd);

/* Closes those connections. */
void cage_dnsserver_end_all(struct cage_gate_process *gate);

#endif
