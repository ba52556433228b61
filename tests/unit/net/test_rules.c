/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_test.h"

#include "net/rules.h"

static void test_hostname_accepts(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"example.org", "example.org"},
        {"Example.ORG.", "example.org"},
        {"a", "a"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"_dmarc.x-y.org", "_dmarc.x-y.org"},
        {"3com.com", "3com.com"},
        {"1.2.3.4a", "1.2.3.4a"},
        {"0xg.a0x", "0xg.a0x"},
    };
    char out[CAGE_HOSTNAME_SIZE];
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        assert_true(cage_hostname_parse(cases[i].in, strlen(cases[i].in), out));
        assert_string_equal(out, cases[i].out);
    }
}

static void test_hostname_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        ".",
        "..",
        "a..b",
        ".a",
        "a b",
        "-a.org",
        "a-.org",
        "a/b",
        "a:1",
        "1.2.3.4",
        "127.1",
        "2130706433",
        "0x7f000001",
        "a.0x7f",
        "x.1",
        ("b\xc3\xbc"
         "cher.example"),
        "a*b",
        "[::1]",
        "a%2eb",
        "a..",
    };
    char out[CAGE_HOSTNAME_SIZE];
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        assert_false(cage_hostname_parse(cases[i], strlen(cases[i]), out));
        assert_string_equal(out, "");
    }
    assert_false(cage_hostname_parse("evil.org\0.example.org", 21, out));
}

static void test_hostname_lengths(void **state)
{
    (void)state;
    char name[300], out[CAGE_HOSTNAME_SIZE];
    memset(name, 'a', sizeof(name));
    assert_true(cage_hostname_parse(name, 63, out));
    assert_false(cage_hostname_parse(name, 64, out));
    for (size_t i = 63; i < sizeof(name); i += 64)
        name[i] = '.';
    assert_true(cage_hostname_parse(name, 253, out));
    assert_int_equal(strlen(out), 253);
    assert_false(cage_hostname_parse(name, 254, out));
}

static void test_rule_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "not a host name"},
        {"*", "allow = true"},
        {"*.", "\"*\" may only"},
        {"a.*.org", "\"*\" may only"},
        {"*a.org", "\"*\" may only"},
        {"https://example.org", "host name only"},
        {"example.org/path", "host name only"},
        {"example.org:", "1 to 65535"},
        {"example.org:0", "1 to 65535"},
        {"example.org:65536", "1 to 65535"},
        {"example.org:443x", "1 to 65535"},
        {"example.org:-1", "1 to 65535"},
        {"b\xc3\xbc"
         "cher.example",
         "xn--"},
        {"localhost", "host_ports"},
        {"a.localhost:80", "host_ports"},
        {"127.0.0.1:80", "host_ports"},
        {"[::1]:80", "host_ports"},
        {"[::ffff:127.0.0.1]:80", "as such"},
        {"[::ffff:192.0.2.1]", "as such"},
        {"0.0.0.0", "not the address of a host"},
        {"224.0.0.1", "not the address of a host"},
        {"[::]", "not the address of a host"},
        {"198.18.0.1", "nixcage itself"},
        {"198.19.255.255:443", "nixcage itself"},
        {"2001:db8::1", "in brackets"},
        {"[2001:db8::1", "in brackets"},
        {"[2001:db8::1]443", "in brackets"},
        {"[192.0.2.1]:80", "only IPv6"},
        {"[]", "not an IP address"},
        {"1.2.3", "not an IP address"},
        {"1.2.3.4.5", "not an IP address"},
        {"010.0.0.1", "not an IP address"},
        {"127.1:80", "not an IP address"},
        {"0x7f000001", "not a host name"},
    };
    struct cage_rule rule;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        const char *reason = cage_rule_parse(cases[i].text, &rule);
        if (!reason || !strstr(reason, cases[i].part))
            fail_msg("\"%s\": %s", cases[i].text, reason ? reason : "accepted");
    }
}

static void add_all(struct cage_rules *rules, const char *const *texts)
{
    struct cage_error err = {0};
    cage_rules_init(rules);
    for (; *texts; texts++)
        assert_int_equal(cage_rules_add(rules, *texts, &err), 0);
}

