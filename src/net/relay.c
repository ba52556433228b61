/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/relay.h"

#include "base/mem.h"
#include "net/hello.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef __linux__
/* No splice(2) elsewhere: everything goes through memory, and none of these is reached. */
enum { F_SETPIPE_SZ = -1, SPLICE_F_MOVE = 0, SPLICE_F_NONBLOCK = 0 };
#define splice(in, at_in, out, at_out, n, flags) ((void)(n), (ssize_t)-1)
#endif

enum { CHUNK = 16384, HELD_MAX = CAGE_HELLO_MAX_BYTES + CHUNK };
enum { BULK_AFTER = 128 * 1024 };      /* bytes of one direction after which a pipe pays */
enum { TURN_BYTES = 4 * 1024 * 1024 }; /* then the other connections get their turn */

/* One direction: from -> held or pipe -> to. */
struct flow {
    struct cage_relay *relay;
    int from, to;
    struct event *readable, *writable;
    uint8_t *held; /* bytes read and not written yet; NULL: none */
    size_t held_at, held_n;
    int *pipe; /* NULL: none */
    size_t piped;
    uint64_t total;  /* bytes written */
    bool inspecting; /* held is not to be sent yet */
    bool eof, done;  /* read to the end; passed the end on */
};

struct cage_relay {
    struct cage_relay_shared *shared;
    int a, b;
    struct flow flows[2]; /* a -> b, b -> a */
    cage_relay_inspect_fn inspect;
    cage_relay_fn fn;
    void *arg;
};

/* What a step of a flow came to. */
enum step { STEP_AGAIN, STEP_WAIT_READ, STEP_WAIT_WRITE, STEP_DONE, STEP_ERROR };

