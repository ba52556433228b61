/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The choice of a way and the parsers, against made-up cgroup trees in a temporary directory. */
#include "base/cannot.h"
#include "base/fs.h"
#include "base/mem.h"
#include "limits/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct machine {
    char dir[64];
    char *cgroup_root, *systemd_dir, *runtime_dir, *manager;
    struct cage_limits_system system;
};

static void put(const char *dir, const char *name, const char *text, mode_t mode)
{
    cage_autofree char *path = cage_format("%s/%s", dir, name);
    cage_autofree char *slash = cage_strdup(path);
    struct cage_error err;

    *strrchr(slash, '/') = '\0';
    assert_int_equal(cage_fs_mkdirs(slash, 0755, &err), 0);
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, path, text, strlen(text), mode, &err), 0);
}

static int set_up(void **state)
{
    struct machine *m = cage_alloc(sizeof *m);

    strcpy(m->dir, "/tmp/nixcage-limits-XXXXXX");
    assert_non_null(mkdtemp(m->dir));
    m->cgroup_root = cage_format("%s/cgroup", m->dir);
    m->systemd_dir = cage_format("%s/systemd", m->dir);
    m->runtime_dir = cage_format("%s/run", m->dir);
    m->manager = cage_format("%s/private", m->dir);
    m->system = (struct cage_limits_system){
        .cgroup_root = m->cgroup_root,
        .own_cgroup = "0::/a/b\n",
        .systemd_dir = m->systemd_dir,
        .runtime_dir = m->runtime_dir,
        .manager = m->manager,
    };
    *state = m;
    return 0;
}

static int tear_down(void **state)
{
    struct machine *m = *state;
    struct cage_error err;

    assert_int_equal(cage_fs_remove_tree(AT_FDCWD, m->dir, &err), 0);
    free(m->cgroup_root);
    free(m->systemd_dir);
    free(m->runtime_dir);
    free(m->manager);
    free(m);
    return 0;
}

static void test_values(void **state)
{
    uint64_t v;
    double c;

    (void)state;
    assert_true(cage_limits_parse_value("max\n", &v) && v == UINT64_MAX);
    assert_true(cage_limits_parse_value("4096\n", &v) && v == 4096);
    assert_false(cage_limits_parse_value("", &v));
    assert_false(cage_limits_parse_value("-1", &v));
    assert_false(cage_limits_parse_value("12x", &v));
    assert_false(cage_limits_parse_value("99999999999999999999999", &v));
    assert_true(cage_limits_parse_cpu("max 100000\n", &c) && isinf(c));
    assert_true(cage_limits_parse_cpu("150000 100000\n", &c) && fabs(c - 1.5) < 1e-9);
    assert_false(cage_limits_parse_cpu("150000", &c));
    assert_false(cage_limits_parse_cpu("1 0", &c));
}

static void test_own_cgroup(void **state)
{
    cage_autofree char *unified = cage_limits_parse_own("4:memory:/x\n0::/user.slice/a b\n");
    cage_autofree char *root = cage_limits_parse_own("0::/\n");

    (void)state;
    assert_string_equal(unified, "/user.slice/a b");
    assert_string_equal(root, "/");
    assert_null(cage_limits_parse_own("4:memory:/x\n"));
    assert_null(cage_limits_parse_own(""));
}

static const struct cage_limits all = {.cpus = 1.5, .memory = 64 << 20, .pids = 50};

static void test_nothing_asked(void **state)
{
    struct machine *m = *state;
    struct cage_limits none = {0};
    struct cage_limits_way way;
    struct cage_error err;

    assert_int_equal(cage_limits_choose(&way, &none, &m->system, true, &err), 0);
    assert_int_equal(way.method, CAGE_LIMITS_NONE);
}

/* No systemd, no subtree of ours: an error that says so, or the fallback where the user chose it. */
static void test_nothing_there(void **state)
{
    struct machine *m = *state;
    struct cage_limits_way way;
    struct cage_error err;

    assert_int_equal(cage_limits_choose(&way, &all, &m->system, true, &err), -1);
    assert_non_null(strstr(err.message, "systemd does not run this machine"));
    assert_non_null(strstr(err.hint, "enforce = \"warn\""));
    assert_int_equal(cage_limits_choose(&way, &all, &m->system, false, &err), 0);
    assert_int_equal(way.method, CAGE_LIMITS_FALLBACK);
    assert_non_null(way.why_not);
    cage_limits_way_finish(&way);
}

