/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test.h"

#include "base/error.h"
#include "base/strbuf.h"

#include <errno.h>
#include <stdio.h>

static char *render(const struct cage_error *err)
{
    CAGE_STRBUF_AUTO sb = {0};

    cage_strbuf_init(&sb);
    cage_error_render(err, &sb);
    return cage_strbuf_steal(&sb);
}

static void set_fills_and_forgets(void **state)
{
    struct cage_error err;

    (void)state;
    memset(&err, 0x55, sizeof err);
    assert_int_equal(cage_error_set(&err, CAGE_ERR_USAGE, "%s %d", "bad", 7), -1);
    assert_int_equal(err.code, CAGE_ERR_USAGE);
    assert_string_equal(err.message, "bad 7");
    assert_string_equal(err.hint, "");
    assert_string_equal(err.file, "");
    assert_int_equal(err.sys, 0);
}

static void null_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(cage_error_set(NULL, CAGE_ERR_USAGE, "x"), -1);
    assert_int_equal(cage_error_sys(NULL, EIO, "x"), -1);
    assert_int_equal(cage_error_wrap(NULL, "x"), -1);
    assert_int_equal(cage_error_hint(NULL, "x"), -1);
    assert_int_equal(cage_error_at(NULL, "f", 1, 1), -1);
}

static void sys_names_the_errno(void **state)
{
    struct cage_error err;

    (void)state;
    assert_int_equal(cage_error_sys(&err, ENOENT, "cannot open %s", "x"), -1);
    assert_int_equal(err.code, CAGE_ERR_SYSTEM);
    assert_int_equal(err.sys, ENOENT);
    assert_string_equal(err.message, "cannot open x: No such file or directory");
}

static void wrap_adds_context_and_keeps_the_rest(void **state)
{
    struct cage_error err;

    (void)state;
    cage_error_sys(&err, EACCES, "cannot read");
    cage_error_hint(&err, "run chmod %o", 0644U);
    assert_int_equal(cage_error_wrap(&err, "%s", "a/b"), -1);
    assert_string_equal(err.message, "a/b: cannot read: Permission denied");
    assert_int_equal(err.sys, EACCES);
    assert_string_equal(err.hint, "run chmod 644");
}

static void arguments_may_be_in_the_error_itself(void **state)
{
    struct cage_error err;

    (void)state;
    cage_error_set(&err, CAGE_ERR_NIX, "inner");
    cage_error_set(&err, CAGE_ERR_CAGE, "outer (%s)", err.message);
    assert_string_equal(err.message, "outer (inner)");
    cage_error_wrap(&err, "%s", err.message);
    assert_string_equal(err.message, "outer (inner): outer (inner)");
    cage_error_sys(&err, EPERM, "%s", err.message);
    assert_string_equal(err.message, "outer (inner): outer (inner): Operation not permitted");
}

static void long_texts_are_cut_not_overrun(void **state)
{
    struct {
        struct cage_error err;
        char guard[16];
    } box;
    char big[8192];
    char *text;

    (void)state;
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    memset(box.guard, 'g', sizeof box.guard);
    cage_error_set(&box.err, CAGE_ERR_CONFIG, "%s", big);
    assert_int_equal(strlen(box.err.message), sizeof box.err.message - 1);
    cage_error_wrap(&box.err, "%s", big);
    assert_true(strlen(box.err.message) < sizeof box.err.message);
    cage_error_sys(&box.err, EIO, "%s", big);
    assert_non_null(strstr(box.err.message, "Input/output error"));
    cage_error_hint(&box.err, "%s", big);
    cage_error_at(&box.err, big, 1, 2);
    assert_int_equal(strlen(box.err.hint), sizeof box.err.hint - 1);
    assert_int_equal(strlen(box.err.file), sizeof box.err.file - 1);
    text = render(&box.err);
    assert_int_equal(text[strlen(text) - 1], '\n');
    free(text);
    for (size_t i = 0; i < sizeof box.guard; i++)
        assert_int_equal(box.guard[i], 'g');
}