void cage_relay_make_reset(int fd)
{
    struct linger linger = {1, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void cage_relay_shared_init(struct cage_relay_shared *shared, struct event_base *base)
{
    *shared = (struct cage_relay_shared){.base = base};
#ifndef __linux__
    shared->n_made = CAGE_RELAY_PIPES; /* as if all were in use */
#endif
}

void cage_relay_shared_finish(struct cage_relay_shared *shared)
{
    for (size_t i = 0; i < shared->n_free; i++) {
        cage_close(&shared->pipes[i][0]);
        cage_close(&shared->pipes[i][1]);
    }
    shared->n_free = 0;
}

static int *take_pipe(struct cage_relay_shared *shared)
{
    int ends[2];
    if (shared->n_free > 0) {
        shared->n_free--;
        memcpy(ends, shared->pipes[shared->n_free], sizeof(ends));
    } else {
        if (shared->n_made == CAGE_RELAY_PIPES || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
            return NULL;
        shared->n_made++;
        /* Refused to users with many pipes; the usual 64 KiB do too. */
        (void)fcntl(ends[0], F_SETPIPE_SZ, CAGE_RELAY_PIPE_SIZE);
    }
    int *pipe = cage_alloc(sizeof(ends));
    memcpy(pipe, ends, sizeof(ends));
    return pipe;
}

/* A pipe with bytes left in it cannot be used again. */
static void give_pipe(struct cage_relay_shared *shared, struct flow *flow)
{
    if (!flow->pipe)
        return;
    if (flow->piped == 0) {
        memcpy(shared->pipes[shared->n_free++], flow->pipe, sizeof(shared->pipes[0]));
    } else {
        cage_close(&flow->pipe[0]);
        cage_close(&flow->pipe[1]);
        shared->n_made--;
    }
    free(flow->pipe);
    flow->pipe = NULL;
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* Writes what is held. */
static enum step flush_held(struct flow *flow)
{
    while (flow->held_at < flow->held_n) {
        ssize_t n = send(flow->to, flow->held + flow->held_at, flow->held_n - flow->held_at, MSG_NOSIGNAL);
        if (n < 0)
            return would_block() ? STEP_WAIT_WRITE : STEP_ERROR;
        flow->held_at += (size_t)n;
        flow->total += (uint64_t)n;
    }
    free(flow->held);
    flow->held = NULL;
    flow->held_at = flow->held_n = 0;
    return STEP_AGAIN;
}

static void hold(struct flow *flow, const uint8_t *data, size_t n)
{
    flow->held = cage_realloc_array(flow->held, flow->held_n + n, 1);
    memcpy(flow->held + flow->held_n, data, n);
    flow->held_n += n;
}

/* While the first bytes are being looked at they pile up in held; the look has a limit of its own. */
static enum step inspect(struct flow *flow)
{
    struct cage_relay *relay = flow->relay;
    int verdict = relay->inspect(relay->arg, flow->held, flow->held_n);
    if (verdict < 0 || (verdict == 0 && flow->held_n >= HELD_MAX - CHUNK))
        return STEP_ERROR;
    if (verdict > 0)
        flow->inspecting = false;
    return verdict > 0 ? STEP_AGAIN : STEP_WAIT_READ;
}

static enum step copy_some(struct flow *flow)
{
    uint8_t data[CHUNK];
    ssize_t n = recv(flow->from, data, sizeof(data), 0);
    if (n < 0)
        return would_block() ? STEP_WAIT_READ : STEP_ERROR;
    if (n == 0) {
        flow->eof = true;
        return STEP_AGAIN;
    }
    if (flow->inspecting) {
        hold(flow, data, (size_t)n);
        return inspect(flow);
    }
    ssize_t sent = send(flow->to, data, (size_t)n, MSG_NOSIGNAL);
    if (sent < 0 && !would_block())
        return STEP_ERROR;
    sent = sent < 0 ? 0 : sent;
    flow->total += (uint64_t)sent;
    if (sent < n) {
        hold(flow, data + sent, (size_t)(n - sent));
        return STEP_WAIT_WRITE;
    }
    return n < CHUNK ? STEP_WAIT_READ : STEP_AGAIN;
}

static enum step drain_pipe(struct flow *flow)
{
    while (flow->piped > 0) {
        ssize_t n =
            splice(flow->pipe[0], NULL, flow->to, NULL, flow->piped, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (n < 0)
            return would_block() ? STEP_WAIT_WRITE : STEP_ERROR;
        if (n == 0)
            return STEP_ERROR;
        flow->piped -= (size_t)n;
        flow->total += (uint64_t)n;
    }
    return STEP_AGAIN;
}

static enum step splice_some(struct flow *flow)
{
    ssize_t n = splice(flow->from, NULL, flow->pipe[1], NULL, CAGE_RELAY_PIPE_SIZE,
                       SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n < 0 && would_block()) {
        /* Nothing to carry for now: others may need the pipe. */
        give_pipe(flow->relay->shared, flow);
        return STEP_WAIT_READ;
    }
    if (n < 0)
        return STEP_ERROR;
    if (n == 0)
        flow->eof = true;
    flow->piped += (size_t)n;
    return STEP_AGAIN;
}

static enum step finish_flow(struct flow *flow)
{
    give_pipe(flow->relay->shared, flow);
    flow->done = true;
    if (shutdown(flow->to, SHUT_WR) != 0 && errno != ENOTCONN)
        return STEP_ERROR;
    return STEP_DONE;
}

static enum step step(struct flow *flow)
{
    enum step result = STEP_AGAIN;
    if (flow->held && !flow->inspecting)
        result = flush_held(flow);
    else if (flow->piped > 0)
        result = drain_pipe(flow);
    if (result != STEP_AGAIN)
        return result;
    if (flow->eof)
        return flow->inspecting && flow->held ? STEP_ERROR : finish_flow(flow);
    if (!flow->pipe && !flow->inspecting && flow->total >= BULK_AFTER)
        flow->pipe = take_pipe(flow->relay->shared);
    return flow->pipe ? splice_some(flow) : copy_some(flow);
}

static void free_relay(struct cage_relay *relay)
{
    for (int i = 0; i < 2; i++) {
        struct flow *flow = &relay->flows[i];
        event_free(flow->readable);
        event_free(flow->writable);
        give_pipe(relay->shared, flow);
        free(flow->held);
    }
    cage_close(&relay->a);
    cage_close(&relay->b);
    free(relay);
}

static void end(struct cage_relay *relay, bool reset)
{
    uint64_t sent = relay->flows[0].total, received = relay->flows[1].total;
    cage_relay_fn fn = relay->fn;
    void *arg = relay->arg;
    if (reset) {
        cage_relay_make_reset(relay->a);
        cage_relay_make_reset(relay->b);
    }
    free_relay(relay);
    fn(arg, sent, received, reset);
}

/* Moves on as far as it goes. The relay may be gone afterwards. */
static void run(struct flow *flow)
{
    struct cage_relay *relay = flow->relay;
    uint64_t turn_end = flow->total + TURN_BYTES;
    enum step result = STEP_AGAIN;
    while (result == STEP_AGAIN && flow->total < turn_end)
        result = step(flow);
    if (result == STEP_ERROR || (relay->flows[0].done && relay->flows[1].done)) {
        end(relay, result == STEP_ERROR);
        return;
    }
    bool want_write = result == STEP_WAIT_WRITE, want_read = result == STEP_WAIT_READ || result == STEP_AGAIN;
    if (result == STEP_AGAIN && (flow->held || flow->piped > 0 || flow->eof)) {
        want_write = true; /* its turn is over with something in hand */
        want_read = false;
    }
    if (want_write != (event_pending(flow->writable, EV_WRITE, NULL) != 0))
        (void)(want_write ? event_add(flow->writable, NULL) : event_del(flow->writable));
    if (want_read != (event_pending(flow->readable, EV_READ, NULL) != 0))
        (void)(want_read ? event_add(flow->readable, NULL) : event_del(flow->readable));
}

static void ready(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    run(arg);
}

static void init_flow(struct flow *flow, struct cage_relay *relay, int from, int to)
{
    *flow = (struct flow){.relay = relay, .from = from, .to = to};
    flow->readable = event_new(relay->shared->base, from, EV_READ | EV_PERSIST, ready, flow);
    flow->writable = event_new(relay->shared->base, to, EV_WRITE | EV_PERSIST, ready, flow);
}

struct cage_relay *cage_relay_start(const struct cage_relay_options *options)
{
    struct cage_relay *relay = cage_alloc(sizeof(*relay));
    relay->shared = options->shared;
    relay->a = options->take_a;
    relay->b = options->take_b;
    relay->inspect = options->inspect;
    relay->fn = options->done;
    relay->arg = options->arg;
    init_flow(&relay->flows[0], relay, relay->a, relay->b);
    init_flow(&relay->flows[1], relay, relay->b, relay->a);
    relay->flows[0].inspecting = options->inspect != NULL;
    if (options->n_first > 0)
        hold(&relay->flows[0], options->first, options->n_first);
    /* From the loop, so that `done` is not called before this returns. */
    (void)event_add(options->n_first > 0 ? relay->flows[0].writable : relay->flows[0].readable, NULL);
    (void)event_add(relay->flows[1].readable, NULL);
    return relay;
}

void cage_relay_cancel(struct cage_relay *relay, uint64_t *sent, uint64_t *received)
{
    *sent = relay->flows[0].total;
    *received = relay->flows[1].total;
    cage_relay_make_reset(relay->a);
    cage_relay_make_reset(relay->b);
    free_relay(relay);
}
