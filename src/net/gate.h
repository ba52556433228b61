/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The network gate of one run: a process of its own, a child of the supervisor, which is the only way out of
 * the cage's network namespace. When it ends, for whatever reason, the cage has no network.
 *
 * It lives outside the cage. Only its sockets are in the cage's namespace (see netns.h): a resolver on
 * 198.18.0.1, listeners on the ports that rules name, and those of host_ports.
 */
#ifndef CAGE_NET_GATE_H
#define CAGE_NET_GATE_H

#include "base/error.h"
#include "base/strbuf.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Everything is only read during cage_gate_start() and stays the caller's. */
struct cage_gate_options {
    char *const *hosts; /* rules, see rules.h */
    size_t n_hosts;
    bool names;             /* `hosts` is there, if only as []: answer DNS, and record what was asked for */
    const uint16_t *expose; /* ports of the cage's localhost, to be reached on the host's */
    size_t n_expose;
    const uint16_t *host_ports; /* ports of the host's localhost, to be reached on the cage's */
    size_t n_host_ports;
    const struct cage_strv *env; /* of the host: HTTPS_PROXY, NO_PROXY; NULL: no proxy */
    const char *log_path;        /* NULL: no record; its directory is made */
    const char *resolv_conf;     /* NULL: /etc/resolv.conf */
};

struct cage_gate;

/*
 * Starts the gate for the network namespace of the process `inside`, which must be waiting: on return the
 * cage's network is ready. The namespace's user namespace must have been made by this user. Fails, with
 * nothing left behind, on a bad rule, a port of the host that is taken, or a namespace that cannot be
 * entered.
 */
int cage_gate_start(struct cage_gate **gate, const struct cage_gate_options *options, pid_t inside,
                    struct cage_error *err) CAGE_MUST_CHECK;

/* Readable (at its end) once the gate is gone. Owned by the gate. */
int cage_gate_fd(const struct cage_gate *gate);

/* The process, a child of this one: whoever waits for all children must leave it alone. */
pid_t cage_gate_pid(const struct cage_gate *gate);

/*
 * Ends the gate, waits for it and frees everything. Appends to *summary (may be NULL) lines for the user,
 * each with its newline and without a prefix: what was denied and the hosts line that would allow it; nothing
 * if nothing was. gate may be NULL.
 */
void cage_gate_finish(struct cage_gate *gate, struct cage_strbuf *summary);

#endif
