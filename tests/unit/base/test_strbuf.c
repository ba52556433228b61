/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#include <stdio.h>

static void starts_empty_and_terminated(void **state)
{
    CAGE_STRBUF_AUTO sb = {0};

    (void)state;
    cage_strbuf_init(&sb);
    assert_non_null(sb.buf);
    assert_string_equal(sb.buf, "");
    assert_int_equal(sb.len, 0);
}

static void a_zeroed_one_works(void **state)
{
    struct cage_strbuf sb = {0};

    (void)state;
    cage_strbuf_finish(&sb);
    cage_strbuf_add(&sb, "x");
    assert_string_equal(sb.buf, "x");
    cage_strbuf_finish(&sb);
    cage_strbuf_finish(&sb);
    cage_strbuf_reset(&sb);
    assert_string_equal(sb.buf, "");
    cage_strbuf_finish(&sb);
    assert_owned_string(cage_strbuf_steal(&sb), "");
    cage_strbuf_finish(&sb);
}

static void grows_byte_by_byte(void **state)
{
    CAGE_STRBUF_AUTO sb = {0};

    (void)state;
    cage_strbuf_init(&sb);
    for (size_t i = 0; i < 100000; i++) {
        cage_strbuf_addc(&sb, 'a' + (int)(i % 26));
        assert_int_equal(sb.buf[sb.len], '\0');
    }
    assert_int_equal(sb.len, 100000);
    for (size_t i = 0; i < sb.len; i++)
        assert_int_equal(sb.buf[i], 'a' + (int)(i % 26));
    assert_true(sb.alloc < 4 * sb.len);
}

static void keeps_nul_bytes(void **state)
{
    CAGE_STRBUF_AUTO sb = {0};

    (void)state;
    cage_strbuf_init(&sb);
    cage_strbuf_add_bytes(&sb, "a\0b", 3);
    cage_strbuf_add_bytes(&sb, NULL, 0);
    assert_int_equal(sb.len, 3);
    assert_memory_equal(sb.buf, "a\0b", 4);
}

static void formats_across_the_end_of_the_memory(void **state)
{
    CAGE_STRBUF_AUTO sb = {0};

    (void)state;
    cage_strbuf_init(&sb);
    for (int i = 0; i < 2000; i++)
        cage_strbuf_addf(&sb, "%04d", i);
    assert_int_equal(sb.len, 8000);
    assert_memory_equal(sb.buf + 4 * 1234, "1234", 4);
    cage_strbuf_addf(&sb, "%s", "");
    assert_int_equal(sb.len, 8000);
}

static void steal_leaves_a_usable_buffer(void **state)
{
    CAGE_STRBUF_AUTO sb = {0};

    (void)state;
    cage_strbuf_init(&sb);
    cage_strbuf_add(&sb, "one");
    assert_owned_string(cage_strbuf_steal(&sb), "one");
    assert_int_equal(sb.len, 0);
    cage_strbuf_add(&sb, "two");
    assert_string_equal(sb.buf, "two");
    cage_strbuf_reset(&sb);
    assert_string_equal(sb.buf, "");
}

struct pair {
    const char *in, *out;
};

static void compare_all(void (*add)(struct cage_strbuf *, const char *), const struct pair *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CAGE_STRBUF_AUTO sb = {0};

        cage_strbuf_init(&sb);
        add(&sb, cases[i].in);
        assert_string_equal(sb.buf, cases[i].out);
    }
}

