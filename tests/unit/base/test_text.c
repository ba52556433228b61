/* SPDX-License-Identifier: GPL-3.0-or-later */
/* utf8, suggest, hash, mem. */
#include "test.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>

/* Encodes any number below 2^21 in n bytes, overlong forms too. */
static void encode(unsigned long cp, size_t n, char out[5])
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    memset(out, 0, 5);
    if (n == 1) {
        out[0] = (char)cp;
        return;
    }
    for (size_t i = n - 1; i > 0; i--, cp >>= 6)
        out[i] = (char)(0x80 | (cp & 0x3f));
    out[0] = (char)(lead[n] | cp);
}

static void utf8_every_code_point(void **state)
{
    (void)state;
    for (unsigned long cp = 1; cp < 0x120000; cp++) {
        size_t least = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
        bool valid = cp <= 0x10ffff && !(cp >= 0xd800 && cp < 0xe000);

        for (size_t n = least; n <= 4; n++) {
            unsigned long got;
            char s[5];
            size_t len;

            encode(cp, n, s);
            len = cage_utf8_decode(s, &got);
            if (len != (valid && n == least ? n : 0) || got != (len ? cp : 0))
                fail_msg("U+%lX in %zu bytes: %zu, %lX", cp, n, len, got);
        }
    }
}

static void utf8_refuses(void **state)
{
    static const char *const bad[] = {
        "\x80", "\xbf", "\xc3", "\xc3\x28", "\xe2\x82", "\xf0\x9f\x98", "\xf8\x88\x80\x80\x80",
        "\xfe", "\xff"};
    unsigned long cp = 1;

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(bad); i++) {
        assert_int_equal(cage_utf8_decode(bad[i], &cp), 0);
        assert_false(cage_utf8_valid(bad[i]));
    }
    assert_int_equal(cage_utf8_decode("", &cp), 0);
    assert_true(cage_utf8_valid(""));
    assert_true(cage_utf8_valid("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
    assert_false(cage_utf8_valid("good then \xc3"));
}

static void suggests_the_nearest(void **state)
{
    static const char *const names[] = {"packages", "pure", "store_mode", "store_view", "nixpkgs", "shell"};
    static const char *const cases[][2] = {
        {"pakages", "packages"},
        {"pacakges", "packages"},
        {"packagess", "packages"},
        {"Packages", "packages"},
        {"store_mod", "store_mode"},
        {"stor_view", "store_view"},
        {"pur", "pure"},
        {"puer", "pure"},
        {"sehll", "shell"},
        {"completely", NULL},
        {"x", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        const char *got = cage_suggest(cases[i][0], names, CAGE_LEN(names));

        if (cases[i][1])
            assert_string_equal(got, cases[i][1]);
        else
            assert_null(got);
    }
    assert_null(cage_suggest("pure", names, 0));
}

static void suggest_survives_long_words(void **state)
{
    char longest[66], longer[200];
    const char *names[2] = {longest, longer};

    (void)state;
    memset(longest, 'a', 64);
    longest[64] = '\0';
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_ptr_equal(cage_suggest(longest, names, 2), longest);
    assert_null(cage_suggest(longer, names, 2));
}

static void hash_known_answers(void **state)
{
    char hex[CAGE_HASH_HEX];
    char *million = cage_alloc(1000000);

    (void)state;
    /* FIPS 180-4 examples */
    cage_hash_hex("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    cage_hash_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    memset(million, 'a', 1000000);
    cage_hash_hex(million, 1000000, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

static void mem_is_zeroed_and_never_null(void **state)
{
    unsigned char *p = cage_alloc(4096);
    void *empty = cage_alloc(0);

    (void)state;
    for (size_t i = 0; i < 4096; i++)
        assert_int_equal(p[i], 0);
    assert_non_null(empty);
    p = cage_realloc_array(p, 2, 4096);
    assert_non_null(p);
    p = cage_realloc_array(p, 0, 16);
    assert_non_null(p);
    free(p);
    free(empty);
}

static void mem_strings(void **state)
{
    (void)state;
    assert_null(cage_strdup(NULL));
    assert_owned_string(cage_strdup(""), "");
    assert_owned_string(cage_strndup("abc", 2), "ab");
    assert_owned_string(cage_strndup("abc", 0), "");
    assert_owned_string(cage_format("%s-%d", "x", 1), "x-1");
}

static void mem_steal_and_cleanup(void **state)
{
    char *s = cage_strdup("x"), *t = cage_steal(&s);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), moved = cage_steal_fd(&fd);

    (void)state;
    assert_null(s);
    assert_int_equal(fd, -1);
    cage_cleanup_free(&s);
    errno = EDOM;
    cage_close(&fd);
    assert_int_equal(errno, EDOM);
    assert_int_equal(fcntl(moved, F_GETFD), FD_CLOEXEC);
    fd = moved;
    errno = EDOM;
    cage_cleanup_fd(&moved);
    assert_int_equal(errno, EDOM);
    assert_int_equal(moved, -1);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_every_code_point), cmocka_unit_test(utf8_refuses),
        cmocka_unit_test(suggests_the_nearest),  cmocka_unit_test(suggest_survives_long_words),
        cmocka_unit_test(hash_known_answers),    cmocka_unit_test(mem_is_zeroed_and_never_null),
        cmocka_unit_test(mem_strings),           cmocka_unit_test(mem_steal_and_cleanup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
