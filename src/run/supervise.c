/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/supervise.h"
#include "base/mem.h"
#include "base/proc.h"
#include "init/spec.h"
#include "run/diagnose.h"
#include "run/leftover.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SETTLE_MS = 200, ENDING_MS = 50, ENDING_ROUNDS = 40 };
enum { MAX_TEXT = 8192, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, RUNNING = -1 };

struct state {
    const struct cage_supervision *what;
    int signals;
    int bwrap_status;            /* RUNNING until it is reaped */
    bool continued;              /* a SIGCONT was read since the last stop */
    bool heard;                  /* outcome is valid */
    struct cage_message outcome; /* the first of FAILED, NOEXEC, EXITED */
    bool refused;                /* the cage was ended before its command started; err says why */
    struct cage_error *err;
    struct cage_strbuf text;
};

static void send_signal(const struct state *s, int sig)
{
    struct cage_message message = {.kind = CAGE_MSG_SIGNAL, .value = sig};

    /* A full or closed socket: the init is not reading any more, so it is ending. */
    (void)send(s->what->launch->control, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void reap(struct state *s)
{
    int status;

    if (s->bwrap_status == RUNNING && waitpid(s->what->launch->pid, &status, WNOHANG) == s->what->launch->pid)
        s->bwrap_status = status;
}

/*
 * The terminal's own signals (Ctrl-C, Ctrl-Z, hang-up, resize) reach the command without us, since it is in
 * the terminal's foreground group; only what a process sent to us is passed on. SIGCONT restarts a stopped
 * command.
 */
static void handle_signal(struct state *s, const struct signalfd_siginfo *info)
{
    int sig = (int)info->ssi_signo;

    if (sig == SIGCHLD) {
        reap(s);
        if (s->what->hold)
            cage_hold_wake(s->what->hold);
    } else if (sig == SIGIO && info->ssi_code > 0) {
        if (s->what->hold)
            cage_hold_look(s->what->hold);
    } else if (sig == SIGPIPE) {
        return;
    } else if (info->ssi_code <= 0) {
        s->continued |= sig == SIGCONT;
        send_signal(s, sig);
    }
}

static void drain_signals(struct state *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info)
        handle_signal(s, &info);
}

/* Stops this process as a shell expects it; returns when it was continued. */
static void stop_self(int sig)
{
    sigset_t set;

    if (sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU) {
        struct sigaction now;

        sigemptyset(&set);
        sigaddset(&set, sig);
        if (sigaction(sig, NULL, &now) == 0 && now.sa_handler == SIG_DFL && kill(getpid(), sig) == 0) {
            sigprocmask(SIG_UNBLOCK, &set, NULL); /* stops here, unless the group is orphaned (POSIX) */
            sigprocmask(SIG_BLOCK, &set, NULL);
            sigpending(&set);
            if (sigismember(&set, SIGCONT) == 1)
                return;
        }
    }
    raise(SIGSTOP);
}

/* The command stopped: so do we, and continue it when we are continued. */
static void follow_stop(struct state *s, int sig)
{
    s->continued = false;
    drain_signals(s);
    if (s->continued || s->bwrap_status != RUNNING) /* already undone */
        return;
    if (s->what->terminal)
        cage_terminal_restore(s->what->terminal, false);
    stop_self(sig);
    if (s->what->terminal)
        cage_terminal_continued(s->what->terminal);
    kill(s->what->launch->pid, SIGCONT);
    send_signal(s, SIGCONT);
}

static void handle_waiting(struct state *s, pid_t init)
{
    const struct cage_attach *attach = &s->what->attach;
    struct cage_message go = {.kind = CAGE_MSG_GO};

    if (init > 0 && attach->attach(attach->context, init, s->err) == 0) {
        (void)send(s->what->launch->control, &go, sizeof go, MSG_NOSIGNAL);
        return;
    }
    if (init <= 0) {
        cage_error_set(s->err, CAGE_ERR_CAGE, "the kernel did not tell process 1 of the cage");
        cage_error_hint(s->err, "run it again; when it stays so, report it with the kernel's version");
    }
    s->refused = true;
    (void)shutdown(s->what->launch->control, SHUT_WR);
}

static void handle_message(struct state *s, const struct cage_message *message, pid_t sender)
{
    const struct cage_message go = {.kind = CAGE_MSG_GO};

    switch ((enum cage_message_kind)message->kind) {
    case CAGE_MSG_FAILED:
    case CAGE_MSG_NOEXEC:
    case CAGE_MSG_EXITED:
        if (!s->heard)
            s->what->attach.ended(s->what->attach.context);
        if (!s->heard)
            s->outcome = *message;
        s->heard = true;
        if (message->kind == CAGE_MSG_EXITED)
            (void)send(s->what->launch->control, &go, sizeof go, MSG_NOSIGNAL | MSG_DONTWAIT);
        kill(s->what->launch->pid, SIGCONT); /* it may have been stopped, and now has to end */
        break;
    case CAGE_MSG_STOPPED:
        follow_stop(s, message->value);
        break;
    case CAGE_MSG_WAITING:
        handle_waiting(s, sender);
        break;
    case CAGE_MSG_HERE:
        if (s->what->hold)
            cage_hold_found(s->what->hold, sender);
        break;
    case CAGE_MSG_SIGNAL:
    case CAGE_MSG_GO:
    case CAGE_MSG_WHO:
        break;
    }
}

/* As recv(2) of one message; *sender is whose it is, as the kernel says (SCM_CREDENTIALS), or 0. */
static ssize_t receive(int fd, struct cage_message *message, pid_t *sender)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec iov = {message, sizeof *message};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control};
    struct ucred who = {.pid = 0};
    const struct cmsghdr *head;
    ssize_t n;

    msg.msg_controllen = sizeof control;
    n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    head = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_CREDENTIALS)
        memcpy(&who, CMSG_DATA(head), sizeof who);
    *sender = who.pid;
    return n;
}

