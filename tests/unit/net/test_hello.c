/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_test.h"

#include "net/hello.h"

struct bytes {
    uint8_t b[CAGE_HELLO_MAX_BYTES + 64];
    size_t n;
};

static void put(struct bytes *out, const void *data, size_t n)
{
    memcpy(out->b + out->n, data, n);
    out->n += n;
}

static void put_int(struct bytes *out, size_t value, int bytes)
{
    while (bytes-- > 0)
        out->b[out->n++] = (uint8_t)(value >> (8 * bytes));
}

static void put_sni(struct bytes *out, const char *name, size_t n)
{
    put_int(out, 0, 2);
    put_int(out, n + 5, 2);
    put_int(out, n + 3, 2);
    put_int(out, 0, 1);
    put_int(out, n, 2);
    put(out, name, n);
}

/* A ClientHello message with these extensions. */
static void make_message(struct bytes *out, const struct bytes *extensions)
{
    static struct bytes body;
    body.n = 0;
    put_int(&body, 0x0303, 2);
    for (int i = 0; i < 32; i++)
        put_int(&body, 7, 1);
    put_int(&body, 0, 1);
    put_int(&body, 2, 2);
    put_int(&body, 0x1301, 2);
    put_int(&body, 1, 1);
    put_int(&body, 0, 1);
    if (extensions) {
        put_int(&body, extensions->n, 2);
        put(&body, extensions->b, extensions->n);
    }
    out->n = 0;
    put_int(out, 1, 1);
    put_int(out, body.n, 3);
    put(out, body.b, body.n);
}

/* The message in records of at most `size` bytes. */
static void make_records(struct bytes *out, const struct bytes *message, size_t size)
{
    out->n = 0;
    for (size_t at = 0; at < message->n; at += size) {
        size_t part = message->n - at < size ? message->n - at : size;
        put_int(out, 22, 1);
        put_int(out, 0x0301, 2);
        put_int(out, part, 2);
        put(out, message->b + at, part);
    }
}

static struct bytes ext, message, records;

static void make_hello(const char *name, size_t n, size_t record_size)
{
    ext.n = 0;
    if (name)
        put_sni(&ext, name, n);
    make_message(&message, &ext);
    make_records(&records, &message, record_size);
}

static void test_any_split(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 5, 40, 16384};
    struct cage_hello hello;
    for (size_t s = 0; s < CAGE_LEN(sizes); s++) {
        make_hello("Example.org", 11, sizes[s]);
        for (size_t n = 0; n < records.n; n++) {
            cage_hello_read(records.b, n, &hello);
            assert_int_equal(hello.state, CAGE_HELLO_MORE);
        }
        cage_hello_read(records.b, records.n, &hello);
        assert_int_equal(hello.state, CAGE_HELLO_DONE);
        assert_true(hello.has_name);
        assert_false(hello.ech);
        assert_string_equal(hello.name, "example.org");
    }
}

static void test_without_name(void **state)
{
    (void)state;
    struct cage_hello hello;
    make_hello(NULL, 0, 16384);
    cage_hello_read(records.b, records.n, &hello);
    assert_int_equal(hello.state, CAGE_HELLO_DONE);
    assert_false(hello.has_name);
    make_message(&message, NULL);
    make_records(&records, &message, 16384);
    cage_hello_read(records.b, records.n, &hello);
    assert_int_equal(hello.state, CAGE_HELLO_DONE);
    assert_false(hello.has_name);
}

static void test_ech_is_seen(void **state)
{
    (void)state;
    struct cage_hello hello;
    ext.n = 0;
    put_sni(&ext, "example.org", 11);
    put_int(&ext, 0xfe0d, 2);
    put_int(&ext, 1, 2);
    put_int(&ext, 0, 1);
    make_message(&message, &ext);
    make_records(&records, &message, 16384);
    cage_hello_read(records.b, records.n, &hello);
    assert_int_equal(hello.state, CAGE_HELLO_DONE);
    assert_true(hello.ech);
}

static void assert_bad(void)
{
    struct cage_hello hello;
    cage_hello_read(records.b, records.n, &hello);
    assert_int_equal(hello.state, CAGE_HELLO_BAD);
    assert_string_equal(hello.name, "");
}

static void test_bad_names(void **state)
{
    (void)state;
    make_hello("evil.org\0.example.org", 21, 16384);
    assert_bad();
    make_hello("", 0, 16384);
    assert_bad();
    make_hello("example.org.", 12, 16384);
    assert_bad();
    make_hello("127.0.0.1", 9, 16384);
    assert_bad();
    ext.n = 0; /* two server names */
    put_sni(&ext, "example.org", 11);
    put_sni(&ext, "evil.org", 8);
    make_message(&message, &ext);
    make_records(&records, &message, 16384);
    assert_bad();
}

static void test_bad_shapes(void **state)
{
    (void)state;
    struct cage_hello hello;
    static const char *const texts[] = {"GET / HTTP/1.1\r\n", "SSH-2.0-x\r\n", "\x80\x2e\x01", "\x16\x02\x01",
                                        "\x15\x03\x01"};
    for (size_t i = 0; i < CAGE_LEN(texts); i++) {
        cage_hello_read((const uint8_t *)texts[i], strlen(texts[i]), &hello);
        assert_int_equal(hello.state, CAGE_HELLO_BAD);
    }
    make_hello("example.org", 11, 16384);
    records.b[5] = 2; /* a ServerHello */
    assert_bad();
    make_hello("example.org", 11, 16384);
    records.b[4]++; /* a byte after the message in its record */
    records.b[records.n++] = 0;
    assert_bad();
    make_hello("example.org", 11, 16384);
    records.b[3] = records.b[4] = 0; /* an empty record */
    assert_bad();
    make_hello("example.org", 11, 16384);
    records.b[6] = 1; /* a message of 64 KiB and more */
    assert_bad();
}

static void test_every_truncated_extension(void **state)
{
    (void)state;
    struct cage_hello hello;
    for (size_t cut = 1; cut < 20; cut++) {
        ext.n = 0;
        put_sni(&ext, "example.org", 11);
        ext.n -= cut;
        make_message(&message, &ext);
        make_records(&records, &message, 16384);
        cage_hello_read(records.b, records.n, &hello);
        assert_int_equal(hello.state, ext.n == 0 ? CAGE_HELLO_DONE : CAGE_HELLO_BAD);
    }
}

static void test_too_much(void **state)
{
    (void)state;
    struct cage_hello hello;
    make_hello("example.org", 11, 1);
    records.n = 0; /* records of one byte whose message never ends */
    while (records.n < CAGE_HELLO_MAX_BYTES) {
        static const uint8_t record[] = {22, 3, 1, 0, 1};
        uint8_t byte = records.n == 0 ? 1 : records.n == 12 ? 0x3f : 0;
        put(&records, record, sizeof(record));
        put(&records, &byte, 1);
    }
    cage_hello_read(records.b, records.n - 6, &hello);
    assert_int_equal(hello.state, CAGE_HELLO_MORE);
    assert_bad();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_split),   cmocka_unit_test(test_without_name),
        cmocka_unit_test(test_ech_is_seen), cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_bad_shapes),  cmocka_unit_test(test_every_truncated_extension),
        cmocka_unit_test(test_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
