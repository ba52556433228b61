/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_test.h"

#include "net/judge.h"

static bool own_is_192_0_2_7(void *arg, const struct cage_addr *addr)
{
    struct cage_addr own;
    (void)arg;
    return cage_addr_parse("192.0.2.7", &own) && cage_addr_equal(&own, addr);
}

static const char *judge(const char *text)
{
    struct cage_addr addr;
    if (!cage_addr_parse(text, &addr))
        fail_msg("not an address: %s", text);
    return cage_judge_address(&addr, own_is_192_0_2_7, NULL);
}

static void test_fine(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "192.0.2.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "8.8.8.8",
        "2001:db8::1",
        "fd00::1",
        "2606:4700::1",
        "64:ff9b::808:808",
        "2002:808:808::1",
        "198.18.0.9",
        "64:ff9b:1::808:808",
        "::ffff:8.8.8.8",
        "2001:0:808:808::f7f7:f7f7",
        "2001:db8::5efe:808:808",
    };
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        if (judge(cases[i]))
            fail_msg("%s: %s", cases[i], judge(cases[i]));
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"127.0.0.1", "loopback"},
        {"127.255.255.254", "loopback"},
        {"::1", "loopback"},
        {"::ffff:127.0.0.1", "loopback"},
        {"::ffff:0:127.0.0.1", "loopback"},
        {"64:ff9b::7f00:1", "loopback"},
        {"64:ff9b:1::7f00:1", "loopback"},
        {"64:ff9b:1:7f00:0:100::", "loopback"},
        {"2002:7f00:1::", "loopback"},
        {"2001:0:7f00:1::", "loopback"},
        {"2001:0:808:808::80ff:fffe", "loopback"},
        {"2001:db8::5efe:7f00:1", "loopback"},
        {"::127.0.0.1", "not the address"},
        {"0.0.0.0", "not the address"},
        {"0.1.2.3", "not the address"},
        {"::", "not the address"},
        {"::2", "not the address"},
        {"::ffff:0.0.0.0", "not the address"},
        {"224.0.0.251", "not the address"},
        {"255.255.255.255", "not the address"},
        {"240.0.0.1", "not the address"},
        {"ff02::1", "not the address"},
        {"100::1", "not the address"},
        {"169.254.1.1", "link-local"},
        {"fe80::1", "link-local"},
        {"febf::1", "link-local"},
        {"fec0::1", "link-local"},
        {"169.254.169.254", "metadata"},
        {"::ffff:169.254.169.254", "metadata"},
        {"64:ff9b::a9fe:a9fe", "metadata"},
        {"2002:a9fe:a9fe::1", "metadata"},
        {"fd00:ec2::254", "metadata"},
        {"fd20:ce::254", "metadata"},
        {"100.100.100.200", "metadata"},
        {"168.63.129.16", "metadata"},
        {"192.0.2.7", "this host"},
        {"::ffff:192.0.2.7", "this host"},
        {"64:ff9b::c000:207", "this host"},
        {"2002:c000:207::", "this host"},
    };
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        const char *reason = judge(cases[i].text);
        if (!reason || !strstr(reason, cases[i].reason))
            fail_msg("%s: %s instead of %s", cases[i].text, reason ? reason : "fine", cases[i].reason);
    }
}

static void test_addr(void **state)
{
    (void)state;
    struct cage_addr addr;
    struct sockaddr_storage ss;
    char text[CAGE_ADDR_TEXT];
    uint16_t port = 0;
    assert_false(cage_addr_parse("1.2.3", &addr));
    assert_false(cage_addr_parse("fe80::1%lo", &addr));
    assert_true(cage_addr_parse("2001:DB8:0:0::1", &addr));
    assert_string_equal(cage_addr_format(&addr, text), "2001:db8::1");
    assert_int_equal(cage_addr_to_sockaddr(&addr, 443, &ss), sizeof(struct sockaddr_in6));
    struct cage_addr back;
    assert_true(cage_addr_from_sockaddr((struct sockaddr *)&ss, &back, &port));
    assert_true(cage_addr_equal(&addr, &back));
    assert_int_equal(port, 443);
    assert_true(cage_addr_parse("::ffff:192.0.2.1", &addr));
    (void)cage_addr_to_sockaddr(&addr, 1, &ss);
    assert_true(cage_addr_from_sockaddr((struct sockaddr *)&ss, &back, NULL));
    assert_string_equal(cage_addr_format(&back, text), "192.0.2.1");
    assert_int_equal(cage_addr_bits(&back), 0xc0000201);
    ss.ss_family = AF_UNIX;
    assert_false(cage_addr_from_sockaddr((struct sockaddr *)&ss, &back, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fine),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_addr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
