/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection to the gate's proxy: asked, allowed, dialled, answered, relayed, recorded. */
#include "net/judge.h"
#include "net/portgate_internal.h"
#include "net/proxyreq.h"
#include "net/screen.h"

#include "base/mem.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { ASK_SECONDS = 30, LINGER_SECONDS = 2 };

/* Answers by outcome (RFC 1928 6, RFC 9110 15). */
enum answer { ANSWER_OK, ANSWER_BAD, ANSWER_DENIED, ANSWER_FAILED, N_ANSWERS };

struct cage_portconn {
    struct cage_portconn *next, **link;
    struct cage_portgate_process *gate;
    int fd; /* the client's side until the relay has it */
    struct cage_proxyreq req;
    bool greeted; /* SOCKS: the offer was answered */
    enum cage_screen screen;
    uint64_t started, deadline; /* ms; the client may take until then to ask, or to hear a refusal */
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

static void record(const struct cage_portconn *conn, enum cage_record_verdict verdict, const char *reason,
                   bool can_allow, uint64_t sent, uint64_t received)
{
    cage_record_add(conn->gate->record, &(struct cage_record_entry){
                                            .kind = CAGE_RECORD_CONNECTION,
                                            .verdict = verdict,
                                            .name = conn->req.host[0] ? conn->req.host : "?",
                                            .port = conn->req.port,
                                            .reason = reason,
                                            .can_allow = can_allow,
                                            .sent = sent,
                                            .received = received,
                                            .ms = now_ms() - conn->started,
                                        });
}

static void free_conn(struct cage_portconn *conn)
{
    struct cage_portgate_process *gate = conn->gate;
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
    cage_portgate_release(gate);
}

/* What is sent is small and the first on its connection: the socket's buffer holds it. */
static bool tell(const struct cage_portconn *conn, const void *data, size_t n)
{
    return send(conn->fd, data, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool tell_socks(const struct cage_portconn *conn, enum answer answer)
{
    static const uint8_t codes[N_ANSWERS] = {
        [ANSWER_OK] = 0, [ANSWER_BAD] = 7, [ANSWER_DENIED] = 2, [ANSWER_FAILED] = 4};
    const uint8_t reply[10] = {5, codes[answer], 0, 1};
    return tell(conn, reply, sizeof(reply));
}

static bool tell_http(const struct cage_portconn *conn, enum answer answer, const char *reason)
{
    static const char *const lines[N_ANSWERS] = {[ANSWER_OK] = "200 Connection established",
                                                 [ANSWER_BAD] = "400 Bad Request",
                                                 [ANSWER_DENIED] = "403 Forbidden",
                                                 [ANSWER_FAILED] = "502 Bad Gateway"};
    CAGE_STRBUF_AUTO body = {0};
    CAGE_STRBUF_AUTO head = {0};
    cage_strbuf_init(&body);
    cage_strbuf_init(&head);
    cage_strbuf_addf(&head, "HTTP/1.1 %s\r\n", lines[answer]);
    if (answer != ANSWER_OK) {
        cage_strbuf_add(&body, "nixcage: ");
        if (conn->req.host[0])
            cage_strbuf_addf(&body, "%s port %u: ", conn->req.host, conn->req.port);
        cage_strbuf_addf(&body, "%s\n", reason);
        cage_strbuf_addf(&head, "Content-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n",
                         body.len);
    }
    cage_strbuf_add(&head, "\r\n");
    cage_strbuf_add_bytes(&head, body.buf, body.len);
    return tell(conn, head.buf, head.len);
}

/* After a refusal: what the client still sends is read, for closing with unread data would take the answer
 * back. */
static void linger(evutil_socket_t fd, short what, void *arg)
{
    struct cage_portconn *conn = arg;
    char data[4096];
    ssize_t n = (what & EV_READ) && now_ms() < conn->deadline ? recv(fd, data, sizeof(data), 0) : 0;
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    free_conn(conn);
}

static void refuse(struct cage_portconn *conn, enum answer answer, enum cage_record_verdict verdict,
                   const char *reason, bool can_allow)
{
    static const struct timeval patience = {LINGER_SECONDS, 0};
    record(conn, verdict, reason, can_allow, 0, 0);
    conn->deadline = now_ms() + LINGER_SECONDS * 1000;
    if (conn->event)
        event_free(conn->event);
    conn->event = NULL;
    bool said =
        conn->req.kind == CAGE_PROXYREQ_SOCKS ? tell_socks(conn, answer) : tell_http(conn, answer, reason);
    if (!said || shutdown(conn->fd, SHUT_WR) != 0) {
        free_conn(conn);
        return;
    }
    conn->event = event_new(conn->gate->base, conn->fd, EV_READ | EV_PERSIST, linger, conn);
    (void)event_add(conn->event, &patience);
}

static void relay_done(void *arg, uint64_t sent, uint64_t received, bool reset)
{
    struct cage_portconn *conn = arg;
    conn->relay = NULL;
    if (conn->refusal)
        record(conn, CAGE_RECORD_DENIED, conn->refusal, false, sent, received);
    else
        record(conn, CAGE_RECORD_ALLOWED, reset ? "reset" : "", false, sent, received);
    free_conn(conn);
}

static int inspect(void *arg, const uint8_t *data, size_t n)
{
    struct cage_portconn *conn = arg;
    return cage_screen_check(conn->screen, conn->req.host, data, n, &conn->refusal);
}

/* The bytes for the server that are there already: a plain request, made anew, and what came after it. */
static void add_first(const struct cage_portconn *conn, struct cage_strbuf *out)
{
    if (conn->req.kind != CAGE_PROXYREQ_FORWARD)
        return;
    cage_proxyreq_forward(conn->first, &conn->req, out);
    cage_strbuf_add_bytes(out, (const char *)conn->first + conn->req.used, conn->n_first - conn->req.used);
}

static void dialled(void *arg, enum cage_dial_result result, int fd, const char *reason)
{
    struct cage_portconn *conn = arg;
    CAGE_STRBUF_AUTO first = {0};
    conn->dial = NULL;
    if (result != CAGE_DIAL_CONNECTED) {
        bool denied = result == CAGE_DIAL_DENIED;
        refuse(conn, denied ? ANSWER_DENIED : ANSWER_FAILED, denied ? CAGE_RECORD_DENIED : CAGE_RECORD_FAILED,
               reason, false);
        return;
    }
    bool said = conn->req.kind == CAGE_PROXYREQ_FORWARD ||
                (conn->req.kind == CAGE_PROXYREQ_SOCKS ? tell_socks(conn, ANSWER_OK)
                                                       : tell_http(conn, ANSWER_OK, ""));
    if (!said) {
        cage_close(&fd);
        record(conn, CAGE_RECORD_FAILED, "closed by the client", false, 0, 0);
        free_conn(conn);
        return;
    }
    cage_strbuf_init(&first);
    add_first(conn, &first);
    struct cage_relay_options options = {
        .shared = &conn->gate->shared,
        .take_a = cage_steal_fd(&conn->fd),
        .take_b = fd,
        .first = first.buf,
        .n_first = first.len,
        .inspect = conn->screen == CAGE_SCREEN_NONE ? NULL : inspect,
        .done = relay_done,
        .arg = conn,
    };
    conn->relay = cage_relay_start(&options);
    free(conn->first);
    conn->first = NULL;
    conn->n_first = 0;
}

static void take_request(struct cage_portconn *conn)
{
    const struct cage_proxyreq *req = &conn->req;
    const struct cage_rules *rules = &conn->gate->rules;
    event_free(conn->event);
    conn->event = NULL;
    /* What cannot be looked at as one piece with the rest is not taken. */
    if (req->kind != CAGE_PROXYREQ_FORWARD && conn->n_first > req->used) {
        refuse(conn, ANSWER_BAD, CAGE_RECORD_DENIED, "data before the answer", false);
        return;
    }
    bool allowed = req->is_addr ? cage_rules_allow_addr(rules, &req->addr, req->port)
                                : cage_rules_allow_name(rules, req->host, req->port);
    if (!allowed) {
        bool known = !req->is_addr && cage_rules_know_name(rules, req->host);
        refuse(conn, ANSWER_DENIED, CAGE_RECORD_DENIED, known ? "port not in hosts" : "not in hosts",
               !req->is_addr || !cage_judge_is_loopback(&req->addr));
        return;
    }
    /* A literal stands for whatever is there; a plain request carries the host that we put into it. */
    if (!req->is_addr && req->kind != CAGE_PROXYREQ_FORWARD)
        conn->screen = cage_screen_of_port(req->port);
    conn->dial = cage_dial_host(&conn->gate->dialer, req->host, req->port, dialled, conn);
}

/* Answers the offer of methods once. False: the connection is gone. */
static bool greet(struct cage_portconn *conn)
{
    static const uint8_t none_needed[] = {5, 0}, none_fits[] = {5, 0xff};
    if (conn->req.greeted && !conn->greeted) {
        conn->greeted = true;
        (void)tell(conn, none_needed, sizeof(none_needed));
    }
    if (!conn->req.no_method)
        return true;
    (void)tell(conn, none_fits, sizeof(none_fits));
    record(conn, CAGE_RECORD_FAILED, "SOCKS with a password", false, 0, 0);
    free_conn(conn);
    return false;
}

static void asked(evutil_socket_t fd, short what, void *arg)
{
    struct cage_portconn *conn = arg;
    enum { CHUNK = 4096 };
    /* Connected ahead of need and never used, or much too slow. */
    if (!(what & EV_READ) || now_ms() >= conn->deadline) {
        free_conn(conn);
        return;
    }
    conn->first = cage_realloc_array(conn->first, conn->n_first + CHUNK, 1);
    ssize_t n = recv(fd, conn->first + conn->n_first, CHUNK, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        free_conn(conn);
        return;
    }
    conn->n_first += (size_t)n;
    cage_proxyreq_read(conn->first, conn->n_first, &conn->req);
    if (!greet(conn))
        return;
    if (conn->req.state == CAGE_PROXYREQ_DONE) {
        take_request(conn);
    } else if (conn->req.state == CAGE_PROXYREQ_BAD) {
        conn->req.host[0] = '\0';
        refuse(conn, ANSWER_BAD, CAGE_RECORD_DENIED, "not a request for a proxy", false);
    }
}

void cage_portconn_accept(struct cage_portgate_process *gate, int take_fd)
{
    static const struct timeval patience = {ASK_SECONDS, 0};
    struct cage_portconn *conn = cage_alloc(sizeof(*conn));
    int one = 1;
    conn->gate = gate;
    conn->fd = take_fd;
    conn->started = now_ms();
    conn->deadline = conn->started + ASK_SECONDS * 1000;
    conn->next = gate->conns;
    conn->link = &gate->conns;
    if (conn->next)
        conn->next->link = &conn->next;
    gate->conns = conn;
    gate->n_conns++;
    (void)setsockopt(take_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    conn->event = event_new(gate->base, take_fd, EV_READ | EV_PERSIST, asked, conn);
    (void)event_add(conn->event, &patience);
}

void cage_portconn_end_all(struct cage_portgate_process *gate)
{
    uint64_t sent = 0, received = 0;
    while (gate->conns) {
        struct cage_portconn *conn = gate->conns; /* free_conn unlinks it */
        if (conn->relay) {                        /* NOLINT(clang-analyzer-unix.Malloc) */
            cage_relay_cancel(conn->relay, &sent, &received);
            record(conn, CAGE_RECORD_ALLOWED, "open at the end of the run", false, sent, received);
        }
        free_conn(conn);
    }
}
