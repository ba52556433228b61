/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nixcage-tracer FD filtered|all -- PROGRAM [ARGUMENT…]: runs the program (bwrap, and so a cage) under
 * ptrace(2) and writes to the descriptor (-1: to none) what src/tracer/text.h says: of the calls at which the
 * cage's filter stops a program, or of all. Outside the cage, as the user. Ends as the program does; without
 * one it does nothing, for nixcage to try whether it may trace.
 */
#include "tracer/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_FAILED = 125, FIRST_ARG = 4, NR_CLOSE_RANGE = 436 };

static int fail(const char *what, int sys)
{
    fprintf(stderr, "%s: %s\n", what, strerror(sys));
    return EXIT_FAILED;
}

/* Waits until it is traced: a call that the cage's filter sends to a tracer fails without one. */
static void __attribute__((noreturn)) be_program(int go, char **argv)
{
    char byte;

    if (read(go, &byte, 1) != 1)
        _exit(EXIT_FAILED); /* the tracer has said why */
    close(go);
    execve(argv[0], argv, environ);
    _exit(fail(argv[0], errno));
}

/*
 * Nothing of the program's stays open here: whoever waits for the end of a stream waits for the program's,
 * and for nobody else's.
 */
static int keep_only(int fd)
{
    int null = open("/dev/null", O_RDWR);

    if (null < 0)
        return -1;
    for (int n = 0; n < 3; n++)
        if (fd != n && dup2(null, n) < 0)
            return -1;
    if (fd >= 0 && fd < 3)
        return -1;
    if (fd > 3 && dup2(fd, 3) < 0)
        return -1;
    if (syscall(NR_CLOSE_RANGE, fd < 0 ? 3 : 4, ~0U, 0) < 0)
        for (int n = fd < 0 ? 3 : 4; n < 1024; n++)
            close(n);
    return fd < 0 ? 0 : fcntl(3, F_SETFD, FD_CLOEXEC);
}

static int end_as(int status)
{
    sigset_t set;

    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    sigemptyset(&set);
    sigaddset(&set, WTERMSIG(status));
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    return 128 + WTERMSIG(status);
}

static int trace(int out, bool all, char **argv)
{
    int go[2], sys;
    pid_t child;

    if (out >= 0)
        (void)fcntl(out, F_SETFD, FD_CLOEXEC);
    if (pipe2(go, O_CLOEXEC) < 0)
        return fail("cannot make a pipe", errno);
    child = fork();
    if (child < 0)
        return fail("cannot start a process", errno);
    if (child == 0) {
        close(go[1]);
        be_program(go[0], argv);
    }
    sys = cage_loop_attach(child);
    if (sys) {
        close(go[1]);
        return fail("ptrace", sys);
    }
    if (write(go[1], "", 1) != 1)
        return fail("cannot start the program", errno);
    if (keep_only(out) < 0)
        return EXIT_FAILED; /* which ends the program, too */
    return end_as(cage_loop_run(child, all, out < 0 ? -1 : 3));
}

int main(int argc, char **argv)
{
    bool all = argc > 2 && strcmp(argv[2], "all") == 0;

    if (argc <= FIRST_ARG)
        return 0;
    return trace((int)strtol(argv[1], NULL, 10), all, argv + FIRST_ARG);
}
