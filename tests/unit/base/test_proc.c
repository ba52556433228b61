/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test.h"

#include "base/mem.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char *const *args(const char *a, const char *b, const char *c)
{
    static const char *argv[4];

    argv[0] = a;
    argv[1] = b;
    argv[2] = c;
    return (char *const *)(uintptr_t)argv;
}

struct result {
    int status;
    struct cage_strbuf out, err;
    struct cage_error error;
};

static struct result shell(const char *script)
{
    struct result r = {0};
    struct cage_proc proc = {.argv = args("sh", "-c", NULL), .out = &r.out, .err_out = &r.err};
    const char *argv[] = {"sh", "-c", script, NULL};

    proc.argv = (char *const *)(uintptr_t)argv;
    cage_strbuf_init(&r.out);
    cage_strbuf_init(&r.err);
    r.status = cage_proc_run(&proc, &r.error);
    return r;
}

static void result_finish(struct result *r)
{
    cage_strbuf_finish(&r->out);
    cage_strbuf_finish(&r->err);
}

static void captures_both_and_the_status(void **state)
{
    struct result r = shell("echo out; echo err >&2; exit 7");

    (void)state;
    assert_int_equal(r.status, 7);
    assert_string_equal(r.out.buf, "out\n");
    assert_string_equal(r.err.buf, "err\n");
    result_finish(&r);
}

static void a_signal_is_128_more(void **state)
{
    struct result r = shell("kill -TERM $$");

    (void)state;
    assert_int_equal(r.status, 128 + SIGTERM);
    result_finish(&r);
}

static void much_output_on_both_does_not_block(void **state)
{
    struct result r = shell("i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; "
                            "echo 0123456789012345678901234567890123456789 >&2; i=$((i+1)); done");

    (void)state;
    assert_int_equal(r.status, 0);
    assert_int_equal(r.out.len, 3000 * 41);
    assert_int_equal(r.err.len, 3000 * 41);
    result_finish(&r);
}

static void keeps_at_most_max(void **state)
{
    CAGE_STRBUF_AUTO out = {0};
    const char *argv[] = {"sh", "-c", "head -c 200000 /dev/zero", NULL};
    struct cage_proc proc = {.argv = (char *const *)(uintptr_t)argv, .out = &out, .max = 1000};
    struct cage_error err;

    (void)state;
    assert_int_equal(cage_proc_run(&proc, &err), 0);
    assert_int_equal(out.len, 1000);
}

static void stdin_is_empty_and_descriptors_are_closed(void **state)
{
    int leak =
        dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 57); /* not close-on-exec: as from a careless caller */
    struct result r = shell("cat; ls /proc/self/fd | tr '\\n' ' '; readlink /proc/self/fd/0");

    (void)state;
    assert_int_equal(leak, 57);
    assert_string_equal(r.out.buf, "0 1 2 3 /dev/null\n"); /* 3: of ls itself */
    close(leak);
    result_finish(&r);
}

