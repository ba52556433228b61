/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running cages, in a made-up /proc: nixcage 100, bwrap 101, process 1 of the cage 102, its command 103. */
#include "backend/backend.h"
#include "base/fs.h"
#include "base/mem.h"
#include "limits/running.h"

#include <errno.h>
#include <fcntl.h>
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
    char *proc, *cgroup_root, *project;
    int dirfd;
    struct cage_running_system system;
    struct cage_running_list list;
};

static void put(const char *dir, const char *name, const void *text, size_t n)
{
    cage_autofree char *path = cage_format("%s/%s", dir, name);
    cage_autofree char *slash = cage_strdup(path);
    struct cage_error err;

    *strrchr(slash, '/') = '\0';
    assert_int_equal(cage_fs_mkdirs(slash, 0755, &err), 0);
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, path, text, n, 0644, &err), 0);
}

static void put_text(const char *dir, const char *name, const char *text)
{
    put(dir, name, text, strlen(text));
}

/* A process; ids are its numbers in the PID namespaces from ours on. */
static void process(const struct machine *m, int pid, int parent, const char *ids, const char *words)
{
    cage_autofree char *dir = cage_format("%s/%d", m->proc, pid);
    cage_autofree char *status = cage_format(
        "Name:\tx\nPPid:\t%d\nNSpid:\t%s\nRssAnon:\t 1024 kB\nRssShmem:\t 0 kB\nThreads:\t2\n", parent, ids);
    cage_autofree char *stat_line = cage_format("%d (a ) b) S %d 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 %ld 0\n",
                                                pid, parent, 100 * sysconf(_SC_CLK_TCK));

    put_text(dir, "status", status);
    put_text(dir, "stat", stat_line);
    put(dir, "cmdline", words, strlen(words) + 1);
    put_text(dir, "limits",
             "Max processes             1000                 1000                 processes \n");
    put_text(dir, "cgroup", "0::/user.slice\n");
    put_text(dir, "fd/0", "");
}

static void open_project(const struct machine *m, int pid, const char *what)
{
    cage_autofree char *link = cage_format("%s/%d/fd/7", m->proc, pid);

    assert_int_equal(symlink(what, link), 0);
}

