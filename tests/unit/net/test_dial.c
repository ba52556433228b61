/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cannot.h"
#include "net_test.h"

#include "net_dns.h"
#include "net_loop.h"

#include "net/dial.h"
#include "net/netlink.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <sys/socket.h>
#include <unistd.h>

/* Where hostile names lead: every spelling of this host's loopback, of metadata, of the local link … */
static const struct net_dns_name names[] = {
    {"loop.test", "127.0.0.1"},
    {"loop-other.test", "127.200.3.4"},
    {"loop6.test", "::1"},
    {"mapped.test", "::ffff:127.0.0.1"},
    {"translated.test", "::ffff:0:127.0.0.1"},
    {"nat64.test", "64:ff9b::7f00:1"},
    {"nat64-local.test", "64:ff9b:1::7f00:1"},
    {"sixtofour.test", "2002:7f00:1::1"},
    {"teredo.test", "2001:0:7f00:1::"},
    {"isatap.test", "2001:db8::5efe:7f00:1"},
    {"alias.test", "> x.test 127.0.0.1"},
    {"meta.test", "169.254.169.254"},
    {"meta-mapped.test", "::ffff:169.254.169.254"},
    {"meta-nat64.test", "64:ff9b::a9fe:a9fe"},
    {"meta6.test", "fd00:ec2::254"},
    {"alibaba.test", "100.100.100.200"},
    {"link.test", "169.254.7.7"},
    {"link6.test", "fe80::1"},
    {"zero.test", "0.0.0.0"},
    {"zero6.test", "::"},
    {"compatible.test", "::127.0.0.1"},
    {"multicast.test", "224.0.0.1"},
    {"multicast6.test", "ff02::1"},
    {"broadcast.test", "255.255.255.255"},
    {"all-bad.test", "127.0.0.1 169.254.169.254 ::1 fe80::1"},
};

struct scene {
    struct event_base *base;
    struct net_dns dns;
    struct cage_rules rules;
    struct cage_proxy proxy;
    struct cage_dialer dialer;
    struct cage_dial *dial;
    bool done;
    enum cage_dial_result result;
    const char *reason;
    int fd;
    size_t fds;
};

static void start(struct scene *scene)
{
    struct cage_error err = {0};
    *scene = (struct scene){.fds = net_count_fds(), .fd = -1};
    scene->base = event_base_new();
    cage_rules_init(&scene->rules);
    net_dns_start(&scene->dns, scene->base, names, CAGE_LEN(names));
    scene->dialer = (struct cage_dialer){
        .base = scene->base,
        .resolver = cage_resolver_new(scene->base, scene->dns.conf),
        .rules = &scene->rules,
        .proxy = &scene->proxy,
        .route_fd = cage_netlink_open(&err),
    };
    assert_true(scene->dialer.route_fd >= 0);
}

static void finish(struct scene *scene)
{
    cage_close(&scene->fd);
    cage_close(&scene->dialer.route_fd);
    cage_resolver_free(scene->dialer.resolver);
    cage_rules_finish(&scene->rules);
    cage_proxy_finish(&scene->proxy);
    net_dns_finish(&scene->dns);
    event_base_free(scene->base);
    assert_int_equal(net_count_fds(), scene->fds);
}

static void dialled(void *arg, enum cage_dial_result result, int fd, const char *reason)
{
    struct scene *scene = arg;
    assert_false(scene->done);
    assert_true((fd >= 0) == (result == CAGE_DIAL_CONNECTED));
    cage_close(&scene->fd);
    scene->fd = fd;
    scene->result = result;
    scene->reason = reason;
    scene->done = true;
}

static void dial(struct scene *scene, const char *host, uint16_t port)
{
    scene->done = false;
    scene->dial = cage_dial_host(&scene->dialer, host, port, dialled, scene);
    assert_non_null(scene->dial);
    assert_false(scene->done);
    net_run_until(scene->base, &scene->done);
}

