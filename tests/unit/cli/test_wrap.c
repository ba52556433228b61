/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    size_t width;
    const char *text, *expected;
} table[] = {
    {10, "", ""},
    {10, "short\nlines\n", "short\nlines\n"},
    {0, "a line that is longer than that\n", "a line that is longer than that\n"},
    {10, "exactly 10\n", "exactly 10\n"},
    {12, "one two three four", "one two\n    three\n    four"},
    {12, "  one two three\n\nfour\n", "  one two\n      three\n\nfour\n"},
    /* A table's last column. */
    {40, "  name     a text that does not fit in one line\n",
     "  name     a text that does not fit in\n           one line\n"},
    /* No room for the last one: below the one before; none at all: a little to the right. */
    {40, "  a   kind              text of the last column\n",
     "  a   kind              text of the last\n      column\n"},
    {20, "  name        some words here\n", "  name        some\n      words here\n"},
    {30, "  a         bb          /a/path/that/is/long\n", "  a         bb\n      /a/path/that/is/long\n"},
    /* A word is never broken, and what is too narrow for anything has no indent. */
    {5, "abcdefghij klm\n", "abcdefghij\nklm\n"},
    {1, "a b", "a\nb"},
    /* Columns are not bytes. */
    {6, "\xc3\xa9\xc3\xa9\xc3\xa9 \xe2\x9c\x93\xe2\x9c\x93\n",
     "\xc3\xa9\xc3\xa9\xc3\xa9 \xe2\x9c\x93\xe2\x9c\x93\n"},
    {7, "\033[31mred\033[0m two\n", "\033[31mred\033[0m two\n"},
    {6, "\033[31mred\033[0m two\n", "\033[31mred\033[0m\ntwo\n"},
    {6, "\xff\xff \xff\n", "\xff\xff \xff\n"},
    {3, "\033[", "\033["},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        CAGE_STRBUF_AUTO out = {0};

        cage_strbuf_init(&out);
        cage_wrap(table[i].text, table[i].width, &out);
        if (strcmp(out.buf, table[i].expected) != 0)
            fail_msg("width %zu: %s\n-- is:\n%s\n-- not:\n%s", table[i].width, table[i].text, out.buf,
                     table[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
