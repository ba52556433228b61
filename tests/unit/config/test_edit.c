/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nixcage add and remove on whole files: NAME.toml is edited as its NAME.cmd says ("add a b", "remove a") and
 * must give NAME.out, byte for byte, or the message in it.
 */
#include "golden.h"

#include "config/config.h"
#include "config/dump.h"
#include "config/edit.h"

#include <stdbool.h>

/* Splits "add a b\n" at blanks. */
static void split(const char *line, struct cage_strv *words)
{
    while (*line) {
        size_t n = strcspn(line, " \n");

        if (n)
            cage_strv_take(words, cage_strndup(line, n));
        line += n + (line[n] != '\0');
    }
}

static int apply(const struct cage_strv *words, const char *text, size_t n, struct cage_strbuf *out,
                 size_t *changed, struct cage_error *err)
{
    char **names = words->items + 1;

    if (strcmp(words->items[0], "add") == 0)
        return cage_config_add_packages("nixcage.toml", text, n, names, out, changed, err);
    assert_string_equal(words->items[0], "remove");
    return cage_config_remove_packages("nixcage.toml", text, n, names, out, changed, err);
}

static void test_golden_edits(void **state)
{
    CAGE_STRV_AUTO names = {0};
    int failed = 0;

    (void)state;
    golden_names("edit", ".toml", &names);
    assert_true(names.n >= 40);
    for (size_t i = 0; i < names.n; i++) {
        CAGE_STRBUF_AUTO text = {0}, cmd = {0}, out = {0};
        CAGE_STRV_AUTO words = {0};
        struct cage_error err = {0};
        size_t changed;

        golden_read("edit", names.items[i], ".toml", &text);
        golden_read("edit", names.items[i], ".cmd", &cmd);
        split(cmd.buf, &words);
        assert_true(words.n > 1);
        cage_strbuf_init(&out);
        if (apply(&words, text.buf, text.len, &out, &changed, &err) < 0) {
            assert_int_equal(out.len, 0);
            cage_error_render(&err, &out);
        }
        failed += golden_compare("edit", names.items[i], ".out", out.buf);
    }
    assert_int_equal(failed, 0);
}

/* What was added and taken out again leaves what was there, in meaning; both texts are edited in place. */
static void test_there_and_back(void **state)
{
    CAGE_STRV_AUTO names = {0};
    char *one[] = {(char[]){"zz-new"}, NULL};

    (void)state;
    golden_names("good", ".toml", &names);
    for (size_t i = 0; i < names.n; i++) {
        CAGE_STRBUF_AUTO text = {0}, more = {0}, back = {0}, again = {0};
        struct cage_error err = {0};
        size_t changed = 0;

        if (strncmp(names.items[i], "shell-", 6) == 0)
            continue; /* no packages beside a shell */
        golden_read("good", names.items[i], ".toml", &text);
        cage_strbuf_init(&more);
        cage_strbuf_init(&back);
        cage_strbuf_init(&again);
        if (cage_config_add_packages("f", text.buf, text.len, one, &more, &changed, &err) < 0)
            fail_msg("%s: %s", names.items[i], err.message);
        assert_int_equal(changed, 1);
        assert_int_equal(cage_config_add_packages("f", more.buf, more.len, one, &again, &changed, &err), 0);
        assert_int_equal(changed, 0);
        assert_string_equal(more.buf, again.buf);
        if (cage_config_remove_packages("f", more.buf, more.len, one, &back, &changed, &err) < 0)
            fail_msg("%s: %s", names.items[i], err.message);
        assert_int_equal(changed, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_edits),
        cmocka_unit_test(test_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
