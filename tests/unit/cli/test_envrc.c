/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/envrc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK "# >>> nixcage >>>\neval \"$(nixcage _direnv_hook)\"\n# <<< nixcage <<<\n"
#define OWN                                                                                                  \
    "# >>> nixcage >>>\n# This file was made by nixcage.\neval \"$(nixcage _direnv_hook)\"\n# <<< nixcage "  \
    "<<<\n"

struct row {
    const char *before, *with, *after;
    enum cage_envrc_state state;
};

static const struct row rows[] = {
    {NULL, OWN, "", CAGE_ENVRC_OWN_FILE},
    {"", BLOCK, "", CAGE_ENVRC_IN_USERS},
    {"export A=1\n", "export A=1\n" BLOCK, "export A=1\n", CAGE_ENVRC_IN_USERS},
    {"no newline", "no newline\n" BLOCK, "no newline\n", CAGE_ENVRC_IN_USERS},
    {"a\n" BLOCK "b\n", "a\n" BLOCK "b\n", "a\nb\n", CAGE_ENVRC_IN_USERS},
    {"a\n# >>> nixcage >>>\nold\n# <<< nixcage <<<\nb", "a\n" BLOCK "b", "a\nb", CAGE_ENVRC_IN_USERS},
    {OWN "\n", OWN "\n", "\n", CAGE_ENVRC_OWN_FILE},
    {OWN "x\n", OWN "x\n", "x\n", CAGE_ENVRC_IN_USERS},
    {"# >>> nixcage >>> not a marker\n", "# >>> nixcage >>> not a marker\n" BLOCK,
     "# >>> nixcage >>> not a marker\n", CAGE_ENVRC_IN_USERS},
    {"a\n# >>> nixcage >>> \r\n# <<< nixcage <<<", "a\n" BLOCK, "a\n", CAGE_ENVRC_IN_USERS},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CAGE_STRBUF_AUTO with = {0};
        CAGE_STRBUF_AUTO again = {0};
        CAGE_STRBUF_AUTO after = {0};
        enum cage_envrc_state is;
        struct cage_error err = {0};

        cage_strbuf_init(&with);
        cage_strbuf_init(&again);
        cage_strbuf_init(&after);
        assert_int_equal(
            cage_envrc_add_block(rows[i].before, rows[i].before ? strlen(rows[i].before) : 0, &with, &err),
            0);
        assert_string_equal(with.buf, rows[i].with);
        assert_int_equal(cage_envrc_add_block(with.buf, with.len, &again, &err), 0);
        assert_string_equal(again.buf, rows[i].with);
        assert_int_equal(cage_envrc_remove_block(with.buf, with.len, &after, &is, &err), 0);
        assert_string_equal(after.buf, rows[i].after);
        assert_int_equal(is, rows[i].state);
    }
}

static void test_nothing_to_remove(void **state)
{
    CAGE_STRBUF_AUTO out = {0};
    enum cage_envrc_state is;
    struct cage_error err = {0};

    (void)state;
    cage_strbuf_init(&out);
    assert_int_equal(cage_envrc_remove_block("a\0b\n", 4, &out, &is, &err), 0);
    assert_int_equal(is, CAGE_ENVRC_NO_BLOCK);
    assert_int_equal(out.len, 4);
}

static void test_unpaired(void **state)
{
    static const struct {
        const char *text;
        int line;
    } bad[] = {
        {"a\n# >>> nixcage >>>\nb\n", 2},
        {"# <<< nixcage <<<\n", 1},
        {BLOCK BLOCK, 4},
        {"# >>> nixcage >>>\n# >>> nixcage >>>\n# <<< nixcage <<<\n", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CAGE_STRBUF_AUTO out = {0};
        enum cage_envrc_state is;
        struct cage_error err = {0};

        cage_strbuf_init(&out);
        assert_int_equal(cage_envrc_add_block(bad[i].text, strlen(bad[i].text), &out, &err), -1);
        assert_int_equal(err.code, CAGE_ERR_PROJECT);
        assert_int_equal(err.line, bad[i].line);
        assert_int_equal(cage_envrc_remove_block(bad[i].text, strlen(bad[i].text), &out, &is, &err), -1);
        assert_int_equal(out.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_nothing_to_remove),
        cmocka_unit_test(test_unpaired),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
