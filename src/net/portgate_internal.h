/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the process of a gate on one port, shared by portgate*.c only. */
#ifndef CAGE_NET_PORTGATE_INTERNAL_H
#define CAGE_NET_PORTGATE_INTERNAL_H

#include "net/dial.h"
#include "net/portgate.h"
#include "net/record.h"
#include "net/relay.h"

#include <stdbool.h>

struct event;
struct event_base;
struct evconnlistener;
struct cage_portconn;

enum { CAGE_PORTGATE_MAX_CONNS = 1024 };

/* What the process tells when it is ready or cannot be. */
struct cage_portgate_ready {
    struct cage_error err;
    uint16_t port;
};

/* One gate; lives in its own process, so there is one of it. */
struct cage_portgate_process {
    const struct cage_portgate_options *options;
    struct event_base *base;
    struct cage_rules rules;
    struct cage_proxy proxy; /* of the host */
    struct cage_record *record;
    struct cage_dialer dialer;
    struct cage_relay_shared shared;
    struct evconnlistener *listener;
    struct event *control, *resume;
    int control_fd;
    struct cage_portconn *conns;
    size_t n_conns, max_conns;
};

/* Serves until the other end of control_fd is closed, then sends the summary there. Returns an exit code. */
int cage_portgate_process_run(const struct cage_portgate_options *options, int control_fd);

/* Takes a connection that was accepted. */
void cage_portconn_accept(struct cage_portgate_process *gate, int take_fd);

/* Ends all connections and records them. */
void cage_portconn_end_all(struct cage_portgate_process *gate);

/* A connection has gone: there is room for another. */
void cage_portgate_release(struct cage_portgate_process *gate);

#endif