static void test_user_systemd(void **state)
{
    struct machine *m = *state;
    cage_autofree char *service = cage_format("%s/user.slice/user-%u.slice/user@%u.service", m->cgroup_root,
                                              (unsigned)getuid(), (unsigned)getuid());
    cage_autofree char *manager = cage_format("%s/systemd/private", m->runtime_dir);
    struct cage_limits_way way;
    struct cage_error err;

    put(m->dir, "systemd/x", "", 0644);
    put(m->dir, "run/systemd/private", "", 0644);
    put(service, "cgroup.controllers", "memory pids\n", 0644);
    assert_int_equal(cage_limits_choose(&way, &all, &m->system, true, &err), -1);
    assert_non_null(strstr(err.message, "cpu controller"));
    put(service, "cgroup.controllers", "cpu memory pids\n", 0644);
    assert_int_equal(cage_limits_choose(&way, &all, &m->system, true, &err), 0);
    assert_int_equal(way.method, CAGE_LIMITS_SYSTEMD_USER);
    assert_string_equal(way.manager, manager);
    assert_null(way.hurry);
    cage_limits_way_finish(&way);
    put(service, "cgroup.procs", "", 0644);
    assert_int_equal(cage_limits_choose(&way, &all, &m->system, true, &err), 0);
    assert_non_null(strstr(way.hurry, ".service/cgroup.procs"));
    cage_limits_way_finish(&way);
    put(m->cgroup_root, "a/b/cgroup.procs", "", 0644);
    assert_int_equal(cage_limits_choose(&way, &all, &m->system, true, &err), 0);
    assert_non_null(strstr(way.hurry, "/a/b/cgroup.procs"));
    cage_limits_way_finish(&way);
}

static void test_system_systemd(void **state)
{
    struct machine *m = *state;
    struct cage_limits_way way;
    struct cage_error err;

    put(m->dir, "systemd/x", "", 0644);
    m->system.is_root = true;
    assert_int_equal(cage_limits_choose(&way, &all, &m->system, true, &err), -1);
    assert_non_null(strstr(err.message, "systemd does not answer on"));
    put(m->dir, "private", "", 0644);
    /* A container without controllers: systemd would accept the limits, and nothing would hold them. */
    put(m->cgroup_root, "cgroup.controllers", "cpu pids\n", 0644);
    assert_int_equal(cage_limits_choose(&way, &all, &m->system, true, &err), -1);
    assert_non_null(strstr(err.message, "memory controller"));
    assert_int_equal(cage_limits_choose(&way, &all, &m->system, false, &err), 0);
    assert_int_equal(way.method, CAGE_LIMITS_FALLBACK);
    cage_limits_way_finish(&way);
    put(m->cgroup_root, "cgroup.controllers", "cpuset cpu io memory pids\n", 0644);
    assert_int_equal(cage_limits_choose(&way, &all, &m->system, true, &err), 0);
    assert_true(way.required);
    assert_int_equal(way.method, CAGE_LIMITS_SYSTEMD_SYSTEM);
    assert_string_equal(way.manager, m->manager);
    cage_limits_way_finish(&way);
}

/* A delegated subtree: the nearest ancestor that is empty and may switch the controllers on. */
static void test_subtree(void **state)
{
    struct machine *m = *state;
    struct cage_limits_way way;
    struct cage_limits_group group;
    struct cage_error err;
    cage_autofree char *parent = cage_format("%s/a", m->cgroup_root);

    put(m->cgroup_root, "a/b/cgroup.procs", "1\n", 0644);
    put(m->cgroup_root, "a/b/cgroup.controllers", "cpu memory pids\n", 0644);
    put(m->cgroup_root, "a/b/cgroup.subtree_control", "", 0644);
    put(m->cgroup_root, "a/cgroup.procs", "", 0644);
    put(m->cgroup_root, "a/cgroup.controllers", "cpu memory pids\n", 0644);
    put(m->cgroup_root, "a/cgroup.subtree_control", "", 0644);
    assert_int_equal(cage_limits_choose(&way, &all, &m->system, true, &err), 0);
    assert_int_equal(way.method, CAGE_LIMITS_CGROUP);
    assert_string_equal(way.parent, parent);
    /* In a made-up tree the limit files do not appear by themselves: that must be an error, and leave
     * nothing. */
    assert_int_equal(cage_limits_enter(&way, getpid(), &group, &err), -1);
    assert_non_null(strstr(err.message, "cpu.max"));
    assert_null(group.path);
    cage_limits_way_finish(&way);
}