static void render_place(void **state)
{
    struct cage_error err;

    (void)state;
    cage_error_set(&err, CAGE_ERR_CONFIG, "bad");
    assert_owned_string(render(&err), "bad\n");
    cage_error_at(&err, "f.toml", 0, 9);
    assert_owned_string(render(&err), "f.toml: bad\n");
    cage_error_at(&err, "f.toml", 3, 0);
    assert_owned_string(render(&err), "f.toml:3: bad\n");
    cage_error_at(&err, "f.toml", 3, 5);
    cage_error_hint(&err, "do this");
    assert_owned_string(render(&err), "f.toml:3:5: bad\n  hint: do this\n");
}

static void render_empty_error(void **state)
{
    struct cage_error err = {0};

    (void)state;
    assert_owned_string(render(&err), "unknown error\n");
}

static char *render_excerpt(const char *excerpt, int column)
{
    struct cage_error err;

    cage_error_set(&err, CAGE_ERR_CONFIG, "m");
    snprintf(err.excerpt, sizeof err.excerpt, "%s", excerpt);
    cage_error_at(&err, "f", 1, column);
    return render(&err);
}

static void caret_stands_under_the_column(void **state)
{
    (void)state;
    assert_owned_string(render_excerpt("a = b", 5), "f:1:5: m\n    a = b\n        ^\n");
    assert_owned_string(render_excerpt("a = b", 1), "f:1:1: m\n    a = b\n    ^\n");
    assert_owned_string(render_excerpt("\ta", 2), "f:1:2: m\n    \ta\n    \t^\n");
    /* columns count code points */
    assert_owned_string(render_excerpt("\xc3\xa4 x", 3), "f:1:3: m\n    \xc3\xa4 x\n      ^\n");
    /* past the end: under the end */
    assert_owned_string(render_excerpt("ab", 99), "f:1:99: m\n    ab\n      ^\n");
}

static void caret_knows_what_is_shown_escaped(void **state)
{
    (void)state;
    assert_owned_string(render_excerpt("\x1b"
                                       "a",
                                       2),
                        "f:1:2: m\n    \\x1ba\n        ^\n");
    assert_owned_string(render_excerpt("\xff"
                                       "a",
                                       2),
                        "f:1:2: m\n    \\xffa\n        ^\n");
}

static void no_column_no_caret(void **state)
{
    (void)state;
    assert_owned_string(render_excerpt("a = b", 0), "f:1: m\n    a = b\n");
}

static void a_hostile_text_cannot_write_to_the_terminal(void **state)
{
    struct cage_error err;
    char *text;

    (void)state;
    cage_error_set(&err, CAGE_ERR_CONFIG, "m\x1b[2J%s",
                   "\xc2\x9b"
                   "31m\x7f\r");
    cage_error_at(&err, "evil\x1b]0;t\x07", 1, 1);
    cage_error_hint(&err, "\xe2\x80\xae");
    snprintf(err.excerpt, sizeof err.excerpt, "\x1b[A\b\b");
    text = render(&err);
    for (const char *p = text; *p; p++)
        assert_true(*p == '\n' || *p == '\t' || ((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_and_forgets),
        cmocka_unit_test(null_is_accepted),
        cmocka_unit_test(sys_names_the_errno),
        cmocka_unit_test(wrap_adds_context_and_keeps_the_rest),
        cmocka_unit_test(arguments_may_be_in_the_error_itself),
        cmocka_unit_test(long_texts_are_cut_not_overrun),
        cmocka_unit_test(render_place),
        cmocka_unit_test(render_empty_error),
        cmocka_unit_test(caret_stands_under_the_column),
        cmocka_unit_test(caret_knows_what_is_shown_escaped),
        cmocka_unit_test(no_column_no_caret),
        cmocka_unit_test(a_hostile_text_cannot_write_to_the_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
