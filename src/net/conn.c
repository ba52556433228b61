/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection through the gate: accepted, looked at, dialled, relayed, recorded. */
#include "net/gate_internal.h"
#include "net/screen.h"

#include "base/mem.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A client that connects ahead of need may be silent for a while. */
enum { SCREEN_SECONDS = 30 };

struct cage_conn {
    struct cage_conn *next, **link;
    struct cage_gate_process *gate;
    enum cage_gate_way way;
    enum cage_screen screen;
    int fd; /* the client's side until the relay has it */
    char host[CAGE_HOSTNAME_SIZE];
    uint16_t port;
    uint64_t started; /* ms */
    struct event *event;
    uint8_t *first; /* read from the client before there is a relay */
    size_t n_first;
    const char *refusal; /* set by the relay's inspection */
    struct cage_dial *dial;
    struct cage_relay *relay;
};

static uint64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void record(const struct cage_conn *conn, enum cage_record_verdict verdict, const char *reason,
                   bool can_allow, uint64_t sent, uint64_t received)
{
    static const enum cage_record_kind kinds[] = {
        [CAGE_WAY_OUT] = CAGE_RECORD_CONNECTION,
        [CAGE_WAY_HOST_PORT] = CAGE_RECORD_HOST_PORT,
        [CAGE_WAY_EXPOSE] = CAGE_RECORD_EXPOSE,
    };
    cage_record_add(conn->gate->record, &(struct cage_record_entry){
                                            .kind = kinds[conn->way],
                                            .verdict = verdict,
                                            .name = conn->host,
                                            .port = conn->port,
                                            .reason = reason,
                                            .can_allow = can_allow,
                                            .sent = sent,
                                            .received = received,
                                            .ms = now_ms() - conn->started,
                                        });
}

static void free_conn(struct cage_conn *conn)
{
    struct cage_gate_process *gate = conn->gate;
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    if (conn->event)
        event_free(conn->event);
    cage_dial_cancel(conn->dial);
    cage_close(&conn->fd);
    free(conn->first);
    free(conn);
    gate->n_conns--;
    cage_gate_release(gate);
}

/* Ends it with a reset, so that the client sees an error at once and not an early end of data. */
static void refuse(struct cage_conn *conn, enum cage_record_verdict verdict, const char *reason,
                   bool can_allow)
{
    record(conn, verdict, reason, can_allow, 0, 0);
    cage_relay_make_reset(conn->fd);
    free_conn(conn);
}

static void relay_done(void *arg, uint64_t sent, uint64_t received, bool reset)
{
    struct cage_conn *conn = arg;
    conn->relay = NULL;
    if (conn->refusal)
        record(conn, CAGE_RECORD_DENIED, conn->refusal, false, sent, received);
    else
        record(conn, CAGE_RECORD_ALLOWED, reset ? "reset" : "", false, sent, received);
    free_conn(conn);
}

static int inspect(void *arg, const uint8_t *data, size_t n)
{
    struct cage_conn *conn = arg;
    return cage_screen_check(conn->screen, conn->host, data, n, &conn->refusal);
}

static void dialled(void *arg, enum cage_dial_result result, int fd, const char *reason)
{
    struct cage_conn *conn = arg;
    conn->dial = NULL;
    if (result != CAGE_DIAL_CONNECTED) {
        refuse(conn, result == CAGE_DIAL_DENIED ? CAGE_RECORD_DENIED : CAGE_RECORD_FAILED, reason, false);
        return;
    }
    struct cage_relay_options options = {
        .shared = &conn->gate->shared,
        .take_a = cage_steal_fd(&conn->fd),
        .take_b = fd,
        .first = conn->first,
        .n_first = conn->n_first,
        .inspect = conn->screen == CAGE_SCREEN_IF_TLS ? inspect : NULL,
        .done = relay_done,
        .arg = conn,
    };
    conn->relay = cage_relay_start(&options);
    free(conn->first);
    conn->first = NULL;
    conn->n_first = 0;
}

static void start_dial(struct cage_conn *conn)
{
    struct cage_error err;
    int sockets[2];
    switch (conn->way) {
    case CAGE_WAY_OUT:
        conn->dial = cage_dial_host(&conn->gate->dialer, conn->host, conn->port, dialled, conn);
        break;
    case CAGE_WAY_HOST_PORT:
        conn->dial = cage_dial_loopback(&conn->gate->dialer, conn->port, NULL, dialled, conn);
        break;
    case CAGE_WAY_EXPOSE:
        if (cage_gate_take_sockets(conn->gate, sockets, &err) != 0)
            refuse(conn, CAGE_RECORD_FAILED, "cannot enter the cage", false);
        else
            conn->dial = cage_dial_loopback(&conn->gate->dialer, conn->port, sockets, dialled, conn);
        break;
    case CAGE_WAY_DNS:
        break;
    }
}