static void test_rules_match_names(void **state)
{
    (void)state;
    static const char *const texts[] = {"Api.Example.ORG.", "*.github.com", "github.com:22",
                                        "*.npm.example:8443", NULL};
    struct cage_rules rules;
    add_all(&rules, texts);
    assert_true(cage_rules_allow_name(&rules, "api.example.org", 443));
    assert_true(cage_rules_allow_name(&rules, "api.example.org", 80));
    assert_false(cage_rules_allow_name(&rules, "api.example.org", 22));
    assert_false(cage_rules_allow_name(&rules, "xapi.example.org", 443));
    assert_false(cage_rules_allow_name(&rules, "x.api.example.org", 443));
    assert_false(cage_rules_allow_name(&rules, "example.org", 443));
    assert_true(cage_rules_allow_name(&rules, "a.b.github.com", 443));
    assert_false(cage_rules_allow_name(&rules, "github.com", 443));
    assert_true(cage_rules_allow_name(&rules, "github.com", 22));
    assert_false(cage_rules_allow_name(&rules, "a.github.com", 22));
    assert_false(cage_rules_allow_name(&rules, "evilgithub.com", 443));
    assert_true(cage_rules_know_name(&rules, "github.com"));
    assert_true(cage_rules_know_name(&rules, "r.npm.example"));
    assert_true(cage_rules_allow_name(&rules, "r.npm.example", 8443));
    assert_false(cage_rules_allow_name(&rules, "r.npm.example", 443));
    assert_false(cage_rules_know_name(&rules, "npm.example"));
    assert_false(cage_rules_know_name(&rules, ""));
    cage_rules_finish(&rules);
    assert_false(cage_rules_know_name(&rules, "github.com"));
}

static void test_rules_match_addresses(void **state)
{
    (void)state;
    static const char *const texts[] = {"10.0.0.5:5432", "192.0.2.1", "[2001:DB8::1]:8443",
                                        "169.254.169.254:80", NULL};
    struct cage_rules rules;
    struct cage_addr addr;
    add_all(&rules, texts);
    assert_true(cage_addr_parse("10.0.0.5", &addr));
    assert_true(cage_rules_allow_addr(&rules, &addr, 5432));
    assert_false(cage_rules_allow_addr(&rules, &addr, 443));
    assert_true(cage_addr_parse("192.0.2.1", &addr));
    assert_true(cage_rules_allow_addr(&rules, &addr, 443));
    assert_false(cage_rules_allow_addr(&rules, &addr, 5432));
    assert_true(cage_addr_parse("2001:db8::1", &addr));
    assert_true(cage_rules_allow_addr(&rules, &addr, 8443));
    assert_true(cage_addr_parse("169.254.169.254", &addr));
    assert_true(cage_rules_allow_addr(&rules, &addr, 80));
    assert_false(cage_rules_know_name(&rules, "10.0.0.5"));
    cage_rules_finish(&rules);
}

static void test_rules_ports(void **state)
{
    (void)state;
    static const char *const texts[] = {"a.org:22", "b.org", "c.org:22", "d.org:8443", NULL};
    struct cage_rules rules;
    uint16_t ports[CAGE_RULES_MAX_PORTS];
    add_all(&rules, texts);
    assert_int_equal(cage_rules_ports(&rules, ports), 4);
    assert_int_equal(ports[0], 22);
    assert_int_equal(ports[1], 80);
    assert_int_equal(ports[2], 443);
    assert_int_equal(ports[3], 8443);
    struct cage_error err = {0};
    char text[32];
    for (int i = 1; i <= CAGE_RULES_MAX_PORTS; i++) {
        (void)snprintf(text, sizeof(text), "p.org:%d", 10000 + i);
        assert_int_equal(cage_rules_add(&rules, text, &err), 0);
    }
    assert_int_equal(cage_rules_ports(&rules, ports), -1);
    cage_rules_finish(&rules);
}

static void test_rules_bounded(void **state)
{
    (void)state;
    struct cage_rules rules;
    struct cage_error err = {0};
    cage_rules_init(&rules);
    for (int i = 0; i < CAGE_RULES_MAX; i++)
        assert_int_equal(cage_rules_add(&rules, "a.org", &err), 0);
    assert_int_equal(cage_rules_add(&rules, "a.org", &err), -1);
    assert_int_equal(err.code, CAGE_ERR_CONFIG);
    assert_int_equal(cage_rules_add(&rules, "http://x", &err), -1);
    cage_rules_finish(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostname_accepts),  cmocka_unit_test(test_hostname_refuses),
        cmocka_unit_test(test_hostname_lengths),  cmocka_unit_test(test_rule_refuses),
        cmocka_unit_test(test_rules_match_names), cmocka_unit_test(test_rules_match_addresses),
        cmocka_unit_test(test_rules_ports),       cmocka_unit_test(test_rules_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
