/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test.h"

#include "base/mem.h"
#include "base/path.h"

static void join(void **state)
{
    static const char *const cases[][3] = {
        {"/a", "b", "/a/b"},   {"/a/", "b", "/a/b"}, {"/a//", "b", "/a/b"}, {"/", "b", "/b"},
        {"a", "b/c", "a/b/c"}, {"/a", "/b", "/b"},   {"/a", "", "/a/"},     {".", "x", "./x"},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++)
        assert_owned_string(cage_path_join(cases[i][0], cases[i][1]), cases[i][2]);
}

static void clean(void **state)
{
    static const char *const cases[][2] = {
        {"/", "/"},
        {"//", "/"},
        {"/.", "/"},
        {"/..", "/"},
        {"/../..", "/"},
        {"/../a", "/a"},
        {"/a/b", "/a/b"},
        {"/a//b/", "/a/b"},
        {"/a/./b/.", "/a/b"},
        {"/a/../b", "/b"},
        {"/a/b/../..", "/"},
        {"/a/b/../../..", "/"},
        {"", "."},
        {".", "."},
        {"./", "."},
        {"a", "a"},
        {"./a", "a"},
        {"a/..", "."},
        {"..", ".."},
        {"../..", "../.."},
        {"../a/..", ".."},
        {"a/../..", ".."},
        {"a/../../b", "../b"},
        {"a../b", "a../b"},
        {"/a..", "/a.."},
        {"/a../..", "/"},
        {"/..a", "/..a"},
        {"...", "..."},
        {"a../..", "."},
        {"../../a/b/..", "../../a"},
        {"/...", "/..."},
        {"a/b../..", "a"},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++)
        assert_owned_string(cage_path_clean(cases[i][0]), cases[i][1]);
}

/* All short paths over a small alphabet: the result is clean, cleaning again changes nothing, and no root is
 * left. */
static void clean_is_idempotent(void **state)
{
    static const char letters[] = "/.a";

    (void)state;
    for (unsigned n = 0; n < 3U * 3 * 3 * 3 * 3 * 3 * 3 * 3; n++) {
        char path[9] = "";
        unsigned rest = n;
        char *once, *twice;

        for (size_t i = 0; i < 8; i++, rest /= 3)
            path[i] = letters[rest % 3];
        once = cage_path_clean(path);
        twice = cage_path_clean(once);
        assert_string_equal(once, twice);
        assert_null(strstr(once, "//"));
        assert_int_equal(path[0] == '/', once[0] == '/');
        if (once[0] == '/')
            assert_null(strstr(once, "/../"));
        assert_true(strlen(once) <= strlen(path));
        free(once);
        free(twice);
    }
}

static void expand_home(void **state)
{
    static const char *const cases[][2] = {
        {"~", "/home/u"},      {"~/", "/home/u"},   {"~/x", "/home/u/x"},
        {"~//x", "/home/u/x"}, {"~///", "/home/u"}, {"~user", "~user"},
        {"a/~", "a/~"},        {"/x", "/x"},        {"", ""},
        {"~.ssh", "~.ssh"},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++)
        assert_owned_string(cage_path_expand_home(cases[i][0], "/home/u"), cases[i][1]);
}

static void dirname_and_basename(void **state)
{
    static const char *const cases[][3] = {
        {"/a/b", "/a", "b"}, {"/a", "/", "a"},   {"/", "/", ""},       {"//", "/", ""},   {"a", ".", "a"},
        {"a/b", "a", "b"},   {"a//b", "a", "b"}, {"/a//b", "/a", "b"}, {"//b", "/", "b"}, {"", ".", ""},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        assert_owned_string(cage_path_dirname(cases[i][0]), cases[i][1]);
        assert_string_equal(cage_path_basename(cases[i][0]), cases[i][2]);
    }
}

static void is_under(void **state)
{
    (void)state;
    assert_true(cage_path_is_under("/a", "/a"));
    assert_true(cage_path_is_under("/a/b", "/a"));
    assert_true(cage_path_is_under("/a", "/"));
    assert_true(cage_path_is_under("/", "/"));
    assert_false(cage_path_is_under("/ab", "/a"));
    assert_false(cage_path_is_under("/a", "/a/b"));
    assert_false(cage_path_is_under("/", "/a"));
    assert_false(cage_path_is_under("a", "/"));
}

static void depth(void **state)
{
    (void)state;
    assert_int_equal(cage_path_depth("/"), 0);
    assert_int_equal(cage_path_depth("/a"), 1);
    assert_int_equal(cage_path_depth("/a/b"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(join),
        cmocka_unit_test(clean),
        cmocka_unit_test(clean_is_idempotent),
        cmocka_unit_test(expand_home),
        cmocka_unit_test(dirname_and_basename),
        cmocka_unit_test(is_under),
        cmocka_unit_test(depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
