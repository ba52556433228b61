/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The network gate where there are no network namespaces (macOS): a proxy on one port of localhost, the only
 * place that the cage may connect to. It takes HTTP CONNECT, plain HTTP requests and SOCKS 5, by name, and
 * has the policy of net/gate.h: rules, judged addresses, TLS to the name that was asked for, the same record.
 * It is a process of its own and ends with the one that started it.
 */
#ifndef CAGE_NET_PORTGATE_H
#define CAGE_NET_PORTGATE_H

#include "base/error.h"
#include "base/strbuf.h"
#include "base/strv.h"

#include <stddef.h>
#include <stdint.h>

/* Everything is only read during cage_portgate_start() and stays the caller's. */
struct cage_portgate_options {
    char *const *hosts; /* rules, see rules.h */
    size_t n_hosts;
    const struct cage_strv *env; /* of the host: HTTPS_PROXY, NO_PROXY; NULL: no proxy */
    const char *log_path;        /* NULL: no record; its directory is made */
    const char *resolv_conf;     /* NULL: /etc/resolv.conf */
};

struct cage_portgate;

/*
 * Starts the gate; on return it listens on 127.0.0.1. Fails, with nothing left behind, on a bad rule or when
 * there is no port.
 */
int cage_portgate_start(struct cage_portgate **gate, const struct cage_portgate_options *options,
                        struct cage_error *err) CAGE_MUST_CHECK;

/* The port it listens on, in host order. */
uint16_t cage_portgate_port(const struct cage_portgate *gate);

/*
 * Ends the gate, waits for it and frees everything. Appends to *summary (may be NULL) lines for the user as
 * cage_gate_finish() does. gate may be NULL.
 */
void cage_portgate_finish(struct cage_portgate *gate, struct cage_strbuf *summary);

#endif
