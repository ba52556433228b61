/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_test.h"

#include <stdlib.h>

#include "net/httphead.h"

static enum cage_httphead_state read_text(const char *text, struct cage_httphead *head)
{
    size_t n = strlen(text);
    char *copy = cage_alloc(n); /* without a NUL: over-reads show under the sanitizers */
    memcpy(copy, text, n);
    cage_httphead_read(copy, n, head);
    free(copy);
    return head->state;
}

static void test_done(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t port;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: Example.org\r\n\r\n", "example.org", 0},
        {"GET / HTTP/1.0\r\nA: b\r\nhOST:example.org:80 \r\nC:\r\n\r\nbody", "example.org", 80},
        {"POST http://example.org/x?y HTTP/1.1\r\nHost: example.org\r\n\r\n", "example.org", 0},
        {"GET http://EXAMPLE.org:80 HTTP/1.1\r\nHost: example.org.\r\n\r\n", "example.org", 0},
        {"OPTIONS * HTTP/1.1\r\nHost:\texample.org\t\r\n\r\n", "example.org", 0},
    };
    struct cage_httphead head;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        if (read_text(cases[i].text, &head) != CAGE_HTTPHEAD_DONE)
            fail_msg("refused: %s", cases[i].text);
        assert_string_equal(head.host, cases[i].host);
        assert_int_equal(head.port, cases[i].port);
    }
}

static void test_bad(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.org\r\nHost: a.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.org\r\nhost: b.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a.org\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: a.org\r\n\r\n",
        "GET / HTTP/1.1\r\nX: y\r\n z\r\nHost: a.org\r\n\r\n",
        "GET / HTTP/1.1\nHost: a.org\n\n",
        "GET / HTTP/1.1\r\nX: y\nHost: a.org\r\n\r\n",
        "GET / HTTP/1.1\r\nX: y\rHost: a.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.org, b.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.org b.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: user@a.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.org:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.org:0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.org:99999\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.org:100000\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET http://b.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "GET http://a.org:81/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "GET http:///x HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "GET https://a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "GET a.org HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "GET /\r\nHost: a.org\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a.org\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a.org\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "CONNECT a.org:80 HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "G=T / HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a.org\r\n\r\n",
        "\x16\x03\x01",
        "GET /\x01 HTTP/1.1\r\n",
    };
    struct cage_httphead head;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        if (read_text(cases[i], &head) != CAGE_HTTPHEAD_BAD)
            fail_msg("not refused: %s", cases[i]);
    }
    cage_httphead_read("GET / HTTP/1.1\r\nHost: a.org\0.b\r\n\r\n", 35, &head);
    assert_int_equal(head.state, CAGE_HTTPHEAD_BAD);
}

static void test_every_prefix(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n";
    struct cage_httphead head;
    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        cage_httphead_read(text, n, &head);
        assert_int_equal(head.state, CAGE_HTTPHEAD_MORE);
    }
    cage_httphead_read(text, sizeof(text) - 1, &head);
    assert_int_equal(head.state, CAGE_HTTPHEAD_DONE);
}

static void test_size_limit(void **state)
{
    (void)state;
    struct cage_httphead head;
    char *text = cage_alloc(CAGE_HTTPHEAD_MAX);
    memset(text, 'a', CAGE_HTTPHEAD_MAX);
    memcpy(text, "GET / HTTP/1.1\r\nX: ", 19);
    cage_httphead_read(text, CAGE_HTTPHEAD_MAX - 1, &head);
    assert_int_equal(head.state, CAGE_HTTPHEAD_MORE);
    cage_httphead_read(text, CAGE_HTTPHEAD_MAX, &head);
    assert_int_equal(head.state, CAGE_HTTPHEAD_BAD);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_done),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_size_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