static void works_without_standard_descriptors(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        struct result r;

        close(0);
        close(1);
        close(2);
        r = shell("echo out; echo err >&2");
        _exit(r.status == 0 && strcmp(r.out.buf, "out\n") == 0 && strcmp(r.err.buf, "err\n") == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void environment_and_directory(void **state)
{
    CAGE_STRBUF_AUTO out = {0};
    const char *argv[] = {"sh", "-c", "echo $A $HOME; pwd", NULL}, *envp[] = {"A=1", NULL};
    struct cage_proc proc = {.argv = (char *const *)(uintptr_t)argv,
                             .envp = (char *const *)(uintptr_t)envp,
                             .cwd = "/",
                             .out = &out};
    struct cage_error err;

    (void)state;
    assert_int_equal(cage_proc_run(&proc, &err), 0);
    assert_string_equal(out.buf, "1\n/\n");
}

static void missing_program(void **state)
{
    struct cage_proc proc = {.argv = args("no-such-program-here", NULL, NULL)};
    struct cage_error err;

    (void)state;
    assert_int_equal(cage_proc_run(&proc, &err), 127);
    assert_int_equal(err.code, CAGE_ERR_MISSING);
    assert_non_null(strstr(err.message, "no-such-program-here"));
}

static void what_it_leaves_behind_does_not_hold_us_up(void **state)
{
    struct result r = shell("sleep 1000 & echo $!");
    pid_t left = (pid_t)atol(r.out.buf); /* NOLINT(cert-err34-c): our own output */

    (void)state;
    assert_int_equal(r.status, 0);
    assert_true(left > 1);
    assert_int_equal(kill(left, SIGKILL), 0);
    result_finish(&r);
}

/* Runs `script` as own_group in a child of ours, waits for its first output on a fifo, sends sig and returns
 * the wait status. */
static int interrupted(const char *script, int sig)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    struct cage_proc proc = {.argv = (char *const *)(uintptr_t)argv, .own_group = true};
    struct cage_error err;
    char c;
    int status, fd;
    pid_t pid;

    assert_int_equal(mkfifo("ready", 0600), 0);
    pid = fork();
    if (pid == 0)
        _exit(cage_proc_run(&proc, &err));
    fd = open("ready", O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, &c, 1), 1);
    assert_int_equal(kill(pid, sig), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(fd);
    return status;
}

static void interruption_reaches_the_group(void **state)
{
    struct stat st;
    int status;

    (void)state;
    signal(SIGTERM, SIG_DFL);
    status =
        interrupted("trap 'echo > cleaned; exit' TERM; echo > ready; while :; do sleep 0.05; done", SIGTERM);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    assert_int_equal(stat("cleaned", &st), 0); /* Nix would have had time to end its builder */
}

static void an_ignored_signal_stays_ignored(void **state)
{
    int status;

    (void)state;
    signal(SIGHUP, SIG_IGN);
    status = interrupted("echo > ready; sleep 0.1; exit 3", SIGHUP);
    signal(SIGHUP, SIG_DFL);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
}

static void finds_programs(void **state)
{
    char *cwd = getcwd(NULL, 0), *expected = cage_format("%s/bin/x", cwd),
         *list = cage_format("%s/no:%s/bin", cwd, cwd);

    (void)state;
    assert_int_equal(mkdir("bin", 0755), 0);
    close(open("bin/x", O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
    close(open("bin/plain", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    assert_int_equal(mkdir("bin/dir", 0755), 0);
    assert_owned_string(cage_proc_find("x", list), expected);
    assert_null(cage_proc_find("plain", list));
    assert_null(cage_proc_find("dir", list));
    assert_null(cage_proc_find("", list));
    assert_null(cage_proc_find("x", NULL));
    assert_null(cage_proc_find("x", ""));
    assert_null(cage_proc_find("x", "bin"));    /* relative */
    assert_null(cage_proc_find("x", ":/none")); /* the empty entry is the current directory */
    assert_owned_string(cage_proc_find(expected, NULL), expected);
    assert_owned_string(cage_proc_find("bin/x", NULL), expected);
    assert_null(cage_proc_find("./bin/dir", NULL));
    assert_null(cage_proc_find("/none/x", list));
    free(cwd);
    free(expected);
    free(list);
}

static void exit_codes(void **state)
{
    (void)state;
    assert_int_equal(cage_proc_exit_code(0), 0);
    assert_int_equal(cage_proc_exit_code(3 << 8), 3);
    assert_int_equal(cage_proc_exit_code(SIGKILL), 137);
    assert_int_equal(cage_proc_exit_code(SIGSEGV | 0x80), 139); /* with a core */
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captures_both_and_the_status),
        cmocka_unit_test(a_signal_is_128_more),
        cmocka_unit_test(much_output_on_both_does_not_block),
        cmocka_unit_test(keeps_at_most_max),
        cmocka_unit_test(stdin_is_empty_and_descriptors_are_closed),
        cmocka_unit_test(works_without_standard_descriptors),
        cmocka_unit_test(environment_and_directory),
        cmocka_unit_test(missing_program),
        cmocka_unit_test(what_it_leaves_behind_does_not_hold_us_up),
        IN_SCRATCH(interruption_reaches_the_group),
        IN_SCRATCH(an_ignored_signal_stays_ignored),
        IN_SCRATCH(finds_programs),
        cmocka_unit_test(exit_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
