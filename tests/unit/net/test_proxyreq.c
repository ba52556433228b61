/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_test.h"

#include <stdlib.h>

#include "net/proxyreq.h"

/* Reads a copy without a NUL after it: over-reads show under the sanitizers. */
static enum cage_proxyreq_state read_bytes(const void *data, size_t n, struct cage_proxyreq *req)
{
    uint8_t *copy = cage_alloc(n);
    memcpy(copy, data, n);
    cage_proxyreq_read(copy, n, req);
    free(copy);
    return req->state;
}

static enum cage_proxyreq_state read_text(const char *text, struct cage_proxyreq *req)
{
    return read_bytes(text, strlen(text), req);
}

static void test_http_requests(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum cage_proxyreq_kind kind;
        const char *host;
        bool is_addr;
        uint16_t port;
        const char *rest;
    } cases[] = {
        {"CONNECT Example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n", CAGE_PROXYREQ_CONNECT, "example.org", false,
         443, ""},
        {"CONNECT example.org.:22 HTTP/1.0\r\n\r\nSSH", CAGE_PROXYREQ_CONNECT, "example.org", false, 22,
         "SSH"},
        {"CONNECT 192.0.2.1:443 HTTP/1.1\r\n\r\n", CAGE_PROXYREQ_CONNECT, "192.0.2.1", true, 443, ""},
        {"CONNECT [2001:DB8::1]:8443 HTTP/1.1\r\n\r\n", CAGE_PROXYREQ_CONNECT, "2001:db8::1", true, 8443, ""},
        {"GET http://example.org HTTP/1.1\r\n\r\n", CAGE_PROXYREQ_FORWARD, "example.org", false, 80, ""},
        {"GET http://example.org:8080/a?b HTTP/1.1\r\nHost: other\r\n\r\n", CAGE_PROXYREQ_FORWARD,
         "example.org", false, 8080, ""},
        {"POST HTTP://[::1]/x HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", CAGE_PROXYREQ_FORWARD, "::1", true,
         80, "hi"},
        {"GET http://example.org?q HTTP/1.1\r\n\r\n", CAGE_PROXYREQ_FORWARD, "example.org", false, 80, ""},
    };
    struct cage_proxyreq req;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        size_t n = strlen(cases[i].text);
        if (read_text(cases[i].text, &req) != CAGE_PROXYREQ_DONE)
            fail_msg("refused: %s", cases[i].text);
        assert_int_equal(req.kind, cases[i].kind);
        assert_string_equal(req.host, cases[i].host);
        assert_int_equal(req.is_addr, cases[i].is_addr);
        assert_int_equal(req.port, cases[i].port);
        assert_string_equal(cases[i].text + req.used, cases[i].rest);
        for (size_t k = 0; k < n - strlen(cases[i].rest); k++)
            assert_int_equal(read_bytes(cases[i].text, k, &req), CAGE_PROXYREQ_MORE);
    }
}

static void test_http_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "GET https://example.org/ HTTP/1.1\r\n\r\n",
        "GET ftp://example.org/ HTTP/1.1\r\n\r\n",
        "GET http:// HTTP/1.1\r\n\r\n",
        "GET http:///x HTTP/1.1\r\n\r\n",
        "GET http://user@example.org/ HTTP/1.1\r\n\r\n",
        "GET http://user:80@example.org/ HTTP/1.1\r\n\r\n",
        "GET http://example.org:/ HTTP/1.1\r\n\r\n",
        "GET http://example.org:0/ HTTP/1.1\r\n\r\n",
        "GET http://example.org:65536/ HTTP/1.1\r\n\r\n",
        "GET http://example.org/#x HTTP/1.1\r\n\r\n",
        "GET http://example.org\\x/ HTTP/1.1\r\n\r\n",
        "GET http://127.1/ HTTP/1.1\r\n\r\n",
        "GET http://0x7f000001/ HTTP/1.1\r\n\r\n",
        "GET http://[127.0.0.1]/ HTTP/1.1\r\n\r\n",
        "GET http://[::1/ HTTP/1.1\r\n\r\n",
        "GET http://[::1]80/ HTTP/1.1\r\n\r\n",
        "GET http://example.org/ HTTP/2.0\r\n\r\n",
        "GET http://example.org/ a HTTP/1.1\r\n\r\n",
        "GET http://example.org/\tHTTP/1.1\r\n\r\n",
        "GET http://example.org/\x80 HTTP/1.1\r\n\r\n",
        "GET http://example.org/ HTTP/1.1\n\n",
        "GET http://example.org/ HTTP/1.1\r\nA : b\r\n\r\n",
        "GET http://example.org/ HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "GET http://example.org/ HTTP/1.1\r\nA: b\rX: c\r\n\r\n",
        "CONNECT example.org HTTP/1.1\r\n\r\n",
        "CONNECT http://example.org:443 HTTP/1.1\r\n\r\n",
        "CONNECT example.org:443/ HTTP/1.1\r\n\r\n",
        "CONNECT [2001:db8::1] HTTP/1.1\r\n\r\n",
        "CONNECT 2001:db8::1:443 HTTP/1.1\r\n\r\n",
        "connect example.org:443 HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01",
        "\x04\x01",
    };
    struct cage_proxyreq req;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        if (read_text(cases[i], &req) != CAGE_PROXYREQ_BAD)
            fail_msg("not refused: %s", cases[i]);
    }
}