static void expect_denied(struct scene *scene, const char *host, const char *reason)
{
    dial(scene, host, 80);
    if (scene->result != CAGE_DIAL_DENIED || !strstr(scene->reason, reason))
        fail_msg("%s: result %d, \"%s\" instead of denied, \"%s\"", host, (int)scene->result, scene->reason,
                 reason);
}

static void test_judged(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    for (size_t i = 0; i < CAGE_LEN(names); i++)
        expect_denied(&scene, names[i].name, "");
    expect_denied(&scene, "loop.test", "loopback address");
    expect_denied(&scene, "loop6.test", "loopback address");
    expect_denied(&scene, "mapped.test", "loopback address");
    expect_denied(&scene, "meta.test", "cloud metadata address");
    expect_denied(&scene, "link6.test", "link-local address");
    expect_denied(&scene, "zero.test", "not the address of a host");
    finish(&scene);
}

/* Loopback stays refused when the literal is a rule, which cage_rules_add() does not take anyway. */
static void test_literals(void **state)
{
    (void)state;
    struct scene scene;
    struct cage_error err = {0};
    start(&scene);
    assert_int_equal(cage_rules_add(&scene.rules, "127.0.0.1:80", &err), -1);
    scene.rules.items = cage_alloc(sizeof(*scene.rules.items));
    scene.rules.items[0] = (struct cage_rule){CAGE_RULE_ADDR, 80, "", cage_addr_v4(INADDR_LOOPBACK)};
    scene.rules.n = scene.rules.alloc = 1;
    expect_denied(&scene, "127.0.0.1", "loopback address");
    expect_denied(&scene, "169.254.169.254", "cloud metadata address");
    finish(&scene);
}

/* An address of an interface of this machine, as text; false where there is none but loopback. */
static bool own_address(char text[CAGE_ADDR_TEXT])
{
    struct ifaddrs *list = NULL;
    bool found = false;
    assert_int_equal(getifaddrs(&list), 0);
    for (const struct ifaddrs *at = list; at && !found; at = at->ifa_next) {
        struct cage_addr addr;
        if (at->ifa_addr && at->ifa_addr->sa_family == AF_INET &&
            cage_addr_from_sockaddr(at->ifa_addr, &addr, NULL) && addr.bytes[0] != 127 &&
            addr.bytes[0] != 169)
            found = cage_addr_format(&addr, text)[0] != '\0';
    }
    freeifaddrs(list);
    return found;
}

/* A name that leads to this host is refused, unless that address is listed itself: then it is connected to.
 */
static void test_own_address(void **state)
{
    (void)state;
    char text[CAGE_ADDR_TEXT], rule[CAGE_ADDR_TEXT + 8];
    struct net_dns_name own[] = {{"own.test", text}};
    struct scene scene;
    struct cage_error err = {0};
    if (!own_address(text))
        cannot_test("this machine has no address of its own");
    start(&scene);
    scene.dns.names = own;
    scene.dns.n = 1;
    expect_denied(&scene, "own.test", "address of this host");
    expect_denied(&scene, text, "address of this host");
    (void)snprintf(rule, sizeof(rule), "%s:1", text);
    assert_int_equal(cage_rules_add(&scene.rules, rule, &err), 0);
    dial(&scene, "own.test", 1); /* nobody listens there, so allowed shows as refused by the kernel */
    assert_int_equal(scene.result, CAGE_DIAL_FAILED);
    assert_string_equal(scene.reason, "connection refused");
    finish(&scene);
}

static void test_loopback(void **state)
{
    (void)state;
    struct scene scene;
    start(&scene);
    for (int v6 = 0; v6 < 2; v6++) {
        uint16_t port;
        int listener = net_listen(v6, &port);
        if (listener < 0)
            continue; /* no IPv6 here */
        scene.done = false;
        scene.dial = cage_dial_loopback(&scene.dialer, port, NULL, dialled, &scene);
        net_run_until(scene.base, &scene.done);
        assert_int_equal(scene.result, CAGE_DIAL_CONNECTED);
        assert_true(fcntl(scene.fd, F_GETFL) & O_NONBLOCK);
        cage_close(&listener);
        scene.done = false;
        scene.dial = cage_dial_loopback(&scene.dialer, port, NULL, dialled, &scene);
        net_run_until(scene.base, &scene.done);
        assert_int_equal(scene.result, CAGE_DIAL_FAILED);
        assert_string_equal(scene.reason, "connection refused");
    }
    finish(&scene);
}

