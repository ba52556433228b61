/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which mounts the host can take away: those on something of the host's, at the place where it is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/planner.h"
#include "plan_fixture.h"

#define ROOT "/home/u/proj"
#define FS "[sandbox.filesystem]\n"

static void build(struct plan_fixture *f, const char *more, const char *toml)
{
    plan_fixture_init(f, "debian", ROOT, more);
    if (plan_fixture_build(f, toml) < 0)
        fail_msg("%s (%s)", f->err.message, f->err.hint);
}

static void assert_lies_on(const struct plan_fixture *f, const char *dest, const char *host)
{
    const struct cage_op *op = plan_fixture_op(f, dest);

    if (!op)
        fail_msg("nothing at %s", dest);
    if (host && op->lies_on)
        assert_string_equal(op->lies_on, host);
    else if (host || op->lies_on)
        fail_msg("%s lies on %s", dest, op->lies_on ? op->lies_on : "nothing");
}

static void test_protected(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, NULL, "");
    assert_lies_on(&f, ROOT "/.git", ROOT "/.git");
    assert_lies_on(&f, ROOT "/.git/hooks", ROOT "/.git/hooks");
    assert_lies_on(&f, ROOT "/nixcage.toml", ROOT "/nixcage.toml");
    /* On a directory of the cage's own. */
    assert_lies_on(&f, ROOT, NULL);
    plan_fixture_finish(&f);
}

static void test_read_only(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, "d /data/models/out",
          FS "ro_bind = [\"/data/models/out\", \"src\"]\nrw_bind = [\"/data/models\"]\n");
    assert_lies_on(&f, ROOT "/src", ROOT "/src");
    assert_lies_on(&f, "/data/models/out", "/data/models/out");
    assert_lies_on(&f, "/data/models", NULL);
    plan_fixture_finish(&f);
    build(&f, NULL, FS "ro_bind = [\"/data/models\"]\n");
    assert_lies_on(&f, "/data/models", NULL);
    plan_fixture_finish(&f);
}

static void test_hidden(void **state)
{
    const struct cage_op *op;
    struct plan_fixture f;

    (void)state;
    build(&f, "d " ROOT "/private\nl /home/u/view " ROOT,
          FS "rw_bind = [\"~/view\"]\nblacklist = [\"" ROOT "/private\"]\n");
    assert_lies_on(&f, ROOT "/private", ROOT "/private");
    /* The same object where it is seen under another name. */
    assert_lies_on(&f, "/home/u/view/private", ROOT "/private");
    op = plan_fixture_op(&f, "/home/u/view/private");
    assert_true(op->ino != 0 && !op->verify);
    plan_fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protected),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_hidden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
