/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The gate's process: sets up, runs the loop, ends when the supervisor does. */
#include "net/gate_process.h"
#include "host/nss.h"
#include "net/confine.h"
#include "net/gate_internal.h"
#include "net/netlink.h"

#include "base/mem.h"
#include "base/path.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RESUME_MS = 100 };

static void accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa, int n,
                     void *arg)
{
    struct cage_gate_listener *own = arg;
    (void)listener;
    (void)sa;
    (void)n;
    if (own->way == CAGE_WAY_DNS)
        cage_dnsserver_accept(own->gate, fd);
    else
        cage_conn_accept(own, fd);
}

static void set_listening(struct cage_gate_process *gate, bool on)
{
    for (size_t i = 0; i < gate->n_listeners; i++) {
        struct cage_gate_listener *own = &gate->listeners[i];
        if (own->way == CAGE_WAY_DNS || own->held != on)
            continue;
        (void)(on ? evconnlistener_enable(own->listener) : evconnlistener_disable(own->listener));
        own->held = !on;
    }
}

void cage_gate_hold(struct cage_gate_process *gate)
{
    set_listening(gate, false);
}

void cage_gate_release(struct cage_gate_process *gate)
{
    if (gate->n_conns + 1 == gate->max_conns)
        set_listening(gate, true);
}

static void resume(evutil_socket_t fd, short what, void *arg)
{
    struct cage_gate_process *gate = arg;
    (void)fd;
    (void)what;
    if (gate->n_conns < gate->max_conns)
        set_listening(gate, true);
}

/* Out of descriptors or memory: without a pause the loop would spin. */
static void accept_failed(struct evconnlistener *listener, void *arg)
{
    static const struct timeval pause_time = {0, RESUME_MS * 1000};
    struct cage_gate_listener *own = arg;
    (void)listener;
    cage_gate_hold(own->gate);
    (void)event_add(own->gate->resume, &pause_time);
}

int cage_gate_add_listener(struct cage_gate_process *gate, enum cage_gate_way way, uint16_t port, int take_fd,
                           struct cage_error *err)
{
    if (gate->n_listeners == CAGE_GATE_MAX_LISTENERS) {
        cage_close(&take_fd);
        cage_error_set(err, CAGE_ERR_CONFIG, "too many ports for the network gate");
        return cage_error_hint(err, "take some out of expose, host_ports or hosts");
    }
    struct cage_gate_listener *own = &gate->listeners[gate->n_listeners++];
    *own = (struct cage_gate_listener){.gate = gate, .way = way, .port = port};
    own->listener = evconnlistener_new(gate->base, accepted, own,
                                       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, take_fd);
    if (!own->listener)
        return cage_error_set(err, CAGE_ERR_INTERNAL, "cannot listen for the cage");
    evconnlistener_set_error_cb(own->listener, accept_failed);
    return 0;
}

static bool listens_on(const struct cage_gate_process *gate, uint16_t port)
{
    for (int i = 0; i < gate->n_ports; i++) {
        if (gate->ports[i] == port)
            return true;
    }
    return false;
}

/* The kernel refuses connections to ports nobody listens on; this is how they get into the record all the
 * same. */
static void record_syn(struct cage_gate_process *gate, const uint8_t *data, size_t n)
{
    struct iphdr ip;
    uint8_t ports[4];
    if (n < sizeof(ip))
        return;
    memcpy(&ip, data, sizeof(ip));
    size_t at = (size_t)ip.ihl * 4;
    if (n < at + sizeof(ports))
        return;
    memcpy(ports, data + at, sizeof(ports));
    uint16_t port = (uint16_t)(ports[2] << 8 | ports[3]);
    struct cage_addr addr = cage_addr_v4(ntohl(ip.daddr));
    const char *name = cage_names_lookup(gate->names, &addr);
    char text[CAGE_ADDR_TEXT];
    if (listens_on(gate, port) || (port == CAGE_GATE_DNS_PORT && cage_rules_in_range(&addr) && !name))
        return;
    cage_record_add(gate->record, &(struct cage_record_entry){
                                      .kind = CAGE_RECORD_CONNECTION,
                                      .verdict = CAGE_RECORD_DENIED,
                                      .name = name ? name : cage_addr_format(&addr, text),
                                      .port = port,
                                      .reason = "port not in hosts",
                                      .can_allow = name || !cage_rules_in_range(&addr),
                                  });
}

void cage_gate_syns_ready(evutil_socket_t fd, short what, void *arg)
{
    uint8_t data[128];
    (void)what;
    for (int i = 0; i < 64; i++) {
        ssize_t n = recv(fd, data, sizeof(data), 0);
        if (n <= 0)
            return;
        record_syn(arg, data, (size_t)n);
    }
}