static void test_cancel(void **state)
{
    (void)state;
    uint16_t port;
    struct scene scene;
    int listener = net_listen(false, &port);
    start(&scene);
    scene.dial = cage_dial_loopback(&scene.dialer, port, NULL, dialled, &scene);
    cage_dial_cancel(scene.dial);
    scene.dial = cage_dial_host(&scene.dialer, "loop.test", port, dialled, &scene);
    cage_dial_cancel(scene.dial);
    cage_dial_cancel(NULL);
    net_run_ready(scene.base);
    assert_false(scene.done);
    finish(&scene);
    cage_close(&listener);
}

/* Speaks for the proxy once it was connected to; answer in two parts. Returns the request. */
static void proxy_answers(struct scene *scene, int listener, const char *parts[2], char *request, size_t size)
{
    size_t n = 0;
    int conn = -1;
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    while (conn < 0) {
        net_run_ready(scene->base);
        conn = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    }
    memset(request, 0, size);
    while (!strstr(request, "\r\n\r\n")) {
        net_run_ready(scene->base);
        ssize_t more = recv(conn, request + n, size - 1 - n, 0);
        assert_true(more > 0 || (more < 0 && errno == EAGAIN));
        n += more > 0 ? (size_t)more : 0;
    }
    for (int i = 0; i < 2; i++) {
        (void)!send(conn, parts[i], strlen(parts[i]), MSG_NOSIGNAL); /* after a refusal nobody listens */
        for (int turn = 0; turn < 10; turn++)
            net_run_ready(scene->base);
    }
    net_run_until(scene->base, &scene->done);
    cage_close(&conn);
}

static void through_proxy(struct scene *scene, const char *first, const char *second)
{
    const char *parts[] = {first, second};
    char request[512], url[64];
    uint16_t port;
    int listener = net_listen(false, &port);
    struct cage_strv env = {0};
    struct cage_error err = {0};
    (void)snprintf(url, sizeof(url), "HTTPS_PROXY=http://127.0.0.1:%u", port);
    cage_strv_add(&env, url);
    cage_proxy_finish(&scene->proxy);
    assert_int_equal(cage_proxy_read(&scene->proxy, &env, &err), 0);
    cage_strv_finish(&env);
    scene->done = false;
    scene->dial = cage_dial_host(&scene->dialer, "outside.test", 443, dialled, scene);
    proxy_answers(scene, listener, parts, request, sizeof(request));
    assert_true(strncmp(request, "CONNECT outside.test:443 HTTP/1.1\r\n", 35) == 0);
    assert_int_equal(scene->dns.n_queries, 0); /* the proxy looks the name up */
    cage_close(&listener);
}

static void test_proxy(void **state)
{
    (void)state;
    struct scene scene;
    char after[8] = "";
    start(&scene);
    through_proxy(&scene, "HTTP/1.1 200 Conn", "ection established\r\nX: y\r\n\r\nafter");
    assert_int_equal(scene.result, CAGE_DIAL_CONNECTED);
    /* What follows the head is the server's. */
    assert_int_equal(recv(scene.fd, after, sizeof(after), 0), 5);
    assert_string_equal(after, "after");
    through_proxy(&scene, "HTTP/1.1 403 No", "\r\n\r\n");
    assert_int_equal(scene.result, CAGE_DIAL_FAILED);
    assert_string_equal(scene.reason, "refused by the proxy");
    through_proxy(&scene, "SSH-2.0-", "Server\r\n");
    assert_int_equal(scene.result, CAGE_DIAL_FAILED);
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judged),   cmocka_unit_test(test_literals), cmocka_unit_test(test_own_address),
        cmocka_unit_test(test_loopback), cmocka_unit_test(test_cancel),   cmocka_unit_test(test_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
