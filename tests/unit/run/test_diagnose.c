/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "run/diagnose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A machine on which one setting has one value. */
struct machine {
    const char *file, *value;
};

static char *read_small(const struct cage_host *host, const char *path)
{
    const struct machine *machine = host->fake;

    return machine->file && strcmp(path, machine->file) == 0 ? cage_strdup(machine->value) : NULL;
}

enum { EXIT_1 = 1 << 8, EXIT_137 = 137 << 8, KILLED = 9 };

static const struct {
    const char *file, *value, *text;
    int wait_status;
    enum cage_error_code code;
    const char *message, *hint; /* parts of them */
} cases[] = {
    {"/proc/sys/kernel/unprivileged_userns_clone", "0\n",
     "bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged "
     "user "
     "namespaces.\n",
     EXIT_1, CAGE_ERR_MISSING, "kernel.unprivileged_userns_clone is 0",
     "sysctl kernel.unprivileged_userns_clone=1"},
    {"/proc/sys/user/max_user_namespaces", "0\n",
     "bwrap: Creating new namespace failed: No space left on device\n", EXIT_1, CAGE_ERR_MISSING,
     "user.max_user_namespaces is 0", "sysctl user.max_user_namespaces="},
    {"/proc/sys/user/max_user_namespaces", "100\n",
     "bwrap: Creating new namespace failed: No space left on device\n", EXIT_1, CAGE_ERR_MISSING,
     "the limit of user namespaces is reached", "user.max_user_namespaces"},
    {NULL, NULL, "bwrap: Creating new namespace failed: Resource temporarily unavailable\n", EXIT_1,
     CAGE_ERR_MISSING, "a limit of processes is reached", "raise pids"},
    {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n",
     "bwrap: setting up uid map: Permission denied\n", EXIT_1, CAGE_ERR_MISSING, "AppArmor",
     "bwrap-userns-restrict"},
    {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n",
     "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted\n", EXIT_1, CAGE_ERR_MISSING,
     "kernel.apparmor_restrict_unprivileged_userns is 1", "kernel.apparmor_restrict_unprivileged_userns=0"},
    {NULL, NULL, "bwrap: No permissions to create new namespace\n", EXIT_1, CAGE_ERR_MISSING,
     "no user namespace can be made here", "outer container"},
    {NULL, NULL, "bwrap: No permissions to create a new namespace, likely because\n", EXIT_1,
     CAGE_ERR_MISSING, "no user namespace can be made here", "outer container"}, /* 0.13 */
    {NULL, NULL, "cannot make a user namespace for the mounts: Operation not permitted\n", EXIT_1,
     CAGE_ERR_MISSING, "no user namespace can be made here", "outer container"},
    {"/proc/sys/user/max_user_namespaces", "0\n",
     "cannot make a user namespace for the mounts: No space left on device\n", EXIT_1, CAGE_ERR_MISSING,
     "user.max_user_namespaces is 0", "sysctl user.max_user_namespaces="},
    {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n",
     "cannot make a user namespace for the mounts: Permission denied\n", EXIT_1, CAGE_ERR_MISSING,
     "AppArmor forbids user namespaces to bwrap", "parser -r"},
    {NULL, NULL, "cannot open /a for mounting: Function not implemented\n", EXIT_1, CAGE_ERR_CAGE,
     "cannot open /a", "Linux 5.12"},
    {NULL, NULL, "bwrap: Can't find source path /a/b: No such file or directory\n", EXIT_1, CAGE_ERR_CAGE,
     "/a/b", "run again"},
    {NULL, NULL, "bwrap: Can't mount proc on /newroot/proc: Operation not permitted\n", EXIT_1, CAGE_ERR_CAGE,
     "Can't mount proc", "unmask"},
    {NULL, NULL, "bwrap: execvp /run/nixcage/init: No such file or directory\n", EXIT_1, CAGE_ERR_MISSING,
     "init cannot be executed", "reinstall"},
    {NULL, NULL, "bwrap: Unknown option --as-pid-1\n", EXIT_1, CAGE_ERR_CAGE, "Unknown option", "0.8.0"},
    {NULL, NULL, "bwrap: something new\n", EXIT_1, CAGE_ERR_CAGE, "something new", ""},
    {NULL, NULL, "warning\nbwrap: the last line\n\n", EXIT_1, CAGE_ERR_CAGE, "the cage: the last line", ""},
    {NULL, NULL, "", KILLED, CAGE_ERR_CAGE, "killed from outside (bwrap: Killed)", ""},
    {NULL, NULL, "", EXIT_137, CAGE_ERR_CAGE, "process 1 of the cage: Killed", ""},
    {NULL, NULL, "", 0, CAGE_ERR_CAGE, "without a word", ""},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        struct machine machine = {cases[i].file, cases[i].value};
        struct cage_host host = {.read_small = read_small, .fake = &machine};
        struct cage_error err;

        assert_int_equal(cage_diagnose_bwrap(&host, cases[i].text, cases[i].wait_status, &err), -1);
        if (err.code != cases[i].code || !strstr(err.message, cases[i].message) ||
            !strstr(err.hint, cases[i].hint))
            fail_msg("case %zu: %d \"%s\" \"%s\"", i, (int)err.code, err.message, err.hint);
        assert_null(strchr(err.message, '\n'));
    }
}

static void test_without_a_host(void **state)
{
    struct cage_error err;

    (void)state;
    cage_diagnose_bwrap(NULL, "bwrap: setting up uid map: Permission denied", EXIT_1, &err);
    assert_int_equal(err.code, CAGE_ERR_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_without_a_host)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