static void printable(void **state)
{
    static const struct pair cases[] = {
        {"", ""},
        {"plain text\tand\nlines", "plain text\tand\nlines"},
        {"\x1b[31m", "\\x1b[31m"},
        {"\r\b\x07\x7f", "\\x0d\\x08\\x07\\x7f"},
        {"\xc2\x9b"
         "0m",
         "\\xc2\\x9b0m"}, /* C1 CSI */
        {"\xc2\xa0\xc3\xa9\xe2\x82\xac", "\xc2\xa0\xc3\xa9\xe2\x82\xac"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xc3", "\\xc3"}, /* cut off */
        {"\xe2\x82x", "\\xe2\\x82x"},
        {"\xc0\xaf", "\\xc0\\xaf"},                   /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
        {"a\xe2\x80\xae"
         "b",
         "a\\xe2\\x80\\xae"
         "b"},                               /* right-to-left override */
        {"\xe2\x81\xa6", "\\xe2\\x81\\xa6"}, /* isolate */
        {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"}, /* line separator */
        {"\xd8\x9c", "\\xd8\\x9c"},          /* Arabic letter mark */
    };

    (void)state;
    compare_all(cage_strbuf_add_printable, cases, CAGE_LEN(cases));
}

static void json(void **state)
{
    static const struct pair cases[] = {
        {"", ""},
        {"{\n  \"a\": \"b\\u001b\"\n}", "{\n  \"a\": \"b\\u001b\"\n}"},
        {"\"\x7f\"", "\"\\u007f\""},
        {"\"\xc2\x9b"
         "0m\"",
         "\"\\u009b0m\""},                   /* C1 CSI */
        {"\"\xe2\x80\xae\"", "\"\\u202e\""}, /* right-to-left override */
        {"\"\xef\xbb\xbf\"", "\"\\ufeff\""},
        {"\"\xc3\xa9\xf0\x9f\x98\x80\"", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"\"\xff\"", "\"\\ufffd\""}, /* no JSON; not shown either */
    };

    (void)state;
    compare_all(cage_strbuf_add_json, cases, CAGE_LEN(cases));
}

static void shell_words(void **state)
{
    static const struct pair cases[] = {
        {"", "''"},           {"plain-1.2/x_y", "plain-1.2/x_y"},
        {"a b", "'a b'"},     {"it's", "'it'\\''s'"},
        {"'", "''\\'''"},     {"~", "'~'"},
        {"$HOME", "'$HOME'"}, {"*", "'*'"},
        {"a\nb", "'a\nb'"},   {"\xc3\xa4", "'\xc3\xa4'"},
    };

    (void)state;
    compare_all(cage_strbuf_add_shell_word, cases, CAGE_LEN(cases));
}

/* The words go through a real shell and come back. */
static void shell_words_survive_a_shell(void **state)
{
    static const char *const words[] = {"a b", "it's", "\\", "\"",   "`id`", "$(id)",
                                        "!x",  "#",    "-n", "a\nb", "\t",   "&;|<>"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(words); i++) {
        CAGE_STRBUF_AUTO command = {0};
        char got[64] = "";
        FILE *p;

        cage_strbuf_init(&command);
        cage_strbuf_add(&command, "printf %s ");
        cage_strbuf_add_shell_word(&command, words[i]);
        p = popen(command.buf, "r"); /* NOLINT(cert-env33-c): the quoting is what is tested */
        assert_non_null(p);
        got[fread(got, 1, sizeof got - 1, p)] = '\0';
        assert_int_equal(pclose(p), 0);
        assert_string_equal(got, words[i]);
    }
}

static void toml_strings(void **state)
{
    static const struct pair cases[] = {
        {"", "\"\""},
        {"a b", "\"a b\""},
        {"\"\\", "\"\\\"\\\\\""},
        {"\n\t\x01\x7f", "\"\\u000a\\u0009\\u0001\\u007f\""},
        {"\xc3\xa4", "\"\xc3\xa4\""},
    };

    (void)state;
    compare_all(cage_strbuf_add_toml_string, cases, CAGE_LEN(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_empty_and_terminated),
        cmocka_unit_test(a_zeroed_one_works),
        cmocka_unit_test(grows_byte_by_byte),
        cmocka_unit_test(keeps_nul_bytes),
        cmocka_unit_test(formats_across_the_end_of_the_memory),
        cmocka_unit_test(steal_leaves_a_usable_buffer),
        cmocka_unit_test(printable),
        cmocka_unit_test(json),
        cmocka_unit_test(shell_words),
        cmocka_unit_test(shell_words_survive_a_shell),
        cmocka_unit_test(toml_strings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
