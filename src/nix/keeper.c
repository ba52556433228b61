/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nix/keeper.h"
#include "base/mem.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/signalfd.h>
#endif

/* Nobody shall wait for us, and no lock shall be ours: only the end of a pipe is kept. */
static void let_go(int keep)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
    if (keep > 3)
        (void)close_range(3, (unsigned)keep - 1, 0);
    (void)close_range((unsigned)keep + 1, ~0U, 0);
    if (chdir("/") < 0)
        _exit(1);
}

static _Noreturn void keep(int fd, void (*clean)(void *data), void *data)
{
    sigset_t all;
    ssize_t n;
    char byte;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid();
    let_go(fd);
    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        clean(data);
    _exit(0);
}

void cage_nix_keeper_start(struct cage_nix_keeper *keeper, void (*clean)(void *data), void *data)
{
    int p[2];

    *keeper = (struct cage_nix_keeper){.pid = -1, .fd = -1};
    if (pipe2(p, O_CLOEXEC) < 0)
        return;
    keeper->pid = fork();
    if (keeper->pid == 0) {
        close(p[1]);
        keep(p[0], clean, data);
    }
    close(p[0]);
    keeper->fd = p[1];
    if (keeper->pid < 0)
        cage_close(&keeper->fd);
}

void cage_nix_keeper_stop(struct cage_nix_keeper *keeper)
{
    bool told;

    if (keeper->pid <= 0)
        return;
    told = write(keeper->fd, "", 1) == 1;
    cage_close(&keeper->fd);
    if (told)
        while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    keeper->pid = -1;
}

#ifdef __linux__
/* Kills our children: who loses its parent becomes ours. Returns when there are none. */
static void kill_all(void)
{
    char line[4096], *at, *end;
    int status;

    for (;;) {
        cage_autofd int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, line, sizeof line - 1);

        line[n > 0 ? n : 0] = '\0';
        for (at = line;; at = end) {
            long pid = strtol(at, &end, 10);

            if (end == at || pid <= 0)
                break;
            kill((pid_t)pid, SIGKILL);
        }
        if (waitpid(-1, &status, n > 0 ? 0 : WNOHANG) < 0 && errno != EINTR)
            return;
        if (n <= 0)
            return;
    }
}

/* Takes the children that have ended. The exit code of pid, or -1: it is running. */
static int take_ended(pid_t pid)
{
    int status, code = -1;
    pid_t ended;

    while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
        if (ended == pid) {
            if (WIFSIGNALED(status))
                kill_all();
            code = cage_proc_exit_code(status);
        }
    return code;
}

static _Noreturn void watch(pid_t pid, int signals)
{
    struct signalfd_siginfo info;
    int code = take_ended(pid);

    while (code < 0) {
        if (read(signals, &info, sizeof info) == (ssize_t)sizeof info && info.ssi_signo == CAGE_NIX_REAP) {
            kill(pid, SIGKILL);
            kill_all();
            _exit(128 + SIGKILL);
        }
        code = take_ended(pid);
    }
    _exit(code);
}

_Noreturn void cage_nix_reap(struct cage_nix_start *start)
{
    sigset_t all, wanted;
    int signals;
    pid_t pid;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, CAGE_NIX_REAP);
    signals = signalfd(-1, &wanted, SFD_CLOEXEC);
    if (signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || prctl(PR_SET_PDEATHSIG, CAGE_NIX_REAP) < 0 ||
        getppid() != start->parent)
        _exit(125);
    start->parent = getpid();
    pid = fork();
    if (pid == 0)
        start->run(start);
    if (pid < 0)
        _exit(125);
    close(start->fds[0]);
    close(start->fds[1]);
    watch(pid, signals);
}
#endif
