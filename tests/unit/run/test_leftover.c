/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/leftover.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A child that waits for ever with this as its standard error, and has closed `other`. */
static pid_t waiting(int error, int other)
{
    pid_t pid = fork();

    if (pid == 0) {
        dup2(error, 2);
        close(error);
        close(other);
        for (;;)
            pause();
    }
    assert_true(pid > 0);
    return pid;
}

/* Until the child has its standard error. */
static void settle(void)
{
    usleep(100 * 1000);
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_ends_those_and_no_others(void **unused)
{
    int pipe_of_ours[2], another[2], status;
    pid_t left, stranger, reader;

    (void)unused;
    assert_int_equal(pipe(pipe_of_ours), 0);
    assert_int_equal(pipe(another), 0);
    left = waiting(pipe_of_ours[1], pipe_of_ours[0]);
    stranger = waiting(another[1], another[0]);
    /* Has the pipe, but not as its standard error: it is nothing that bwrap made. */
    reader = fork();
    if (reader == 0)
        for (;;)
            pause();
    settle();
    cage_leftover_end(pipe_of_ours[0]);
    assert_int_equal(waitpid(left, &status, WNOHANG), left); /* it was waited for */
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(waitpid(stranger, &status, WNOHANG), 0);
    assert_int_equal(waitpid(reader, &status, WNOHANG), 0);
    end(stranger);
    end(reader);
    for (int i = 0; i < 2; i++) {
        close(pipe_of_ours[i]);
        close(another[i]);
    }
}

/* Whatever the number is of: nothing is ended, this process neither. */
static void test_no_pipe(void **unused)
{
    int ends[2], status;
    pid_t child;

    (void)unused;
    assert_int_equal(pipe(ends), 0);
    child = waiting(ends[1], ends[0]);
    settle();
    cage_leftover_end(-1);
    cage_leftover_end(1 << 20);
    assert_int_equal(waitpid(child, &status, WNOHANG), 0);
    end(child);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_those_and_no_others),
        cmocka_unit_test(test_no_pipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
