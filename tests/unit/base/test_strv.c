/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test.h"

#include "base/mem.h"
#include "base/strv.h"

#include <stdio.h>

/* The list as text: "a,b,c". */
static char *joined(const struct cage_strv *v)
{
    char *out = cage_strdup("");

    for (size_t i = 0; i < v->n; i++) {
        char *next = cage_format("%s%s%s", out, i ? "," : "", v->items[i]);

        free(out);
        out = next;
    }
    if (v->items)
        assert_null(v->items[v->n]);
    return out;
}

static void empty_list(void **state)
{
    CAGE_STRV_AUTO v = {0};

    (void)state;
    cage_strv_finish(&v);
    assert_null(v.items);
    assert_null(cage_strv_argv(&v)[0]);
    assert_false(cage_strv_has(&v, ""));
    cage_strv_sort_unique(&v);
    cage_strv_add_all(&v, NULL);
    assert_int_equal(v.n, 0);
    assert_null(cage_env_get(&v, "A"));
    cage_env_unset(&v, "A");
}

static void adds_many(void **state)
{
    CAGE_STRV_AUTO v = {0};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        cage_strv_addf(&v, "%d", i);
        assert_null(v.items[v.n]);
    }
    assert_int_equal(v.n, 1000);
    assert_string_equal(v.items[999], "999");
    assert_true(cage_strv_has(&v, "500"));
    assert_false(cage_strv_has(&v, "1000"));
}

static void adds_the_four_ways(void **state)
{
    CAGE_STRV_AUTO v = {0};
    char *more[] = {(char[]){"d"}, (char[]){"e"}, NULL};

    (void)state;
    cage_strv_add(&v, "a");
    cage_strv_addf(&v, "%c", 'b');
    cage_strv_take(&v, cage_strdup("c"));
    cage_strv_add_all(&v, more);
    assert_owned_string(joined(&v), "a,b,c,d,e");
    assert_ptr_not_equal(v.items[3], more[0]);
}

static void removes_in_order(void **state)
{
    CAGE_STRV_AUTO v = {0};

    (void)state;
    for (const char *p = "abcd"; *p; p++)
        cage_strv_addf(&v, "%c", *p);
    cage_strv_remove(&v, 1);
    assert_owned_string(joined(&v), "a,c,d");
    cage_strv_remove(&v, 2);
    assert_owned_string(joined(&v), "a,c");
    cage_strv_remove(&v, 0);
    cage_strv_remove(&v, 0);
    assert_owned_string(joined(&v), "");
}

static void sorts_and_drops_duplicates(void **state)
{
    CAGE_STRV_AUTO v = {0};

    (void)state;
    for (const char *p = "bacabbcz"; *p; p++)
        cage_strv_addf(&v, "%c", *p);
    cage_strv_add(&v, "\xc3\xa4"); /* bytewise: after z */
    cage_strv_sort_unique(&v);
    assert_owned_string(joined(&v), "a,b,c,z,\xc3\xa4");
    cage_strv_sort_unique(&v);
    assert_int_equal(v.n, 5);
}

static void environment(void **state)
{
    CAGE_STRV_AUTO env = {0};

    (void)state;
    cage_env_set(&env, "A", "1");
    cage_env_set(&env, "AB", "2");
    cage_env_set(&env, "A", "3");
    assert_owned_string(joined(&env), "A=3,AB=2");
    assert_string_equal(cage_env_get(&env, "A"), "3");
    assert_string_equal(cage_env_get(&env, "AB"), "2");
    assert_null(cage_env_get(&env, "B"));
    assert_null(cage_env_get(&env, ""));
    cage_env_set(&env, "E", "");
    assert_string_equal(cage_env_get(&env, "E"), "");
    cage_strv_add(&env, "A=4");
    cage_env_unset(&env, "A");
    assert_owned_string(joined(&env), "AB=2,E=");
    cage_env_set(&env, "X", "a=b");
    assert_string_equal(cage_env_get(&env, "X"), "a=b");
}

static void a_value_may_come_from_the_list(void **state)
{
    CAGE_STRV_AUTO env = {0};

    (void)state;
    cage_env_set(&env, "PATH", "/bin");
    cage_env_set(&env, "PATH", cage_env_get(&env, "PATH"));
    assert_string_equal(cage_env_get(&env, "PATH"), "/bin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_list),
        cmocka_unit_test(adds_many),
        cmocka_unit_test(adds_the_four_ways),
        cmocka_unit_test(removes_in_order),
        cmocka_unit_test(sorts_and_drops_duplicates),
        cmocka_unit_test(environment),
        cmocka_unit_test(a_value_may_come_from_the_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
