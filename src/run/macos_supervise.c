/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * macOS has no signalfd(2), and neither sigwait(2) nor kqueue(2) tells who sent a signal. That matters: a
 * Ctrl-C reaches the command by itself, a kill(1) of nixcage has to be passed on. So a handler writes what it
 * got to a pipe.
 */
#include "base/mem.h"
#include "base/proc.h"
#include "run/macos.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct note {
    int signal;
    pid_t sender; /* 0: the terminal or the kernel */
};

static const int taken[] = {SIGHUP,  SIGINT,  SIGQUIT,  SIGTERM, SIGUSR1, SIGUSR2, SIGALRM,
                            SIGTSTP, SIGCONT, SIGWINCH, SIGCHLD, SIGTTIN, SIGPIPE};

enum { N_TAKEN = sizeof taken / sizeof taken[0] };

/* A handler has no context: the one piece of state that it needs, and what has to be put back. */
static struct {
    volatile sig_atomic_t writer;
    int reader;
    struct sigaction before[N_TAKEN];
    sigset_t mask;
} state = {.writer = -1, .reader = -1};

static void note_signal(int signal, siginfo_t *info, void *context)
{
    struct note note = {.signal = signal, .sender = info ? info->si_pid : 0};
    int saved = errno;

    (void)context;
    if (state.writer >= 0)
        (void)!write(state.writer, &note, sizeof note);
    errno = saved;
}

int cage_macos_signals_take(struct cage_error *err)
{
    struct sigaction action = {.sa_sigaction = note_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigset_t ttou;
    int p[2];

    if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
        return cage_error_sys(err, errno, "cannot receive signals");
    (void)fcntl(p[0], F_SETFL, 0);
    state.reader = p[0];
    state.writer = p[1];
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < N_TAKEN; i++) {
        sigaction(taken[i], NULL, &state.before[i]);
        /* What the caller ignored stays so, but for SIGCHLD: the command has to be waited for. */
        if (state.before[i].sa_handler != SIG_IGN || taken[i] == SIGCHLD)
            sigaction(taken[i], &action, NULL);
    }
    sigemptyset(&ttou);
    sigaddset(&ttou, SIGTTOU); /* tcsetpgrp(3) from the background */
    sigprocmask(SIG_BLOCK, &ttou, &state.mask);
    return 0;
}

void cage_macos_signals_release(void)
{
    int reader = state.reader, writer = state.writer;

    for (size_t i = 0; i < N_TAKEN; i++)
        sigaction(taken[i], &state.before[i], NULL);
    sigprocmask(SIG_SETMASK, &state.mask, NULL);
    state.writer = -1;
    state.reader = -1;
    cage_close(&reader);
    cage_close(&writer);
}

/* The command stopped (Ctrl-Z): so do we, for the shell to see; and go on together. */
static void stop_too(pid_t command, struct cage_terminal *terminal)
{
    cage_terminal_restore(terminal, false);
    raise(SIGSTOP);
    cage_terminal_continued(terminal);
    kill(command, SIGCONT);
}

/* Whether the command has ended; then *wait_status is how. */
static bool has_ended(pid_t command, struct cage_terminal *terminal, int *wait_status)
{
    pid_t pid;

    while ((pid = waitpid(command, wait_status, WNOHANG | WUNTRACED)) != 0) {
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0) {
            *wait_status = 125 << 8; /* somebody else reaped it: cannot be */
            return true;
        }
        if (!WIFSTOPPED(*wait_status))
            return true;
        stop_too(command, terminal);
    }
    return false;
}

static void forward(pid_t command, const struct note *note)
{
    if (note->sender > 0 && note->sender != command && note->signal != SIGCHLD && note->signal != SIGPIPE)
        kill(command, note->signal);
}

/* Waits for a signal and reads log meanwhile. False: there is nothing to note. */
static bool next_note(struct note *note, struct cage_macos_log *log)
{
    struct pollfd p[2] = {{.fd = state.reader, .events = POLLIN},
                          {.fd = log ? log->fd : -1, .events = POLLIN}};

    if (poll(p, 2, -1) < 0)
        return false;
    if (p[1].revents)
        cage_macos_log_read(log);
    return p[0].revents && read(state.reader, note, sizeof *note) == (ssize_t)sizeof *note;
}

int cage_macos_supervise(const struct cage_macos_child *child, struct cage_terminal *terminal,
                         struct cage_macos_log *log)
{
    int wait_status = 0;

    while (!has_ended(child->command, terminal, &wait_status)) {
        struct note note;

        if (next_note(&note, log))
            forward(child->command, &note);
    }
    return cage_proc_exit_code(wait_status);
}
