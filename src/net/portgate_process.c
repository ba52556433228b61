/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process of a gate on one port: sets up, runs the loop, ends when the one that started it does. */
#include "net/netlink.h"
#include "net/portgate_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RESUME_MS = 100 };

static void accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa, int n,
                     void *arg)
{
    struct cage_portgate_process *gate = arg;
    (void)listener;
    (void)sa;
    (void)n;
    cage_portconn_accept(gate, fd);
    if (gate->n_conns >= gate->max_conns)
        (void)evconnlistener_disable(gate->listener);
}

/* No descriptor for a connection: it waits in the queue. */
static void accept_failed(struct evconnlistener *listener, void *arg)
{
    static const struct timeval later = {0, RESUME_MS * 1000};
    struct cage_portgate_process *gate = arg;
    (void)evconnlistener_disable(listener);
    (void)event_add(gate->resume, &later);
}

void cage_portgate_release(struct cage_portgate_process *gate)
{
    if (gate->listener && gate->n_conns < gate->max_conns)
        (void)evconnlistener_enable(gate->listener);
}

static void resume(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    cage_portgate_release(arg);
}

/* The one that started us only ever closes its end, or dies. */
static void control_ready(evutil_socket_t fd, short what, void *arg)
{
    struct cage_portgate_process *gate = arg;
    char byte;
    (void)what;
    ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    (void)event_base_loopbreak(gate->base);
}

/* Two descriptors a connection; the rest is for pipes, look-ups and the files of the gate itself. */
static size_t raise_descriptor_limit(void)
{
    enum { RESERVE = 128 + 2 * CAGE_RELAY_PIPES };
    struct rlimit limit;
    rlim_t want = 2 * CAGE_PORTGATE_MAX_CONNS + RESERVE;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1;
    if (limit.rlim_cur < want) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            limit.rlim_cur = before;
    }
    if (limit.rlim_cur >= want)
        return CAGE_PORTGATE_MAX_CONNS;
    return limit.rlim_cur > RESERVE + 2 ? (size_t)(limit.rlim_cur - RESERVE) / 2 : 1;
}

static int listen_somewhere(struct cage_portgate_process *gate, uint16_t *port, struct cage_error *err)
{
    struct cage_addr local = cage_addr_v4(INADDR_LOOPBACK);
    struct sockaddr_storage sa = {0};
    socklen_t n = cage_addr_to_sockaddr(&local, 0, &sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, n) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&sa, &n) != 0 ||
        !cage_addr_from_sockaddr((struct sockaddr *)&sa, &local, port)) {
        cage_error_sys(err, errno, "cannot listen on 127.0.0.1 for the cage");
        cage_close(&fd);
        return -1;
    }
    gate->listener =
        evconnlistener_new(gate->base, accepted, gate, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (!gate->listener)
        return cage_error_set(err, CAGE_ERR_INTERNAL, "cannot listen for the cage");
    evconnlistener_set_error_cb(gate->listener, accept_failed);
    return 0;
}

static int set_up(struct cage_portgate_process *gate, uint16_t *port, struct cage_error *err)
{
    const struct cage_portgate_options *options = gate->options;
    cage_rules_init(&gate->rules);
    for (size_t i = 0; i < options->n_hosts; i++) {
        if (cage_rules_add(&gate->rules, options->hosts[i], err) != 0)
            return -1;
    }
    if (options->env && cage_proxy_read(&gate->proxy, options->env, err) != 0)
        return -1;
    gate->record = cage_record_new(options->log_path, (long)getppid(), err);
    if (!gate->record)
        return -1;
    gate->base = event_base_new();
    if (!gate->base) {
        cage_error_set(err, CAGE_ERR_SYSTEM, "cannot make an event loop");
        return cage_error_hint(err, "raise the limit of open files: ulimit -n 4096");
    }
    gate->resume = evtimer_new(gate->base, resume, gate);
    gate->max_conns = raise_descriptor_limit();
    cage_relay_shared_init(&gate->shared, gate->base);
    gate->dialer = (struct cage_dialer){
        .base = gate->base,
        .resolver = cage_resolver_new(gate->base, options->resolv_conf),
        .rules = &gate->rules,
        .proxy = &gate->proxy,
        .route_fd = cage_netlink_open(err),
    };
    return gate->dialer.route_fd < 0 ? -1 : listen_somewhere(gate, port, err);
}

static void send_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return;
        data += sent;
        n -= (size_t)sent;
    }
}

/* Everything is freed so that tests find leaks; the kernel would do. */
static void tear_down(struct cage_portgate_process *gate)
{
    CAGE_STRBUF_AUTO text = {0};
    evconnlistener_free(gate->listener);
    gate->listener = NULL;
    cage_portconn_end_all(gate);
    cage_strbuf_init(&text);
    cage_record_summary(gate->record, (const char *const *)gate->options->hosts, gate->options->n_hosts,
                        &text);
    send_all(gate->control_fd, text.buf, text.len + 1); /* the NUL: this was all */
    event_free(gate->control);
    event_free(gate->resume);
    cage_resolver_free(gate->dialer.resolver);
    cage_relay_shared_finish(&gate->shared);
    event_base_free(gate->base);
    cage_record_free(gate->record);
    cage_rules_finish(&gate->rules);
    cage_proxy_finish(&gate->proxy);
    cage_close(&gate->dialer.route_fd);
}

/* Out of the terminal's reach: Ctrl-C is for the command, and the gate ends after it. */
static void detach(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, usual = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int sig = 1; sig < SIGSYS; sig++)
        (void)sigaction(sig, &usual, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
}

int cage_portgate_process_run(const struct cage_portgate_options *options, int control_fd)
{
    struct cage_portgate_process gate = {.options = options, .control_fd = control_fd};
    struct cage_portgate_ready ready = {.port = 0};
    detach();
    int result = set_up(&gate, &ready.port, &ready.err);
    send_all(control_fd, (const char *)&ready, sizeof(ready));
    if (result != 0)
        return 1;
    gate.control = event_new(gate.base, control_fd, EV_READ | EV_PERSIST, control_ready, &gate);
    (void)event_add(gate.control, NULL);
    (void)event_base_dispatch(gate.base);
    tear_down(&gate);
    return 0;
}
