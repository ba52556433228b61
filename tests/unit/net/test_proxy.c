/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_test.h"

#include "net/proxy.h"

static int read_env(struct cage_proxy *proxy, const char *a, const char *b, struct cage_error *err)
{
    CAGE_STRV_AUTO env = {0};
    cage_strv_init(&env);
    cage_strv_add(&env, a);
    if (b)
        cage_strv_add(&env, b);
    return cage_proxy_read(proxy, &env, err);
}

static void test_read(void **state)
{
    (void)state;
    struct cage_proxy proxy;
    struct cage_error err = {0};
    assert_int_equal(
        read_env(&proxy, "HTTPS_PROXY=", "https_proxy=http://us%65r:p%40ss@Proxy.corp:3128/", &err), 0);
    assert_string_equal(proxy.host, "Proxy.corp");
    assert_int_equal(proxy.port, 3128);
    assert_string_equal(proxy.auth, "dXNlcjpwQHNz");
    cage_proxy_finish(&proxy);
    assert_int_equal(read_env(&proxy, "ALL_PROXY=[2001:db8::1]:8080", NULL, &err), 0);
    assert_string_equal(proxy.host, "2001:db8::1");
    assert_int_equal(proxy.port, 8080);
    assert_null(proxy.auth);
    cage_proxy_finish(&proxy);
    assert_int_equal(read_env(&proxy, "HTTPS_PROXY=http://10.0.0.1", NULL, &err), 0);
    assert_int_equal(proxy.port, 80);
    cage_proxy_finish(&proxy);
    assert_int_equal(read_env(&proxy, "PATH=/bin", NULL, &err), 0);
    assert_null(proxy.host);
    assert_false(cage_proxy_applies(&proxy, "a.org"));
    cage_proxy_finish(&proxy);
}

static void test_unusable(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "HTTPS_PROXY=socks5://h:1",        "HTTPS_PROXY=https://h:1",    "HTTPS_PROXY=http://",
        "HTTPS_PROXY=http://u:secret@h:x", "HTTPS_PROXY=http://h:70000", "HTTPS_PROXY=[::1",
    };
    struct cage_proxy proxy;
    struct cage_error err;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        err = (struct cage_error){0};
        assert_int_equal(read_env(&proxy, cases[i], NULL, &err), -1);
        assert_non_null(strstr(err.message, "HTTPS_PROXY"));
        assert_null(strstr(err.message, "secret"));
        assert_true(err.hint[0]);
    }
}

static void test_no_proxy(void **state)
{
    (void)state;
    struct cage_proxy proxy;
    struct cage_error err = {0};
    assert_int_equal(read_env(&proxy, "HTTPS_PROXY=http://p:1",
                              "NO_PROXY=corp.example, .other.org *.third.org,10.0.0.0/8 2001:db8::1", &err),
                     0);
    assert_false(cage_proxy_applies(&proxy, "corp.example"));
    assert_false(cage_proxy_applies(&proxy, "git.corp.example"));
    assert_true(cage_proxy_applies(&proxy, "xcorp.example"));
    assert_false(cage_proxy_applies(&proxy, "a.other.org"));
    assert_false(cage_proxy_applies(&proxy, "a.third.org"));
    assert_true(cage_proxy_applies(&proxy, "github.com"));
    assert_false(cage_proxy_applies(&proxy, "10.1.2.3"));
    assert_true(cage_proxy_applies(&proxy, "11.1.2.3"));
    assert_false(cage_proxy_applies(&proxy, "2001:db8::1"));
    assert_true(cage_proxy_applies(&proxy, "2001:db8::2"));
    cage_proxy_finish(&proxy);
    assert_int_equal(read_env(&proxy, "HTTPS_PROXY=http://p:1", "NO_PROXY=*", &err), 0);
    assert_false(cage_proxy_applies(&proxy, "github.com"));
    cage_proxy_finish(&proxy);
}

static void test_dialogue(void **state)
{
    (void)state;
    struct cage_proxy proxy;
    struct cage_error err = {0};
    CAGE_STRBUF_AUTO out = {0};
    cage_strbuf_init(&out);
    assert_int_equal(read_env(&proxy, "HTTPS_PROXY=http://a:b@p:1", NULL, &err), 0);
    cage_proxy_request(&proxy, "a.org", 443, &out);
    assert_string_equal(
        out.buf, "CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:443\r\nProxy-Authorization: Basic YTpi\r\n\r\n");
    cage_strbuf_reset(&out);
    cage_proxy_request(&proxy, "2001:db8::1", 22, &out);
    assert_non_null(strstr(out.buf, "CONNECT [2001:db8::1]:22 "));
    cage_proxy_finish(&proxy);
    int status;
    static const char ok[] = "HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n";
    for (size_t n = 0; n < sizeof(ok) - 1; n++)
        assert_int_equal(cage_proxy_reply(ok, n, &status), 0);
    assert_int_equal(cage_proxy_reply(ok, sizeof(ok) - 1, &status), sizeof(ok) - 1);
    assert_int_equal(cage_proxy_reply("HTTP/1.1 407 Auth\r\n", 19, &status), -1);
    assert_int_equal(status, 407);
    assert_int_equal(cage_proxy_reply("SSH-2.0", 7, &status), -1);
    assert_int_equal(cage_proxy_reply("HTTP/1.1 2x0 Ok\r\n", 17, &status), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_unusable),
        cmocka_unit_test(test_no_proxy),
        cmocka_unit_test(test_dialogue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
