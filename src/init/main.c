/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EXIT_FAILED = 125, FIRST_OWN_FD = 10, LAST_LOOK_MS = 1000 };

/* A descriptor number of at most 6 digits, or -1. */
static int parse_fd(const char *s)
{
    int n = 0;

    for (int i = 0; s[i]; i++) {
        if (s[i] < '0' || s[i] > '9' || i >= 6)
            return -1;
        n = n * 10 + (s[i] - '0');
    }
    return s[0] ? n : -1;
}

/*
 * Nobody in the cage may look into process 1 (ptrace(2), /proc/1/mem, pidfd_getfd(2)): it holds the spec and
 * nixcage's socket. It is not dumpable, which the command's exec takes back for the command.
 *
 * A core dump would put the memory of a caged program into a file or the host's crash handler. A limit of 1
 * byte is less than any core file, and the one value that also keeps the kernel from starting a handler
 * (core(5); 0 does not).
 */
static int harden(struct init_failure *failure)
{
    const struct rlimit one = {1, 1}, none = {0, 0};

    /* The end of bwrap is our end; that of nixcage shows on the control socket. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return init_fail(failure, "cannot tie process 1 to bwrap", NULL);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return init_fail(failure, "cannot protect process 1", NULL);
    if (setrlimit(RLIMIT_CORE, &one) < 0 && setrlimit(RLIMIT_CORE, &none) < 0)
        return init_fail(failure, "cannot forbid core dumps", NULL);
    return 0;
}

/* All signals arrive as data. bwrap already ran with all of them blocked, so none was lost or acted upon. */
static int open_signals(struct init_failure *failure)
{
    sigset_t all;
    int fd;

    sigfillset(&all);
    fd = sigprocmask(SIG_SETMASK, &all, NULL) < 0 ? -1 : signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? init_fail(failure, "cannot receive signals", NULL) : fd;
}

/* Until the supervisor has made the cage's network. The end of its side is the end of the cage. */
static int wait_for_go(struct init_child *child, struct init_failure *failure)
{
    struct cage_message message = {0};

    while (message.kind != CAGE_MSG_GO) {
        ssize_t n = recv(child->control, &message, sizeof message, 0);

        if (n == 0 || (n < 0 && errno != EINTR))
            return init_fail(failure, "nixcage is gone", NULL);
        if (n == (ssize_t)sizeof message && message.kind == CAGE_MSG_SIGNAL)
            child->early_signal = message.value;
        else if (n == (ssize_t)sizeof message && message.kind == CAGE_MSG_WHO)
            init_send(child->control, CAGE_MSG_HERE, 0, "");
    }
    return 0;
}

/*
 * The supervisor asks the cage's cgroup whether memory ran out, and systemd removes it as soon as nobody is
 * in it. A supervisor that is stopped is not waited for.
 */
static void stay_until_seen(int control)
{
    struct pollfd heard = {.fd = control, .events = POLLIN};
    struct cage_message message = {0};

    while (message.kind != CAGE_MSG_GO && poll(&heard, 1, LAST_LOOK_MS) > 0)
        if (recv(control, &message, sizeof message, 0) <= 0)
            return;
}

/* It was killed while bwrap built the cage: then nothing is to run. */
static bool nixcage_is_gone(int control)
{
    struct pollfd end = {.fd = control, .events = POLLRDHUP};

    return poll(&end, 1, 0) > 0 && (end.revents & (POLLHUP | POLLRDHUP | POLLERR));
}

static int start(struct init_child *child, pid_t *command, struct init_failure *failure)
{
    if (child->spec->flags & CAGE_SPEC_WAIT)
        init_send(child->control, CAGE_MSG_WAITING, 0, "");
    if (init_verify(child->spec, failure) < 0)
        return -1;
    child->ruleset = init_landlock(child->spec, failure);
    if (child->ruleset == -1)
        return -1;
    if ((child->spec->flags & CAGE_SPEC_WAIT) && wait_for_go(child, failure) < 0)
        return -1;
    if (nixcage_is_gone(child->control)) {
        errno = ESRCH;
        return init_fail(failure, "nixcage is gone", NULL);
    }
    *command = vfork();
    if (*command == 0)
        init_become(child);
    if (*command < 0)
        return init_fail(failure, "cannot start a process", NULL);
    /* A pipe must see its last reader or writer go when the command closes it. */
    for (int n = 0; n < 3; n++)
        close(child->stdio[n]);
    if (child->ruleset >= 0)
        close(child->ruleset);
    if (child->spec->keep_fd >= 0)
        close(child->spec->keep_fd);
    return 0;
}

int main(int argc, char **argv)
{
    static struct init_spec spec;
    struct init_failure failure;
    struct init_child child = {.spec = &spec};
    int fds[CAGE_INIT_ARGC] = {0}, signals, status;
    pid_t command;

    for (int i = 1; i < CAGE_INIT_ARGC; i++)
        if (argc != CAGE_INIT_ARGC || (fds[i] = parse_fd(argv[i])) < 0)
            return EXIT_FAILED;
    for (int n = 0; n < 3; n++)
        child.stdio[n] = fds[CAGE_INIT_STDIN + n];
    /* Out of the way of the low numbers that the command gets. */
    child.control = fcntl(fds[CAGE_INIT_CONTROL], F_DUPFD_CLOEXEC, FIRST_OWN_FD);
    if (child.control < 0)
        return EXIT_FAILED;
    close(fds[CAGE_INIT_CONTROL]);
    signals = open_signals(&failure);
    if (signals < 0 || harden(&failure) < 0 || init_load(&spec, fds[CAGE_INIT_SPEC], &failure) < 0 ||
        start(&child, &command, &failure) < 0) {
        init_send(child.control, CAGE_MSG_FAILED, failure.sys, failure.what);
        return EXIT_FAILED;
    }
    if (child.early_signal > 0)
        kill(command, child.early_signal);
    status = init_follow(child.control, signals, command);
    if (spec.flags & CAGE_SPEC_WAIT)
        stay_until_seen(child.control);
    return status;
}
