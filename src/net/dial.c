/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dial.h"

#include "base/mem.h"
#include "net/judge.h"
#include "net/netlink.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_START_MS = 250, PATIENCE_S = 30 };

struct attempt {
    struct cage_dial *dial;
    struct cage_addr addr;
    int fd;
    struct event *event;
};

struct cage_dial {
    const struct cage_dialer *dialer;
    char host[CAGE_HOSTNAME_SIZE];
    uint16_t port;         /* asked for */
    uint16_t connect_port; /* connected to: the proxy's when there is one */
    bool proxied;
    cage_dial_fn fn;
    void *arg;
    struct cage_lookup *lookup;
    struct attempt attempts[CAGE_RESOLVE_MAX_ADDRS];
    size_t n, started, failed;
    struct event *next_timer, *deadline, *report;
    enum cage_dial_result result;
    const char *reason;
    int fd; /* the winner: being handed over or talking to the proxy */
    struct event *proxy_event;
};

static void drop_attempt(struct attempt *attempt)
{
    if (attempt->event)
        event_free(attempt->event);
    attempt->event = NULL;
    cage_close(&attempt->fd);
}

void cage_dial_cancel(struct cage_dial *dial)
{
    if (!dial)
        return;
    cage_lookup_cancel(dial->lookup);
    for (size_t i = 0; i < CAGE_RESOLVE_MAX_ADDRS; i++)
        drop_attempt(&dial->attempts[i]);
    struct event *events[] = {dial->next_timer, dial->deadline, dial->report, dial->proxy_event};
    for (size_t i = 0; i < CAGE_LEN(events); i++) {
        if (events[i])
            event_free(events[i]);
    }
    cage_close(&dial->fd);
    free(dial);
}

static void report(evutil_socket_t fd, short what, void *arg)
{
    struct cage_dial *dial = arg;
    cage_dial_fn fn = dial->fn;
    void *fn_arg = dial->arg;
    enum cage_dial_result result = dial->result;
    const char *reason = dial->reason;
    (void)fd;
    (void)what;
    int winner = cage_steal_fd(&dial->fd);
    cage_dial_cancel(dial);
    fn(fn_arg, result, winner, reason);
}

/* Ends the dial from the loop, so that no caller sees its own callback. */
static void conclude(struct cage_dial *dial, enum cage_dial_result result, const char *reason)
{
    dial->result = result;
    dial->reason = reason;
    if (dial->proxy_event)
        (void)event_del(dial->proxy_event);
    if (result != CAGE_DIAL_CONNECTED)
        cage_close(&dial->fd);
    for (size_t i = 0; i < dial->n; i++)
        drop_attempt(&dial->attempts[i]);
    (void)event_del(dial->next_timer);
    (void)event_del(dial->deadline);
    event_active(dial->report, EV_TIMEOUT, 0);
}

static const char *connect_reason(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return "connection refused";
    case ENETUNREACH:
    case EHOSTUNREACH:
        return "host unreachable";
    case ETIMEDOUT:
        return "timed out";
    default:
        return "cannot connect";
    }
}

