/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cage's resolver. It answers from the rules alone: an allowed name gets an address of ours, any other
 * name does not exist, and no query leaves the host because of a name that is not allowed. libevent's DNS
 * server would serve UDP only and its own name parser, so both transports use dns.h.
 */
#include "net/dns.h"
#include "net/gate_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64, IDLE_SECONDS = 10 };

struct cage_dns_conn {
    struct cage_dns_conn *next, **link;
    struct cage_gate_process *gate;
    int fd;
    struct event *event;
    uint8_t in[2 + CAGE_DNS_QUERY_MAX];
    size_t n;
};

static void record_denied(struct cage_gate_process *gate, const struct cage_dns_query *query,
                          const char *reason, bool can_allow)
{
    cage_record_add(gate->record, &(struct cage_record_entry){
                                      .kind = CAGE_RECORD_NAME,
                                      .verdict = CAGE_RECORD_DENIED,
                                      .name = query->name[0] ? query->name : query->shown,
                                      .reason = reason,
                                      .can_allow = can_allow,
                                      .echo = query->type == CAGE_DNS_TYPE_AAAA,
                                  });
}

/* RFC 6761: localhost is always this machine, here the cage. */
static bool is_localhost(const char *name)
{
    return strcmp(name, "localhost") == 0 || cage_hostname_is_below(name, "localhost");
}

static size_t answer_address(const struct cage_dns_query *query, const struct cage_addr *addr, uint8_t *out)
{
    uint16_t type = addr->v6 ? CAGE_DNS_TYPE_AAAA : CAGE_DNS_TYPE_A;
    bool wanted = query->type == type || (query->type == CAGE_DNS_TYPE_ANY && !addr->v6);
    return cage_dns_write_answer(query, CAGE_DNS_NOERROR, wanted ? addr : NULL, CAGE_GATE_TTL, out);
}

static size_t answer_allowed(struct cage_gate_process *gate, const struct cage_dns_query *query, uint8_t *out)
{
    struct cage_addr addr;
    if (!cage_names_address(gate->names, query->name, &addr)) {
        record_denied(gate, query, "too many names in one run", false);
        return cage_dns_write_answer(query, CAGE_DNS_SERVFAIL, NULL, 0, out);
    }
    /* The connection follows at once, as a rule. */
    if (query->type == CAGE_DNS_TYPE_A && !cage_proxy_applies(&gate->proxy, query->name))
        cage_resolver_prefetch(gate->dialer.resolver, query->name);
    return answer_address(query, &addr, out);
}

static size_t answer(struct cage_gate_process *gate, const struct cage_dns_query *query, uint8_t *out)
{
    if (!query->valid)
        return cage_dns_write_answer(query, query->error, NULL, 0, out);
    if (is_localhost(query->name)) {
        struct cage_addr v6 = {.v6 = true, .bytes = {[15] = 1}}, v4 = cage_addr_v4(INADDR_LOOPBACK);
        return answer_address(query, query->type == CAGE_DNS_TYPE_AAAA ? &v6 : &v4, out);
    }
    if (query->name[0] && cage_rules_know_name(&gate->rules, query->name))
        return answer_allowed(gate, query, out);
    /* Names of addresses are asked for by the way (ssh, git), not to go there. */
    if (query->shown[0] && !cage_hostname_is_below(query->name, "arpa"))
        record_denied(gate, query, "not in hosts", query->name[0] != '\0');
    return cage_dns_write_answer(query, CAGE_DNS_NXDOMAIN, NULL, 0, out);
}

void cage_dnsserver_udp(int fd, short what, void *arg)
{
    struct cage_gate_process *gate = arg;
    uint8_t in[CAGE_DNS_QUERY_MAX], out[CAGE_DNS_ANSWER_MAX];
    struct cage_dns_query query;
    (void)what;
    for (int i = 0; i < BATCH; i++) {
        struct sockaddr_storage from;
        socklen_t size = sizeof(from);
        ssize_t n = recvfrom(fd, in, sizeof(in), MSG_TRUNC, (struct sockaddr *)&from, &size);
        if (n < 0)
            return;
        if ((size_t)n > sizeof(in) || !cage_dns_read_query(in, (size_t)n, &query))
            continue;
        /* An answer that does not fit into the socket is asked for again. */
        (void)!sendto(fd, out, answer(gate, &query, out), 0, (struct sockaddr *)&from, size);
    }
}

static void end_conn(struct cage_dns_conn *conn)
{
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    conn->gate->n_dns_conns--;
    event_free(conn->event);
    cage_close(&conn->fd);
    free(conn);
}

/* Answers one query of the buffer. 1: done, 0: not whole yet, -1: give up. */
static int answer_one(struct cage_dns_conn *conn)
{
    uint8_t out[2 + CAGE_DNS_ANSWER_MAX];
    struct cage_dns_query query;
    if (conn->n < 2)
        return 0;
    size_t size = (size_t)conn->in[0] << 8 | conn->in[1];
    if (size > CAGE_DNS_QUERY_MAX)
        return -1;
    if (conn->n < 2 + size)
        return 0;
    if (!cage_dns_read_query(conn->in + 2, size, &query))
        return -1;
    size_t n = answer(conn->gate, &query, out + 2);
    out[0] = (uint8_t)(n >> 8);
    out[1] = (uint8_t)n;
    conn->n -= 2 + size;
    memmove(conn->in, conn->in + 2 + size, conn->n);
    /* Who does not read its answers gets no more. */
    return send(conn->fd, out, n + 2, MSG_NOSIGNAL) == (ssize_t)(n + 2) ? 1 : -1;
}

static void tcp_ready(evutil_socket_t fd, short what, void *arg)
{
    struct cage_dns_conn *conn = arg;
    ssize_t n = what & EV_READ ? recv(fd, conn->in + conn->n, sizeof(conn->in) - conn->n, 0) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        end_conn(conn);
        return;
    }
    conn->n += (size_t)n;
    int result;
    do
        result = answer_one(conn);
    while (result > 0);
    if (result < 0)
        end_conn(conn);
}

void cage_dnsserver_accept(struct cage_gate_process *gate, int take_fd)
{
    static const struct timeval idle = {IDLE_SECONDS, 0};
    if (gate->n_dns_conns == CAGE_GATE_MAX_DNS_CONNS) {
        cage_close(&take_fd);
        return;
    }
    struct cage_dns_conn *conn = cage_alloc(sizeof(*conn));
    conn->gate = gate;
    conn->fd = take_fd;
    conn->next = gate->dns_conns;
    conn->link = &gate->dns_conns;
    if (conn->next)
        conn->next->link = &conn->next;
    gate->dns_conns = conn;
    gate->n_dns_conns++;
    conn->event = event_new(gate->base, take_fd, EV_READ | EV_PERSIST, tcp_ready, conn);
    (void)event_add(conn->event, &idle);
}

void cage_dnsserver_end_all(struct cage_gate_process *gate)
{
    while (gate->dns_conns)
        end_conn(gate->dns_conns); /* unlinks it. NOLINT(clang-analyzer-unix.Malloc) */
}
