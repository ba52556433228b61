/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_test.h"

#include <stdlib.h>

#include "net/dns.h"
#include "net/names.h"

/* A query for the labels of `name`, ended by type and class; returns its size. */
static size_t make_query(uint8_t *out, const char *name, uint16_t type, bool edns)
{
    static const uint8_t header[12] = {0x12, 0x34, 0x01, 0x00, 0, 1};
    static const uint8_t opt[11] = {0, 0, 41, 0x10, 0};
    memcpy(out, header, sizeof(header));
    uint8_t *p = out + 12;
    while (*name) {
        size_t n = strcspn(name, ".");
        *p++ = (uint8_t)n;
        memcpy(p, name, n);
        p += n;
        name += n + (name[n] == '.');
    }
    *p++ = 0;
    *p++ = (uint8_t)(type >> 8);
    *p++ = (uint8_t)type;
    *p++ = 0;
    *p++ = 1;
    if (edns) {
        out[11] = 1;
        memcpy(p, opt, sizeof(opt));
        p += sizeof(opt);
    }
    return (size_t)(p - out);
}

static void test_query(void **state)
{
    (void)state;
    uint8_t data[512];
    struct cage_dns_query query;
    size_t n = make_query(data, "Api.Example.org", CAGE_DNS_TYPE_A, false);
    assert_true(cage_dns_read_query(data, n, &query));
    assert_true(query.valid);
    assert_string_equal(query.name, "api.example.org");
    assert_string_equal(query.shown, "Api.Example.org");
    assert_int_equal(query.type, CAGE_DNS_TYPE_A);
    assert_int_equal(query.id, 0x1234);
    assert_false(query.edns);
    /* Every truncation is answered as an error or not at all. */
    for (size_t i = 0; i < n; i++) {
        uint8_t *copy = cage_alloc(i);
        memcpy(copy, data, i);
        if (cage_dns_read_query(copy, i, &query))
            assert_false(query.valid);
        free(copy);
    }
}

static void test_answer(void **state)
{
    (void)state;
    uint8_t data[512], out[CAGE_DNS_ANSWER_MAX];
    struct cage_dns_query query;
    struct cage_addr addr = cage_addr_v4(0xc6120101);
    size_t n = make_query(data, "Api.example.org", CAGE_DNS_TYPE_A, true);
    assert_true(cage_dns_read_query(data, n, &query));
    assert_true(query.edns);
    size_t size = cage_dns_write_answer(&query, CAGE_DNS_NOERROR, &addr, 60, out);
    assert_int_equal(size, n + 16);
    static const uint8_t header[12] = {0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 1};
    assert_memory_equal(out, header, sizeof(header));
    assert_memory_equal(out + 12, data + 12, n - 12 - 11);
    static const uint8_t record[16] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 18, 1, 1};
    assert_memory_equal(out + n - 11, record, sizeof(record));
    size = cage_dns_write_answer(&query, CAGE_DNS_NXDOMAIN, NULL, 0, out);
    assert_int_equal(size, n);
    assert_int_equal(out[3], 0x83);
    assert_int_equal(out[7], 0);
}

static void test_odd_queries(void **state)
{
    (void)state;
    uint8_t data[512], out[CAGE_DNS_ANSWER_MAX];
    struct cage_dns_query query;
    size_t n = make_query(data, "a.b", CAGE_DNS_TYPE_A, false);
    data[2] |= 0x80;
    assert_false(
        cage_dns_read_query(data, n, &query)); /* an answer: never answered, or two servers could loop */
    data[2] = 0x29;
    assert_true(cage_dns_read_query(data, n, &query));
    assert_int_equal(query.error, CAGE_DNS_NOTIMP);
    assert_int_equal(cage_dns_write_answer(&query, query.error, NULL, 0, out), 12);
    data[2] = 1;
    data[5] = 2;
    assert_true(cage_dns_read_query(data, n, &query));
    assert_int_equal(query.error, CAGE_DNS_FORMERR);
    data[5] = 1;
    data[12] = 0xc0; /* a compression pointer */
    assert_true(cage_dns_read_query(data, n, &query));
    assert_false(query.valid);
    n = make_query(data, "a.b", CAGE_DNS_TYPE_A, false);
    data[n - 1] = 3; /* CHAOS */
    assert_true(cage_dns_read_query(data, n, &query));
    assert_int_equal(query.error, CAGE_DNS_REFUSED);
    n = make_query(data, "", CAGE_DNS_TYPE_ANY, false);
    assert_true(cage_dns_read_query(data, n, &query));
    assert_true(query.valid);
    assert_string_equal(query.name, "");
}