static int set_up(void **state)
{
    struct machine *m = cage_alloc(sizeof *m);

    strcpy(m->dir, "/tmp/nixcage-running-XXXXXX");
    assert_non_null(mkdtemp(m->dir));
    m->proc = cage_format("%s/proc", m->dir);
    m->cgroup_root = cage_format("%s/cgroup", m->dir);
    m->project = cage_format("%s/project", m->dir);
    assert_int_equal(mkdir(m->project, 0755), 0);
    m->dirfd = open(m->project, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    m->system = (struct cage_running_system){m->proc, m->cgroup_root, 1};
    put_text(m->proc, "uptime", "130.5 100.0\n");
    process(m, 1, 0, "1", "init");
    process(m, 100, 1, "100", "nixcage");
    process(m, 101, 100, "101", "bwrap");
    process(m, 102, 101, "102\t1", CAGE_INIT_DEST);
    process(m, 103, 102, "103\t2", "sh");
    open_project(m, 100, m->project);
    *state = m;
    return 0;
}

static int tear_down(void **state)
{
    struct machine *m = *state;
    struct cage_error err;

    cage_running_finish(&m->list);
    close(m->dirfd);
    assert_int_equal(cage_fs_remove_tree(AT_FDCWD, m->dir, &err), 0);
    free(m->proc);
    free(m->cgroup_root);
    free(m->project);
    free(m);
    return 0;
}

static const struct cage_running *find(struct machine *m, size_t expected)
{
    cage_running_finish(&m->list);
    cage_running_find(&m->list, m->dirfd, &m->system);
    assert_int_equal(m->list.n, expected);
    return m->list.items;
}

static bool is(double a, double b)
{
    return a >= b && a <= b;
}

static void test_no_limits(void **state)
{
    const struct cage_running *cage = find(*state, 1);

    assert_int_equal(cage->pid, 100);
    assert_int_equal(cage->init, 102);
    assert_true(cage->seconds > 30.4 && cage->seconds < 30.6);
    assert_null(cage->group);
    assert_true(cage->cpus.used < 0);
    assert_true(is(cage->cpus.limit, 0) && is(cage->memory.limit, 0) && is(cage->pids.limit, 0));
    /* Process 1 and the command, each with 2 threads and 1 MiB. */
    assert_true(is(cage->pids.used, 4) && is(cage->memory.used, 2 << 20));
}

static void test_nproc(void **state)
{
    struct machine *m = *state;
    const struct cage_running *cage;

    put_text(m->proc, "103/limits",
             "Max processes             20                   20                   processes \n");
    cage = find(m, 1);
    assert_true(is(cage->pids.limit, 20));
}

static void test_group(void **state)
{
    struct machine *m = *state;
    cage_autofree char *group = cage_format("%s/user.slice/nixcage-100.scope", m->cgroup_root);
    const struct cage_running *cage;

    put_text(m->proc, "102/cgroup", "1:name=x:/y\n0::/user.slice/nixcage-100.scope\n");
    put_text(group, "cpu.max", "50000 100000\n");
    put_text(group, "cpu.stat", "usage_usec 12345\nuser_usec 1\n");
    put_text(group, "memory.current", "1048576\n");
    put_text(group, "memory.max", "67108864\n");
    put_text(group, "memory.events", "low 0\noom 2\noom_kill 1\noom_group_kill 0\n");
    put_text(group, "pids.current", "5\n");
    put_text(group, "pids.max", "max\n");
    cage = find(m, 1);
    assert_string_equal(cage->group, group);
    assert_true(is(cage->cpus.used, 0) && is(cage->cpus.limit, 0.5));
    assert_true(is(cage->memory.used, 1 << 20) && is(cage->memory.limit, 64 << 20));
    assert_true(is(cage->pids.used, 5) && is(cage->pids.limit, 0));
    assert_int_equal(cage->oom_kills, 1);
}

/* A group whose files cannot be read: nothing is known, and that is said. */
static void test_group_gone(void **state)
{
    struct machine *m = *state;
    const struct cage_running *cage;

    put_text(m->proc, "102/cgroup", "0::/nixcage-100\n");
    cage = find(m, 1);
    assert_non_null(cage->group);
    assert_true(cage->memory.used < 0 && cage->pids.used < 0);
}

/* What calls itself the init without being process 1 of a cage, and what is two namespaces down. */
static void test_impostors(void **state)
{
    struct machine *m = *state;

    process(m, 104, 102, "104\t3", CAGE_INIT_DEST);
    process(m, 105, 103, "105\t4\t1", CAGE_INIT_DEST);
    process(m, 106, 100, "106", CAGE_INIT_DEST);
    find(m, 1);
    process(m, 102, 101, "102\t1", "something else");
    find(m, 0);
}

static void test_other_project(void **state)
{
    struct machine *m = *state;
    cage_autofree char *link = cage_format("%s/100/fd/7", m->proc);

    assert_int_equal(unlink(link), 0);
    find(m, 0);
    open_project(m, 100, m->dir);
    find(m, 0);
}

static void test_several(void **state)
{
    struct machine *m = *state;

    process(m, 90, 1, "90", "nixcage");
    process(m, 91, 90, "91", "strace");
    process(m, 92, 91, "92", "bwrap");
    process(m, 93, 92, "93\t1", CAGE_INIT_DEST);
    open_project(m, 90, m->project);
    assert_int_equal(find(m, 2)[0].pid, 90);
    assert_int_equal(m->list.items[1].pid, 100);
}

static void test_no_proc(void **state)
{
    struct machine *m = *state;

    m->system.proc = "/nonexistent";
    find(m, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nproc, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_group_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_impostors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_project, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_several, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_proc, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("running", tests, NULL, NULL);
}
