/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cannot.h"
#include "test.h"

#include "base/nsfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void ones_own(void **state)
{
    struct cage_ns ns;
    struct cage_error err = {0};

    (void)state;
    assert_int_equal(cage_ns_open(&ns, getpid(), CAGE_NS_NET, &err), 0);
    assert_true(ns.fd >= 0);
    assert_int_equal(ns.user_fd, -1);
    assert_int_equal(fcntl(ns.fd, F_GETFD), FD_CLOEXEC);
    cage_ns_finish(&ns);
    assert_int_equal(ns.fd, -1);
    cage_ns_finish(&ns);
}

static void nobodys(void **state)
{
    struct cage_ns ns;
    struct cage_error err = {0};

    (void)state;
    /* Above every kernel.pid_max (proc(5): 2^22). */
    assert_int_equal(cage_ns_open(&ns, 1 << 30, CAGE_NS_MOUNT, &err), -1);
    assert_int_equal(err.sys, ENOENT);
    assert_string_equal(err.message,
                        "cannot open the mount namespace of the cage: No such file or directory");
    assert_int_equal(ns.fd, -1);
}

static ino_t inode_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* A process in namespaces of its own, and another one that enters them. */
static void a_child_enters(void **state)
{
    int ready[2], status;
    char c, path[64];
    struct cage_ns ns;
    struct cage_error err = {0};
    pid_t holder, visitor;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    holder = fork();
    if (holder == 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0)
            (void)!write(ready[1], "", 1);
        (void)close(ready[1]);
        pause();
        _exit(0);
    }
    (void)close(ready[1]);
    if (read(ready[0], &c, 1) != 1) {
        (void)kill(holder, SIGKILL);
        (void)waitpid(holder, NULL, 0);
        cannot_test("the system forbids user namespaces");
    }
    assert_int_equal(cage_ns_open(&ns, holder, CAGE_NS_MOUNT, &err), 0);
    assert_true(ns.user_fd >= 0);
    (void)snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)holder);
    const ino_t theirs = inode_of(path), ours = inode_of("/proc/self/ns/mnt");
    assert_true(theirs != 0 && theirs != ours);
    visitor = fork();
    if (visitor == 0)
        _exit(cage_ns_enter(&ns) == 0 && inode_of("/proc/self/ns/mnt") == theirs ? 0 : 1);
    assert_int_equal(waitpid(visitor, &status, 0), visitor);
    assert_int_equal(status, 0);
    assert_int_equal(inode_of("/proc/self/ns/mnt"), ours);
    cage_ns_finish(&ns);
    (void)kill(holder, SIGKILL);
    (void)waitpid(holder, NULL, 0);
    (void)close(ready[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ones_own),
        cmocka_unit_test(nobodys),
        cmocka_unit_test(a_child_enters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
