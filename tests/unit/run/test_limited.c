/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits that turn out not to be in force: the end of a run, or a line, as the configuration wants it. */
#include "run/limited.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char said[512];

static void say(const char *line)
{
    strncpy(said, line, sizeof said - 1);
}

/* Where nothing holds anything. */
static const struct cage_limits_system nowhere = {.cgroup_root = "/nonexistent"};

static int check(bool required, struct cage_error *err)
{
    const struct cage_limits_way way = {
        .method = CAGE_LIMITS_SYSTEMD_USER, .limits = {.pids = 50}, .required = required};
    struct cage_limited limited = {.way = &way, .system = &nowhere, .say = say, .group = {.events_fd = -1}};
    int rc;

    said[0] = '\0';
    *err = (struct cage_error){0};
    rc = cage_limited_check(&limited, getpid(), err);
    cage_limited_look(&limited);
    assert_false(limited.oom);
    cage_limited_finish(&limited);
    return rc;
}

static void test_required(void **state)
{
    struct cage_error err;

    (void)state;
    assert_int_equal(check(true, &err), -1);
    assert_non_null(strstr(err.message, "not in force"));
    assert_string_equal(said, "");
}

static void test_warned(void **state)
{
    struct cage_error err;

    (void)state;
    assert_int_equal(check(false, &err), 0);
    assert_int_equal(err.code, 0);
    assert_non_null(strstr(said, "warning: "));
    assert_non_null(strstr(said, "not in force"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_required),
        cmocka_unit_test(test_warned),
    };

    return cmocka_run_group_tests_name("limited", tests, NULL, NULL);
}