/* Reads the proxy's answer without taking a byte of what comes after it. */
static void proxy_says(evutil_socket_t fd, short what, void *arg)
{
    struct cage_dial *dial = arg;
    char data[CAGE_PROXY_REPLY_MAX];
    int status;
    (void)what;
    ssize_t n = recv(fd, data, sizeof(data), MSG_PEEK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    long size = n > 0 ? cage_proxy_reply(data, (size_t)n, &status) : -1;
    if (size < 0) {
        conclude(dial, CAGE_DIAL_FAILED, "refused by the proxy");
        return;
    }
    /* Level-triggered peeking would spin until the rest comes: take what is certain to be part of the head.
     */
    if (size == 0) {
        int low = (int)n + 1;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
        return;
    }
    int one = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
    if (recv(fd, data, (size_t)size, 0) != size) {
        conclude(dial, CAGE_DIAL_FAILED, "refused by the proxy");
        return;
    }
    conclude(dial, CAGE_DIAL_CONNECTED, "");
}

static void ask_proxy(struct cage_dial *dial)
{
    CAGE_STRBUF_AUTO request = {0};
    cage_strbuf_init(&request);
    cage_proxy_request(dial->dialer->proxy, dial->host, dial->port, &request);
    /* A fresh socket's buffer holds a request of this size. */
    if (send(dial->fd, request.buf, request.len, MSG_NOSIGNAL) != (ssize_t)request.len) {
        conclude(dial, CAGE_DIAL_FAILED, "cannot talk to the proxy");
        return;
    }
    for (size_t i = 0; i < dial->n; i++)
        drop_attempt(&dial->attempts[i]);
    (void)event_del(dial->next_timer);
    dial->proxy_event = event_new(dial->dialer->base, dial->fd, EV_READ | EV_PERSIST, proxy_says, dial);
    (void)event_add(dial->proxy_event, NULL);
}

static void start_next(struct cage_dial *dial);

static void attempt_failed(struct attempt *attempt, int error)
{
    struct cage_dial *dial = attempt->dial;
    drop_attempt(attempt);
    dial->failed++;
    if (dial->started < dial->n)
        start_next(dial);
    else if (dial->failed == dial->n)
        conclude(dial, CAGE_DIAL_FAILED, connect_reason(error));
}

static void attempt_ready(evutil_socket_t fd, short what, void *arg)
{
    struct attempt *attempt = arg;
    struct cage_dial *dial = attempt->dial;
    int error = 0, one = 1;
    socklen_t size = sizeof(error);
    (void)what;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error) {
        attempt_failed(attempt, error);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    dial->fd = cage_steal_fd(&attempt->fd);
    event_free(attempt->event);
    attempt->event = NULL;
    if (dial->proxied)
        ask_proxy(dial);
    else
        conclude(dial, CAGE_DIAL_CONNECTED, "");
}

static void start_attempt(struct attempt *attempt)
{
    struct cage_dial *dial = attempt->dial;
    struct sockaddr_storage sa;
    socklen_t n = cage_addr_to_sockaddr(&attempt->addr, dial->connect_port, &sa);
    if (attempt->fd < 0)
        attempt->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (attempt->fd < 0 || (connect(attempt->fd, (struct sockaddr *)&sa, n) != 0 && errno != EINPROGRESS)) {
        attempt_failed(attempt, errno);
        return;
    }
    attempt->event = event_new(dial->dialer->base, attempt->fd, EV_WRITE, attempt_ready, attempt);
    (void)event_add(attempt->event, NULL);
}

static void start_next(struct cage_dial *dial)
{
    static const struct timeval head_start = {0, HEAD_START_MS * 1000};
    struct attempt *attempt = &dial->attempts[dial->started++];
    if (dial->started < dial->n)
        (void)event_add(dial->next_timer, &head_start);
    else
        (void)event_del(dial->next_timer);
    start_attempt(attempt);
}

static void next_due(evutil_socket_t fd, short what, void *arg)
{
    struct cage_dial *dial = arg;
    (void)fd;
    (void)what;
    if (dial->started < dial->n)
        start_next(dial);
}

static void deadline_passed(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    conclude(arg, CAGE_DIAL_FAILED, "timed out");
}

static bool is_own(void *arg, const struct cage_addr *addr)
{
    const struct cage_dialer *dialer = arg;
    return cage_netlink_is_own(dialer->route_fd, addr);
}

static const char *judge(const struct cage_dial *dial, const struct cage_addr *addr)
{
    const struct cage_dialer *dialer = dial->dialer;
    if (dial->proxied) /* the user's own setting, often on this very host */
        return NULL;
    if (!cage_judge_is_loopback(addr) && cage_rules_allow_addr(dialer->rules, addr, dial->port))
        return NULL;
    return cage_judge_address(addr, is_own, (void *)(uintptr_t)dialer);
}

/* Appends the acceptable ones of addrs that are of this family. */
static void add_attempts(struct cage_dial *dial, const struct cage_addr *addrs, size_t n, bool v6)
{
    for (size_t i = 0; i < n && dial->n < CAGE_RESOLVE_MAX_ADDRS; i++) {
        if (addrs[i].v6 != v6)
            continue;
        const char *reason = judge(dial, &addrs[i]);
        if (reason)
            dial->reason = reason;
        else
            dial->attempts[dial->n++].addr = addrs[i];
    }
}

/* RFC 8305 4: families take turns, IPv6 first where the host has a way there; the kernel says at once where
 * not. */
static void interleave(struct cage_dial *dial, size_t first_v4)
{
    struct cage_addr order[CAGE_RESOLVE_MAX_ADDRS];
    size_t six = 0, four = first_v4, n = 0;
    while (n < dial->n) {
        if (six < first_v4)
            order[n++] = dial->attempts[six++].addr;
        if (four < dial->n)
            order[n++] = dial->attempts[four++].addr;
    }
    for (size_t i = 0; i < n; i++)
        dial->attempts[i].addr = order[i];
}

static void resolved(void *arg, const struct cage_addr *addrs, size_t n, const char *reason)
{
    struct cage_dial *dial = arg;
    dial->lookup = NULL;
    if (n == 0) {
        conclude(dial, CAGE_DIAL_FAILED, reason);
        return;
    }
    add_attempts(dial, addrs, n, true);
    size_t first_v4 = dial->n;
    add_attempts(dial, addrs, n, false);
    if (dial->n == 0) {
        conclude(dial, CAGE_DIAL_DENIED, dial->reason);
        return;
    }
    interleave(dial, first_v4);
    start_next(dial);
}

static struct cage_dial *new_dial(const struct cage_dialer *dialer, uint16_t port, cage_dial_fn fn, void *arg)
{
    static const struct timeval patience = {PATIENCE_S, 0};
    struct cage_dial *dial = cage_alloc(sizeof(*dial));
    *dial = (struct cage_dial){.dialer = dialer, .port = port, .connect_port = port, .fn = fn, .arg = arg};
    dial->fd = -1;
    dial->reason = "";
    for (size_t i = 0; i < CAGE_RESOLVE_MAX_ADDRS; i++)
        dial->attempts[i] = (struct attempt){.dial = dial, .fd = -1};
    dial->next_timer = evtimer_new(dialer->base, next_due, dial);
    dial->deadline = evtimer_new(dialer->base, deadline_passed, dial);
    dial->report = event_new(dialer->base, -1, 0, report, dial);
    (void)event_add(dial->deadline, &patience);
    return dial;
}

struct cage_dial *cage_dial_host(const struct cage_dialer *dialer, const char *host, uint16_t port,
                                 cage_dial_fn fn, void *arg)
{
    struct cage_dial *dial = new_dial(dialer, port, fn, arg);
    struct cage_addr addr;
    (void)snprintf(dial->host, sizeof(dial->host), "%s", host);
    dial->proxied = cage_proxy_applies(dialer->proxy, host);
    if (dial->proxied) {
        dial->connect_port = dialer->proxy->port;
        host = dialer->proxy->host;
    }
    if (cage_addr_parse(host, &addr)) {
        resolved(dial, &addr, 1, NULL);
        return dial;
    }
    dial->lookup = cage_resolver_lookup(dialer->resolver, host, resolved, dial);
    if (!dial->lookup)
        conclude(dial, CAGE_DIAL_FAILED, "too many look-ups");
    return dial;
}

struct cage_dial *cage_dial_loopback(const struct cage_dialer *dialer, uint16_t port, const int *take_sockets,
                                     cage_dial_fn fn, void *arg)
{
    struct cage_dial *dial = new_dial(dialer, port, fn, arg);
    dial->attempts[0].addr = cage_addr_v4(INADDR_LOOPBACK);
    dial->attempts[1].addr = (struct cage_addr){.v6 = true, .bytes = {[15] = 1}};
    dial->n = 2;
    for (size_t i = 0; take_sockets && i < 2; i++)
        dial->attempts[i].fd = take_sockets[i];
    start_next(dial);
    return dial;
}