/* systemd accepted the limits, but the process is in no group that holds them. */
static void test_verify_refuses(void **state)
{
    struct machine *m = *state;
    struct cage_limits_way way = {.method = CAGE_LIMITS_SYSTEMD_USER, .limits = all};
    struct cage_limits_group group = {.events_fd = -1};
    struct cage_error err;

    assert_int_equal(cage_limits_verify(&way, &m->system, getpid(), &group, &err), -1);
    cage_limits_group_finish(&group);
}

/* A group of our own is emptied at the end: one that the cage was moved to must not take its place. */
static void test_verify_keeps_group(void **state)
{
    struct machine *m = *state;
    struct cage_limits_way way = {.method = CAGE_LIMITS_CGROUP, .limits = all};
    struct cage_limits_group group = {
        .events_fd = -1, .ours = true, .path = cage_format("%s/ours", m->cgroup_root)};
    cage_autofree char *path = cage_strdup(group.path);
    struct cage_error err;

    assert_int_equal(cage_limits_verify(&way, &m->system, getpid(), &group, &err), -1);
    assert_string_equal(group.path, path);
    cage_limits_group_finish(&group);
}

/* The positive control of the above: the same call passes once the files say what was asked for. */
static void test_verify_accepts(void **state)
{
    struct machine *m = *state;
    struct cage_limits_way way = {.method = CAGE_LIMITS_SYSTEMD_USER, .limits = all};
    struct cage_limits_group group = {.events_fd = -1};
    CAGE_STRBUF_AUTO text = {0};
    cage_autofree char *own = NULL;
    cage_autofree char *dir = NULL;
    struct cage_error err;

    cage_strbuf_init(&text);
    assert_int_equal(cage_fs_read(AT_FDCWD, "/proc/self/cgroup", 65536, &text, &err), 0);
    own = cage_limits_parse_own(text.buf);
    if (!own)
        cannot_test("a kernel without cgroup v2 at all");
    dir = cage_format("%s%s", m->cgroup_root, own);
    put(dir, "cpu.max", "150000 100000\n", 0644);
    put(dir, "memory.max", "67108864\n", 0644);
    put(dir, "pids.max", "50\n", 0644);
    put(dir, "memory.events", "low 0\noom 3\noom_kill 1\n", 0644);
    assert_int_equal(cage_limits_verify(&way, &m->system, getpid(), &group, &err), 0);
    assert_true(cage_limits_oom_killed(&group));
    put(dir, "memory.max", "max\n", 0644);
    assert_int_equal(cage_limits_verify(&way, &m->system, getpid(), &group, &err), -1);
    assert_non_null(strstr(err.message, "memory.max"));
    cage_limits_group_finish(&group);
}

static void test_how(void **state)
{
    (void)state;
    assert_string_equal(cage_limits_how(CAGE_LIMITS_SYSTEMD_USER, CAGE_LIMIT_CPUS, false), "cpu.max");
    assert_string_equal(cage_limits_how(CAGE_LIMITS_CGROUP, CAGE_LIMIT_PIDS, true), "pids.max");
    assert_string_equal(cage_limits_how(CAGE_LIMITS_FALLBACK, CAGE_LIMIT_MEMORY, false), "not limited");
    assert_string_equal(cage_limits_how(CAGE_LIMITS_FALLBACK, CAGE_LIMIT_PIDS, false), "RLIMIT_NPROC");
    assert_non_null(strstr(cage_limits_how(CAGE_LIMITS_FALLBACK, CAGE_LIMIT_PIDS, true), "root"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_own_cgroup),
        cmocka_unit_test(test_how),
        cmocka_unit_test_setup_teardown(test_nothing_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_user_systemd, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_system_systemd, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_subtree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verify_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verify_keeps_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verify_accepts, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