/* Two descriptors a connection; the rest is for pipes, look-ups and the files of the gate itself. */
static size_t raise_descriptor_limit(void)
{
    enum { RESERVE = 64 + 2 * CAGE_RELAY_PIPES + CAGE_GATE_MAX_LISTENERS / 2 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return RESERVE;
    rlim_t want_n = 2 * CAGE_GATE_MAX_CONNS + RESERVE;
    limit.rlim_cur = limit.rlim_max < want_n ? limit.rlim_max : want_n;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    size_t have = limit.rlim_cur > 2 * RESERVE ? (size_t)limit.rlim_cur - RESERVE : RESERVE;
    return have / 2 < CAGE_GATE_MAX_CONNS ? have / 2 : CAGE_GATE_MAX_CONNS;
}

static int set_up(struct cage_gate_process *gate, struct cage_error *err)
{
    const struct cage_gate_options *options = gate->options;
    cage_rules_init(&gate->rules);
    for (size_t i = 0; i < options->n_hosts; i++) {
        if (cage_rules_add(&gate->rules, options->hosts[i], err) != 0)
            return -1;
    }
    gate->n_ports = cage_rules_ports(&gate->rules, gate->ports);
    if (gate->n_ports < 0) {
        cage_error_set(err, CAGE_ERR_CONFIG, "hosts: more than %d different ports", CAGE_RULES_MAX_PORTS);
        return cage_error_hint(err, "take some of the ports out");
    }
    if (options->env && options->names && cage_proxy_read(&gate->proxy, options->env, err) != 0)
        return -1;
    gate->record = cage_record_new(options->log_path, (long)getppid(), err);
    if (!gate->record)
        return -1;
    gate->base = event_base_new();
    if (!gate->base) {
        cage_error_set(err, CAGE_ERR_SYSTEM, "cannot make an event loop");
        return cage_error_hint(err, "raise the limit of open files: ulimit -n 4096");
    }
    gate->names = cage_names_new();
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
    if (gate->dialer.route_fd < 0)
        return -1;
    return cage_gate_open_sockets(gate, err);
}

static int confine(const struct cage_gate_process *gate, struct cage_error *err)
{
    const struct cage_gate_options *options = gate->options;
    cage_autofree char *log_dir = options->log_path ? cage_path_dirname(options->log_path) : NULL;
    cage_autofree char *nss = cage_host_nss_program();
    struct cage_confine_options confine = {
        .write_dir = log_dir,
        .program = nss,
        .conf = options->resolv_conf ? options->resolv_conf : CAGE_RESOLVE_CONF,
        .enter_cage = options->n_expose > 0,
        .keep_caps = options->n_expose > 0 && gate->ns.user_fd < 0,
    };
    return cage_confine(&confine, err);
}

/* The supervisor only ever closes its end. */
static void control_ready(evutil_socket_t fd, short what, void *arg)
{
    struct cage_gate_process *gate = arg;
    char byte;
    (void)what;
    ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    (void)event_base_loopbreak(gate->base);
}

static void send_summary(struct cage_gate_process *gate)
{
    enum { PART = 4096 };
    CAGE_STRBUF_AUTO text = {0};
    cage_strbuf_init(&text);
    cage_record_summary(gate->record, (const char *const *)gate->options->hosts, gate->options->n_hosts,
                        &text);
    for (size_t at = 0; at < text.len; at += PART) {
        size_t n = text.len - at < PART ? text.len - at : PART;
        (void)!send(gate->control_fd, text.buf + at, n, MSG_NOSIGNAL);
    }
    (void)!send(gate->control_fd, "", 1, MSG_NOSIGNAL); /* a NUL: this was all */
}

/* Everything is freed so that tests find leaks; the kernel would do. */
static void tear_down(struct cage_gate_process *gate)
{
    cage_conn_end_all(gate);
    cage_dnsserver_end_all(gate);
    send_summary(gate);
    for (size_t i = 0; i < gate->n_listeners; i++)
        evconnlistener_free(gate->listeners[i].listener);
    struct event *events[] = {gate->control, gate->udp, gate->syns, gate->resume};
    for (size_t i = 0; i < CAGE_LEN(events); i++) {
        if (events[i])
            event_free(events[i]);
    }
    cage_resolver_free(gate->dialer.resolver);
    cage_relay_shared_finish(&gate->shared);
    event_base_free(gate->base);
    cage_record_free(gate->record);
    cage_names_free(gate->names);
    cage_rules_finish(&gate->rules);
    cage_proxy_finish(&gate->proxy);
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
    (void)prctl(PR_SET_NAME, "nixcage-gate");
    (void)prctl(PR_SET_DUMPABLE, 0);
}

int cage_gate_process_run(const struct cage_gate_options *options, int control_fd, const struct cage_ns *ns)
{
    struct cage_gate_process *gate = cage_alloc(sizeof(*gate));
    struct cage_error err = {0};
    detach();
    gate->options = options;
    gate->control_fd = control_fd;
    gate->ns = *ns;
    gate->udp_fd = gate->syn_fd = -1;
    int result = set_up(gate, &err);
    if (send(control_fd, &err, sizeof(err), MSG_NOSIGNAL) != (ssize_t)sizeof(err) || result != 0)
        return 1;
    /* Not a byte of the cage's was read so far: its start need not wait for this. */
    if (confine(gate, &err) != 0)
        return 1;
    gate->control = event_new(gate->base, control_fd, EV_READ | EV_PERSIST, control_ready, gate);
    (void)event_add(gate->control, NULL);
    (void)event_base_dispatch(gate->base);
    tear_down(gate);
    free(gate);
    return 0;
}