static void first_bytes(evutil_socket_t fd, short what, void *arg)
{
    struct cage_conn *conn = arg;
    enum { CHUNK = 4096 };
    const char *reason = "nothing said in time";
    if (!(what & EV_READ)) {
        refuse(conn, conn->n_first > 0 ? CAGE_RECORD_DENIED : CAGE_RECORD_FAILED, reason, false);
        return;
    }
    conn->first = cage_realloc_array(conn->first, conn->n_first + CHUNK, 1);
    ssize_t n = recv(fd, conn->first + conn->n_first, CHUNK, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* gone before it said anything that matters */
        record(conn, CAGE_RECORD_FAILED, "closed by the client", false, 0, 0);
        free_conn(conn);
        return;
    }
    conn->n_first += (size_t)n;
    int verdict = cage_screen_check(conn->screen, conn->host, conn->first, conn->n_first, &reason);
    if (verdict < 0) {
        refuse(conn, CAGE_RECORD_DENIED, reason, false);
    } else if (verdict > 0) {
        event_free(conn->event);
        conn->event = NULL;
        start_dial(conn);
    }
}

static void start_screen(struct cage_conn *conn)
{
    static const struct timeval patience = {SCREEN_SECONDS, 0};
    conn->event = event_new(conn->gate->base, conn->fd, EV_READ | EV_PERSIST, first_bytes, conn);
    (void)event_add(conn->event, &patience);
}

/* Sets host and port by the address that was connected to; false when it is refused (and conn gone). */
static bool identify(struct cage_conn *conn)
{
    struct sockaddr_storage sa = {0};
    socklen_t size = sizeof(sa);
    struct cage_addr addr;
    char text[CAGE_ADDR_TEXT];
    if (getsockname(conn->fd, (struct sockaddr *)&sa, &size) != 0 ||
        !cage_addr_from_sockaddr((struct sockaddr *)&sa, &addr, &conn->port)) {
        refuse(conn, CAGE_RECORD_FAILED, "unknown address", false);
        return false;
    }
    const char *name = cage_names_lookup(conn->gate->names, &addr);
    (void)snprintf(conn->host, sizeof(conn->host), "%s", name ? name : cage_addr_format(&addr, text));
    bool allowed = name ? cage_rules_allow_name(&conn->gate->rules, name, conn->port)
                        : cage_rules_allow_addr(&conn->gate->rules, &addr, conn->port);
    if (!allowed) {
        refuse(conn, CAGE_RECORD_DENIED, name ? "port not in hosts" : "not in hosts", name != NULL);
        return false;
    }
    /* A literal stands for whatever is there; TLS to an address carries no name. */
    if (name)
        conn->screen = cage_screen_of_port(conn->port);
    return true;
}

void cage_conn_accept(struct cage_gate_listener *listener, int take_fd)
{
    struct cage_gate_process *gate = listener->gate;
    struct cage_conn *conn = cage_alloc(sizeof(*conn));
    int one = 1;
    conn->gate = gate;
    conn->way = listener->way;
    conn->fd = take_fd;
    conn->started = now_ms();
    conn->next = gate->conns;
    conn->link = &gate->conns;
    if (conn->next)
        conn->next->link = &conn->next;
    gate->conns = conn;
    gate->n_conns++;
    if (gate->n_conns >= gate->max_conns)
        cage_gate_hold(gate);
    (void)setsockopt(take_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (conn->way == CAGE_WAY_OUT) {
        if (!identify(conn))
            return;
    } else {
        conn->port = listener->port;
        (void)snprintf(conn->host, sizeof(conn->host), "localhost");
    }
    if (conn->screen == CAGE_SCREEN_TLS || conn->screen == CAGE_SCREEN_HTTP)
        start_screen(conn);
    else
        start_dial(conn);
}

void cage_conn_end_all(struct cage_gate_process *gate)
{
    uint64_t sent = 0, received = 0;
    while (gate->conns) {
        struct cage_conn *conn = gate->conns; /* free_conn unlinks it */
        if (conn->relay) {                    /* NOLINT(clang-analyzer-unix.Malloc) */
            cage_relay_cancel(conn->relay, &sent, &received);
            record(conn, CAGE_RECORD_ALLOWED, "open at the end of the run", false, sent, received);
        }
        free_conn(conn);
    }
}