/* Returns false at the end of the init's side. */
static bool read_control(struct state *s)
{
    struct cage_message message = {0};
    pid_t sender;
    ssize_t n = receive(s->what->launch->control, &message, &sender);

    if (n == (ssize_t)sizeof message) {
        message.text[sizeof message.text - 1] = '\0';
        handle_message(s, &message, sender);
        return true;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static bool read_text(struct state *s)
{
    char buf[1024];
    ssize_t n = read(s->what->launch->text, buf, sizeof buf);

    if (n <= 0)
        return n < 0 && (errno == EINTR || errno == EAGAIN);
    if (s->text.len + (size_t)n <= MAX_TEXT)
        cage_strbuf_add_bytes(&s->text, buf, (size_t)n);
    return true;
}

/* Drops one object's code pages from this process; they come back from the page cache when they are executed.
 */
static int drop_code(struct dl_phdr_info *object, size_t size, void *unused)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    (void)size;
    (void)unused;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + part->p_vaddr, end = start + part->p_memsz;

        if (part->p_type != PT_LOAD || (part->p_flags & (PF_X | PF_W)) != PF_X)
            continue;
        start &= ~(page - 1);
        (void)madvise((void *)start, (end - start + page - 1) & ~(page - 1), MADV_DONTNEED); /* madvise(2) */
    }
    return 0;
}

/* A cage may run for days: what only the start needed is given back. */
static void settle_down(void)
{
    malloc_trim(0);
    dl_iterate_phdr(drop_code, NULL);
}

/* As poll(2); *quiet: nothing happened for `timeout`, and the hold had nothing to do either. */
static int wait_for_any(const struct state *s, struct pollfd *fds, nfds_t n, int timeout, bool *quiet)
{
    int until = -1, ready;

    if (s->what->hold)
        cage_hold_wait(s->what->hold, &fds[n - 1].fd, &until);
    *quiet = until < 0 || (timeout >= 0 && timeout <= until);
    ready = poll(fds, n, *quiet ? timeout : until);
    *quiet = *quiet && ready == 0;
    if (s->what->hold && (until >= 0 || fds[n - 1].revents))
        cage_hold_wake(s->what->hold);
    return ready;
}

