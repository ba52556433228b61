/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reader of git's configuration format. What is expected was compared with `git config --list -z`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "plan/gitconfig.h"

#include <string.h>

static void collect(const char *section, const char *subsection, const char *name, const char *value,
                    void *data)
{
    cage_strbuf_addf(data, "%s|%s|%s|%s;", section, subsection, name, value);
}

static const struct {
    const char *text, *expected;
} table[] = {
    {"", ""},
    {"[user]\n\tname = Ada Lovelace\n\temail=ada@example.org",
     "user||name|Ada Lovelace;user||email|ada@example.org;"},
    {"[user] name = Ada\n", "user||name|Ada;"},
    {"\xef\xbb\xbf[user]\nname = bom\n", "user||name|bom;"},
    /* Names fold, subsections in quotes do not. */
    {"[USER]\nNaMe = x\n[IncludeIf \"gitdir:/A/\"]\nPath = b\n", "user||name|x;includeif|gitdir:/A/|path|b;"},
    {"[remote.Origin]\nurl = x\n", "remote.origin||url|x;"},
    {"[a \"x\\\"y\\\\z\\q\"]\nk = v\n", "a|x\"y\\zq|k|v;"},
    {"[a \"x]y\"] k = v\n", "a|x]y|k|v;"},
    /* Values: blanks, quotes, escapes, comments. */
    {"[a]\nk =   b  c \t\n", "a||k|b  c;"},
    {"[a]\nk = \"  b \" c  # no\n", "a||k|  b  c;"},
    {"[a]\nk = \"#;\" ; no\n", "a||k|#;;"},
    {"[a]\nk = b#no \"quote\n l = c\n", "a||k|b;a||l|c;"},
    {"[a]\nk = \\\"\\\\\\n\\t.\n", "a||k|\"\\\n\t.;"},
    {"[a]\nk = one \\\n  two\n", "a||k|one   two;"},
    {"[a]\nk =\nl = \"\"\n", "a||k|;a||l|;"},
    {"[a]\nk = b = c\n", "a||k|b = c;"},
    {"[a]\nk = \xc3\xa9\xff\n", "a||k|\xc3\xa9\xff;"},
    /* Whole lines of comment, names alone. */
    {"# [b]\n[a]\n; k = x\nbare\nk = v\n", "a||k|v;"},
    /* Line ends of other systems. */
    {"[a]\r\nk = v\r\nl = w \r\n", "a||k|v;a||l|w;"},
    {"[a]\r\nk = one\\\r\ntwo\r\n", "a||k|onetwo;"},
    /* Where git would refuse, reading ends; what came before stays. */
    {"[a]\nk = v\n[b\nl = w\n", "a||k|v;"},
    {"[a]\nk = v\n[b \"c]\nl = w\n", "a||k|v;"},
    {"[a]\nk = v\nl = \"open\nm = w\n", "a||k|v;"},
    {"[a]\nk = v\nl = \\q\nm = w\n", "a||k|v;"},
    {"[a]\nk = v\n= w\nm = x\n", "a||k|v;"},
    {"[a]\nk = v\n\001\nm = x\n", "a||k|v;"},
    {"[a]\nk = v\\", ""},
    {"[a \"", ""},
    {"[a \"\\", ""},
    {"[", ""},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAGE_LEN(table); i++) {
        CAGE_STRBUF_AUTO out = {0};

        cage_strbuf_init(&out);
        cage_gitconfig_parse(table[i].text, collect, &out);
        if (strcmp(out.buf, table[i].expected) != 0)
            fail_msg("%s\n-- read as: %s\n-- expected: %s", table[i].text, out.buf, table[i].expected);
    }
}

static void test_quote(void **state)
{
    static const char *const values[] = {"",       "Ada",           " a ", "a\"b\\c", "l1\nl2\tl3\bl4",
                                         "#;=[x]", "\xc3\xa9\xff\r"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(values); i++) {
        cage_autofree char *quoted = cage_gitconfig_quote(values[i]);
        cage_autofree char *text = cage_format("[a]\nk = %s\nl = after\n", quoted);
        cage_autofree char *expected = cage_format("a||k|%s;a||l|after;", values[i]);
        CAGE_STRBUF_AUTO out = {0};

        cage_strbuf_init(&out);
        cage_gitconfig_parse(text, collect, &out);
        assert_string_equal(out.buf, expected);
    }
}

static void count(const char *section, const char *subsection, const char *name, const char *value,
                  void *data)
{
    size_t *n = data;

    (void)section;
    (void)subsection;
    (void)name;
    *n += strlen(value);
}

/* Long lines, many lines, many sections: linear, and nothing is cut. */
static void test_large(void **state)
{
    enum { LINES = 20000, LENGTH = 200000 };
    CAGE_STRBUF_AUTO text = {0};
    size_t n = 0;

    (void)state;
    cage_strbuf_init(&text);
    for (size_t i = 0; i < LINES; i++)
        cage_strbuf_addf(&text, "[s%zu \"%zu\"]\n\tk = %s\n", i, i, "0123456789");
    cage_strbuf_add(&text, "long = ");
    for (size_t i = 0; i < LENGTH; i++)
        cage_strbuf_addc(&text, 'x');
    cage_gitconfig_parse(text.buf, count, &n);
    assert_int_equal(n, LINES * 10 + LENGTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_quote),
                                       cmocka_unit_test(test_large)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
