/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of process 1 after the start: reap, pass signals on, tell of stops, end with nixcage. */
#include "init/init.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N_SIGNALS = 65, GROUP_WINDOW_MS = 1000, EXIT_ABANDONED = 125, AGAIN_MS = 50 };

struct follower {
    int control, signals;
    pid_t command;
    bool stopped, ended;
    int status;
    bool unsure; /* the last waitpid(2) failed: there may be news that no signal tells of again */
    long long group_seen[N_SIGNALS]; /* when a signal from outside also reached us, in ms; 0: not */
};

void init_send(int control, uint32_t kind, int32_t value, const char *text)
{
    struct cage_message message = {.kind = kind, .value = value};
    size_t n = strlen(text);

    if (n >= sizeof message.text)
        n = sizeof message.text - 1;
    memcpy(message.text, text, n);
    while (send(control, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

static long long now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000 + 1;
}

static void reap(struct follower *f)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
        if (pid != f->command)
            continue;
        if (WIFSTOPPED(status)) {
            f->stopped = true;
            init_send(f->control, CAGE_MSG_STOPPED, WSTOPSIG(status), "");
        } else if (WIFCONTINUED(status)) {
            f->stopped = false;
        } else {
            f->ended = true;
            f->status = status;
            return;
        }
    }
    f->unsure = pid < 0;
}

/* From outside the pid namespace the sender has the number 0. */
static void drain_signals(struct follower *f)
{
    struct signalfd_siginfo info;

    while (read(f->signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo < N_SIGNALS && info.ssi_pid == 0 && info.ssi_code <= 0)
            f->group_seen[info.ssi_signo] = now_ms();
    reap(f);
}

/*
 * A signal that went to nixcage's whole process group (kill -TERM -GROUP, timeout(1)) reached the command
 * too, if it is still in that group, and us: then it is not sent a second time.
 */
static bool came_with_the_group(struct follower *f, int sig)
{
    long long seen = f->group_seen[sig];

    f->group_seen[sig] = 0;
    return seen && now_ms() - seen <= GROUP_WINDOW_MS && getpgid(f->command) == getpgrp();
}

static void pass_signal(struct follower *f, int sig)
{
    bool had_it;

    if (sig <= 0 || sig >= N_SIGNALS)
        return;
    drain_signals(f);
    had_it = came_with_the_group(f, sig);
    if (!f->ended && (!had_it || (sig == SIGCONT && f->stopped)))
        kill(f->command, sig);
}

static bool handle_control(struct follower *f)
{
    struct cage_message message;
    ssize_t n = recv(f->control, &message, sizeof message, MSG_DONTWAIT);

    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    if (n < (ssize_t)sizeof message)
        return false; /* the end, or nothing of ours */
    if (message.kind == CAGE_MSG_SIGNAL)
        pass_signal(f, message.value);
    else if (message.kind == CAGE_MSG_WHO)
        init_send(f->control, CAGE_MSG_HERE, 0, "");
    return true;
}

int init_follow(int control, int signals, pid_t command)
{
    struct follower f = {.control = control, .signals = signals, .command = command};
    struct pollfd fds[] = {{.fd = control, .events = POLLIN}, {.fd = signals, .events = POLLIN}};

    while (!f.ended) {
        if (poll(fds, 2, f.unsure ? AGAIN_MS : -1) < 0 && errno != EINTR)
            return EXIT_ABANDONED;
        if (fds[0].revents && !handle_control(&f))
            return EXIT_ABANDONED;
        drain_signals(&f);
    }
    init_send(control, CAGE_MSG_EXITED, f.status, "");
    return WIFSIGNALED(f.status) ? 128 + WTERMSIG(f.status) : WEXITSTATUS(f.status);
}