static void test_forwarded_head(void **state)
{
    (void)state;
    static const struct {
        const char *text, *out;
    } cases[] = {
        {"GET http://Example.org/a?b HTTP/1.1\r\nhost: evil.org\r\nAccept: */*\r\nProxy-Connection: "
         "keep-alive\r\n"
         "Proxy-Authorization: Basic eA==\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: "
         "x\r\n\r\n",
         "GET /a?b HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\nConnection: close\r\n\r\n"},
        {"POST http://example.org:81?q HTTP/1.0\r\nContent-Length: 2\r\n\r\n",
         "POST /?q HTTP/1.0\r\nHost: example.org:81\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"},
        {"GET http://[2001:db8::1] HTTP/1.1\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\nConnection: close\r\n\r\n"},
    };
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        CAGE_STRBUF_AUTO out = {0};
        struct cage_proxyreq req;
        cage_strbuf_init(&out);
        cage_proxyreq_read((const uint8_t *)cases[i].text, strlen(cases[i].text), &req);
        assert_int_equal(req.state, CAGE_PROXYREQ_DONE);
        cage_proxyreq_forward((const uint8_t *)cases[i].text, &req, &out);
        assert_string_equal(out.buf, cases[i].out);
    }
}

#define BYTES(text) text, sizeof(text) - 1

static void test_socks(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t n;
        const char *host;
        bool is_addr;
        uint16_t port;
    } cases[] = {
        {BYTES("\5\1\0\5\1\0\3\13Example.org\1\273"), "example.org", false, 443},
        {BYTES("\5\2\2\0\5\1\0\1\300\0\2\1\0\120"), "192.0.2.1", true, 80},
        {BYTES("\5\1\0\5\1\0\3\11"
               "192.0.2.1\0\120"),
         "192.0.2.1", true, 80},
        {BYTES("\5\1\0\5\1\0\4\x20\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1\1\273"), "2001:db8::1", true, 443},
    };
    struct cage_proxyreq req;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        assert_int_equal(read_bytes(cases[i].data, cases[i].n, &req), CAGE_PROXYREQ_DONE);
        assert_int_equal(req.kind, CAGE_PROXYREQ_SOCKS);
        assert_true(req.greeted);
        assert_string_equal(req.host, cases[i].host);
        assert_int_equal(req.is_addr, cases[i].is_addr);
        assert_int_equal(req.port, cases[i].port);
        assert_int_equal(req.used, cases[i].n);
        for (size_t k = 0; k < cases[i].n; k++)
            assert_int_equal(read_bytes(cases[i].data, k, &req), CAGE_PROXYREQ_MORE);
    }
    assert_int_equal(read_bytes(BYTES("\5\1\0"), &req), CAGE_PROXYREQ_MORE);
    assert_true(req.greeted);
}

static void test_socks_refused(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t n;
    } cases[] = {
        {BYTES("\5\1\2")},                 /* a password only */
        {BYTES("\5\0")},                   /* no method at all */
        {BYTES("\5\1\0\4\1\0")},           /* another version */
        {BYTES("\5\1\0\5\2\0")},           /* BIND */
        {BYTES("\5\1\0\5\3\0")},           /* UDP ASSOCIATE */
        {BYTES("\5\1\0\5\1\1")},           /* reserved */
        {BYTES("\5\1\0\5\1\0\2\0")},       /* no kind of address */
        {BYTES("\5\1\0\5\1\0\3\0\0\120")}, /* an empty name */
        {BYTES("\5\1\0\5\1\0\3\3"
               "a\0b\0\120")}, /* a NUL in it */
        {BYTES("\5\1\0\5\1\0\3\5"
               "127.1\0\120")},                      /* what many take for an address */
        {BYTES("\5\1\0\5\1\0\3\7a.org:1\0\120")},    /* a port in the name */
        {BYTES("\5\1\0\5\1\0\3\13example.org\0\0")}, /* port 0 */
    };
    struct cage_proxyreq req;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        if (read_bytes(cases[i].data, cases[i].n, &req) != CAGE_PROXYREQ_BAD)
            fail_msg("case %zu was not refused", i);
        assert_int_equal(req.no_method, i < 2);
    }
}

static void test_size_limit(void **state)
{
    (void)state;
    static char text[CAGE_PROXYREQ_MAX + 64];
    struct cage_proxyreq req;
    size_t n = (size_t)snprintf(text, sizeof(text), "GET http://a.org/ HTTP/1.1\r\nA: ");
    memset(text + n, 'x', sizeof(text) - n);
    assert_int_equal(read_bytes(text, CAGE_PROXYREQ_MAX - 1, &req), CAGE_PROXYREQ_MORE);
    assert_int_equal(read_bytes(text, CAGE_PROXYREQ_MAX, &req), CAGE_PROXYREQ_BAD);
    memcpy(text + sizeof(text) - 4, "\r\n\r\n", 4);
    assert_int_equal(read_bytes(text, sizeof(text), &req), CAGE_PROXYREQ_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_requests),  cmocka_unit_test(test_http_refused),
        cmocka_unit_test(test_forwarded_head), cmocka_unit_test(test_socks),
        cmocka_unit_test(test_socks_refused),  cmocka_unit_test(test_size_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