static void wait_for_end(struct state *s)
{
    bool settled = false;
    int ending_for = 0; /* rounds */
    struct pollfd fds[] = {
        {.fd = s->signals, .events = POLLIN},
        {.fd = s->what->launch->control, .events = POLLIN},
        {.fd = s->what->launch->text, .events = POLLIN},
        {.fd = s->what->service.fd, .events = POLLIN},
        {.fd = -1, .events = POLLIN}, /* the hold's */
    };

    if (s->what->hold)
        cage_hold_connect(s->what->hold, s->what->launch->control);
    while (s->bwrap_status == RUNNING) {
        /* Process 1 is gone, or about to: bwrap follows, and is looked for until it has. */
        const bool ending = fds[1].fd < 0 || s->heard;
        bool quiet;
        int n = wait_for_any(s, fds, CAGE_LEN(fds), ending ? ENDING_MS : settled ? -1 : SETTLE_MS, &quiet);

        if (n < 0)
            continue; /* EINTR cannot be: all signals are blocked */
        if (quiet && ending) {
            reap(s); /* its SIGCHLD came, and waitpid(2) failed then */
            /* All of the cage has ended with process 1; bwrap has missed that, as we could. */
            if (++ending_for == ENDING_ROUNDS && s->bwrap_status == RUNNING)
                kill(s->what->launch->pid, SIGKILL);
            continue;
        }
        if (quiet) {
            settle_down();
            settled = true;
            continue;
        }
        if (fds[1].revents && !read_control(s))
            fds[1].fd = -1;
        if (fds[2].revents && !read_text(s))
            fds[2].fd = -1;
        if (fds[3].revents)
            s->what->service.ready(s->what->service.context);
        if (fds[0].revents)
            drain_signals(s);
    }
    /* What was still on its way when bwrap ended. */
    while (fds[1].fd >= 0 && poll(fds + 1, 1, 0) > 0)
        if (!read_control(s))
            break;
    while (fds[2].fd >= 0 && poll(fds + 2, 1, 0) > 0)
        if (!read_text(s))
            break;
}

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int not_executed(const struct cage_message *message, int *status, struct cage_error *err)
{
    *status = message->value == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
    if (message->value == ENOENT && !strchr(message->text, '/')) {
        cage_error_set(err, CAGE_ERR_CAGE, "%s: command not found in the cage", message->text);
        cage_error_hint(err, "add the package that has it: nixcage add PACKAGE");
    } else {
        cage_error_set(err, CAGE_ERR_CAGE, "%s: cannot be executed in the cage: %s", message->text,
                       strerror(message->value));
        if (message->value == EACCES && is_directory(message->text))
            cage_error_hint(err, "to run a command in that project: nixcage run %s -- COMMAND",
                            message->text);
        else if (message->value == ENOENT)
            cage_error_hint(err, "it, or the program that its first line names, is not in the cage: --debug "
                                 "says which");
        else
            cage_error_hint(err, "look at its mode and at the file system that it is on: --debug says "
                                 "what was refused");
    }
    return 0;
}

static int conclude(const struct state *s, int *status, struct cage_error *err)
{
    const struct cage_message *outcome = &s->outcome;

    if (s->refused)
        return -1;
    if (!s->heard)
        return cage_diagnose_bwrap(s->what->host, s->text.buf, s->bwrap_status, err);
    if (outcome->kind == CAGE_MSG_EXITED) {
        *status = cage_proc_exit_code(outcome->value);
        if (WIFSIGNALED(outcome->value) && WTERMSIG(outcome->value) == SIGINT)
            *status = CAGE_RUN_INTERRUPTED;
        return 0;
    }
    if (outcome->kind == CAGE_MSG_NOEXEC)
        return not_executed(outcome, status, err);
    cage_error_set(err, CAGE_ERR_CAGE, "%s: %s", outcome->text, strerror(outcome->value));
    err->sys = outcome->value;
    return -1;
}

int cage_supervise(const struct cage_supervision *what, int signals, int *status, struct cage_error *err)
{
    struct state s = {.what = what, .signals = signals, .bwrap_status = RUNNING, .err = err};
    int rc;

    cage_strbuf_init(&s.text);
    wait_for_end(&s);
    if (!s.heard)
        cage_leftover_end(what->launch->text);
    if (what->terminal)
        cage_terminal_restore(what->terminal, true);
    rc = conclude(&s, status, err);
    cage_strbuf_finish(&s.text);
    return rc;
}