static void test_labels_are_not_text(void **state)
{
    (void)state;
    uint8_t data[512];
    struct cage_dns_query query;
    size_t n = make_query(data, "evil.example", CAGE_DNS_TYPE_A, false);
    data[13 + 2] = '.'; /* a dot inside a label: "ev.l" is one label */
    assert_true(cage_dns_read_query(data, n, &query));
    assert_true(query.valid);
    assert_string_equal(query.name, "");
    assert_string_equal(query.shown, "ev?l.example");
    data[13 + 2] = '\0';
    assert_true(cage_dns_read_query(data, n, &query));
    assert_string_equal(query.name, "");
    data[13 + 2] = 0x1b;
    assert_true(cage_dns_read_query(data, n, &query));
    assert_string_equal(query.shown, "ev?l.example");
}

static void test_longest_name(void **state)
{
    (void)state;
    char name[256];
    uint8_t data[512], out[CAGE_DNS_ANSWER_MAX];
    struct cage_dns_query query;
    struct cage_addr addr = cage_addr_v4(1);
    memset(name, 'x', sizeof(name));
    for (size_t i = 63; i < 254; i += 64)
        name[i] = '.';
    name[253] = '\0';
    size_t n = make_query(data, name, CAGE_DNS_TYPE_A, true);
    assert_true(cage_dns_read_query(data, n, &query));
    assert_string_equal(query.name, name);
    assert_true(cage_dns_write_answer(&query, CAGE_DNS_NOERROR, &addr, 60, out) <= CAGE_DNS_ANSWER_MAX);
    name[253] = 'x';
    name[254] = '\0';
    n = make_query(data, name, CAGE_DNS_TYPE_A, false);
    assert_true(cage_dns_read_query(data, n, &query));
    assert_int_equal(query.error, CAGE_DNS_FORMERR);
}

static void test_names(void **state)
{
    (void)state;
    struct cage_names *names = cage_names_new();
    struct cage_addr a, b, again;
    assert_true(cage_names_address(names, "a.org", &a));
    assert_true(cage_names_address(names, "b.org", &b));
    assert_false(cage_addr_equal(&a, &b));
    assert_true(cage_names_address(names, "a.org", &again));
    assert_true(cage_addr_equal(&a, &again));
    assert_string_equal(cage_names_lookup(names, &b), "b.org");
    struct cage_addr other = cage_addr_v4(cage_addr_bits(&b) + 1);
    assert_null(cage_names_lookup(names, &other));
    other = cage_addr_v4(0xc6120001);
    assert_null(cage_names_lookup(names, &other));
    other = cage_addr_v4(0x7f000001);
    assert_null(cage_names_lookup(names, &other));
    char text[32];
    for (int i = 2; i < CAGE_NAMES_MAX; i++) {
        (void)snprintf(text, sizeof(text), "n%d.org", i);
        assert_true(cage_names_address(names, text, &a));
        assert_string_equal(cage_names_lookup(names, &a), text);
    }
    assert_false(cage_names_address(names, "one-more.org", &a));
    assert_true(cage_names_address(names, "b.org", &a));
    cage_names_free(names);
    cage_names_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query),        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_odd_queries),  cmocka_unit_test(test_labels_are_not_text),
        cmocka_unit_test(test_longest_name), cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
