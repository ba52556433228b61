/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The gate's sockets: in the cage's namespace the resolver and the listeners, on the host those of expose. */
#include "net/gate_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int cage_gate_take_sockets(struct cage_gate_process *gate, int sockets[2], struct cage_error *err)
{
    if (gate->n_pool == 0) {
        struct cage_netns_socket wanted[2 * CAGE_GATE_POOL];
        int fds[2 * CAGE_GATE_POOL];
        for (size_t i = 0; i < 2 * CAGE_GATE_POOL; i++)
            wanted[i] = (struct cage_netns_socket){.kind = CAGE_NETNS_STREAM, .addr.v6 = i % 2};
        struct cage_netns_request request = {.sockets = wanted, .n_sockets = CAGE_LEN(wanted)};
        if (cage_netns_make(&gate->ns, &request, fds, err) != 0)
            return -1;
        memcpy(gate->pool, fds, sizeof(fds));
        gate->n_pool = CAGE_GATE_POOL;
    }
    gate->n_pool--;
    memcpy(sockets, gate->pool[gate->n_pool], sizeof(gate->pool[0]));
    return 0;
}

/* What is wanted in the cage's namespace, and what each socket is for. */
struct wanted {
    struct cage_netns_socket sockets[CAGE_NETNS_MAX_SOCKETS];
    enum cage_gate_way ways[CAGE_NETNS_MAX_SOCKETS];
    struct cage_netns_route routes[CAGE_RULES_MAX + 1];
    size_t n, n_routes;
};

static void want(struct wanted *wanted, enum cage_netns_kind kind, enum cage_gate_way way,
                 struct cage_addr addr, uint16_t port)
{
    if (wanted->n < CAGE_NETNS_MAX_SOCKETS) {
        wanted->ways[wanted->n] = way;
        wanted->sockets[wanted->n] = (struct cage_netns_socket){kind, addr, port};
    }
    wanted->n++; /* beyond the limit: cage_netns_make() refuses */
}

static void want_names(const struct cage_gate_process *gate, struct wanted *wanted)
{
    struct cage_addr resolver = {0}, any4 = {0}, any6 = {.v6 = true},
                     range = cage_addr_v4(CAGE_GATE_RANGE_BITS);
    bool v6 = false;
    (void)cage_addr_parse(CAGE_GATE_RESOLVER, &resolver);
    wanted->routes[wanted->n_routes++] = (struct cage_netns_route){range, 15};
    want(wanted, CAGE_NETNS_DATAGRAM, CAGE_WAY_DNS, resolver, CAGE_GATE_DNS_PORT);
    want(wanted, CAGE_NETNS_SYNS, CAGE_WAY_DNS, any4, 0);
    want(wanted, CAGE_NETNS_LISTEN, CAGE_WAY_DNS, resolver, CAGE_GATE_DNS_PORT);
    for (size_t i = 0; i < gate->rules.n; i++) {
        const struct cage_rule *rule = &gate->rules.items[i];
        if (rule->kind != CAGE_RULE_ADDR)
            continue;
        v6 |= rule->addr.v6;
        wanted->routes[wanted->n_routes++] = (struct cage_netns_route){rule->addr, rule->addr.v6 ? 128 : 32};
    }
    for (int i = 0; i < gate->n_ports; i++) {
        want(wanted, CAGE_NETNS_LISTEN, CAGE_WAY_OUT, any4, gate->ports[i]);
        if (v6)
            want(wanted, CAGE_NETNS_LISTEN, CAGE_WAY_OUT, any6, gate->ports[i]);
    }
}

static void want_host_ports(const struct cage_gate_process *gate, struct wanted *wanted)
{
    struct cage_addr local4 = cage_addr_v4(INADDR_LOOPBACK), local6 = {.v6 = true, .bytes = {[15] = 1}};
    for (size_t i = 0; i < gate->options->n_host_ports; i++) {
        want(wanted, CAGE_NETNS_LISTEN, CAGE_WAY_HOST_PORT, local4, gate->options->host_ports[i]);
        want(wanted, CAGE_NETNS_LISTEN, CAGE_WAY_HOST_PORT, local6, gate->options->host_ports[i]);
    }
}

/* Makes events of the sockets; those that were not used yet are closed on failure. */
static int use_sockets(struct cage_gate_process *gate, const struct wanted *wanted, int *fds,
                       struct cage_error *err)
{
    for (size_t i = 0; i < wanted->n; i++) {
        int fd = cage_steal_fd(&fds[i]);
        if (wanted->sockets[i].kind == CAGE_NETNS_DATAGRAM) {
            gate->udp_fd = fd;
            gate->udp = event_new(gate->base, fd, EV_READ | EV_PERSIST, cage_dnsserver_udp, gate);
            (void)event_add(gate->udp, NULL);
        } else if (wanted->sockets[i].kind == CAGE_NETNS_SYNS) {
            gate->syn_fd = fd;
            gate->syns = event_new(gate->base, fd, EV_READ | EV_PERSIST, cage_gate_syns_ready, gate);
            (void)event_add(gate->syns, NULL); /* fails for /dev/null, which epoll(7) does not take */
        } else if (cage_gate_add_listener(gate, wanted->ways[i], wanted->sockets[i].port, fd, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int open_inside(struct cage_gate_process *gate, struct cage_error *err)
{
    struct wanted wanted = {.n = 0};
    int fds[CAGE_NETNS_MAX_SOCKETS];
    if (gate->options->names)
        want_names(gate, &wanted);
    want_host_ports(gate, &wanted);
    struct cage_netns_request request = {
        .loopback_up = true,
        .routes = wanted.routes,
        .n_routes = wanted.n_routes,
        .sockets = wanted.sockets,
        .n_sockets = wanted.n,
    };
    if (cage_netns_make(&gate->ns, &request, fds, err) != 0)
        return -1;
    return use_sockets(gate, &wanted, fds, err);
}

/* One listener on the host's loopback. A host without IPv6 has none there. */
static int expose_on(struct cage_gate_process *gate, const struct cage_addr *addr, uint16_t port,
                     struct cage_error *err)
{
    struct sockaddr_storage sa;
    socklen_t n = cage_addr_to_sockaddr(addr, port, &sa);
    int one = 1, fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 && addr->v6)
        return 0;
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
              bind(fd, (struct sockaddr *)&sa, n) == 0 && listen(fd, SOMAXCONN) == 0;
    if (ok)
        return cage_gate_add_listener(gate, CAGE_WAY_EXPOSE, port, fd, err);
    int error = errno;
    cage_close(&fd);
    if (addr->v6 && error == EADDRNOTAVAIL)
        return 0;
    cage_error_sys(err, error, "expose: cannot listen on port %u of this host", port);
    return cage_error_hint(err, error == EACCES ? "choose a port from 1024"
                                                : "stop what uses it, or choose another port");
}

static int open_outside(struct cage_gate_process *gate, struct cage_error *err)
{
    struct cage_addr local4 = cage_addr_v4(INADDR_LOOPBACK), local6 = {.v6 = true, .bytes = {[15] = 1}};
    for (size_t i = 0; i < gate->options->n_expose; i++) {
        uint16_t port = gate->options->expose[i];
        if (expose_on(gate, &local4, port, err) != 0 || expose_on(gate, &local6, port, err) != 0)
            return -1;
    }
    return 0;
}

int cage_gate_open_sockets(struct cage_gate_process *gate, struct cage_error *err)
{
    return open_outside(gate, err) != 0 ? -1 : open_inside(gate, err);
}
