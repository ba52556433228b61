/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nix/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/proc.h"
#include "nix/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/signalfd.h>
#endif

enum { MAX_OUT = 64 << 20, PATIENCE_MS = 2000 };

static void guarded_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGQUIT);
}

int cage_nix_guard_enter(struct cage_nix_guard *guard, struct cage_error *err)
{
    sigset_t set;

    guarded_signals(&set);
    if (sigprocmask(SIG_BLOCK, &set, &guard->old) < 0)
        return cage_error_sys(err, errno, "cannot block signals");
    guard->fd = -1;
#ifdef __linux__
    guard->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
#endif
    return 0;
}

void cage_nix_guard_leave(struct cage_nix_guard *guard)
{
    cage_close(&guard->fd);
    sigprocmask(SIG_SETMASK, &guard->old, NULL);
}

bool cage_nix_guard_interrupted(const struct cage_nix_guard *guard)
{
    sigset_t pending, set;

    if (!guard || sigpending(&pending) < 0)
        return false;
    guarded_signals(&set);
    for (int sig = 1; sig < 32; sig++)
        if (sigismember(&set, sig) == 1 && sigismember(&pending, sig) == 1)
            return true;
    return false;
}

static int interrupted(struct cage_error *err)
{
    cage_error_set(err, CAGE_ERR_NIX, "interrupted");
    if (err)
        err->sys = EINTR;
    return -1;
}

int cage_nix_guard_lock(const struct cage_nix_guard *guard, const char *path, struct cage_error *err)
{
    for (;;) {
        const struct timespec pause = {.tv_nsec = 20 * 1000000};
        int fd = cage_fs_lock(path, false, err);

        if (fd >= 0 || !err || err->sys != EWOULDBLOCK)
            return fd;
        if (cage_nix_guard_interrupted(guard))
            return interrupted(err);
        nanosleep(&pause, NULL);
    }
}

/* What a forked child needs to become Nix. */
struct nix_start {
    struct cage_nix_start start;
    const struct cage_nix_child *child;
    int out[2];
};

/* In the child: never returns. */
static void exec_child(struct cage_nix_start *start)
{
    const struct nix_start *nix = (const struct nix_start *)start;
    const struct cage_nix_child *child = nix->child;
    sigset_t none;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != start->parent || null < 0 || dup2(child->in > 0 ? child->in : null, 0) < 0 ||
        dup2(nix->out[0], 1) < 0 || dup2(nix->out[1], 2) < 0)
        _exit(125);
    if (child->cwd && chdir(child->cwd) < 0)
        _exit(125);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(child->argv[0], child->argv, child->envp);
    _exit(errno == ENOENT ? 127 : 126);
}

static void start_child(struct nix_start *nix)
{
    setpgid(0, 0);
#ifdef __linux__
    cage_nix_reap(&nix->start);
#else
    exec_child(&nix->start);
#endif
}

static void take(const struct cage_nix_child *child, int which, const char *data, size_t n)
{
    if (which == 1)
        cage_nix_log_feed(child->log, data, n);
    else if (child->out && child->out->len + n <= MAX_OUT)
        cage_strbuf_add_bytes(child->out, data, n);
}

/* Reads both pipes until both are closed (0) or a signal is pending (-1). */
static int drain(const struct cage_nix_child *child, int fds[2])
{
    while (fds[0] >= 0 || fds[1] >= 0) {
        struct pollfd p[3] = {{.fd = fds[0], .events = POLLIN},
                              {.fd = fds[1], .events = POLLIN},
                              {.fd = child->guard ? child->guard->fd : -1, .events = POLLIN}};
        char chunk[16384];

        if (poll(p, 3, -1) < 0 && errno != EINTR)
            return -1;
        if (p[2].revents)
            return -1;
        for (int i = 0; i < 2; i++) {
            ssize_t n;

            if (fds[i] < 0 || !p[i].revents)
                continue;
            n = read(fds[i], chunk, sizeof chunk);
            if (n > 0)
                take(child, i, chunk, (size_t)n);
            else if (n == 0 || errno != EINTR)
                cage_close(&fds[i]);
        }
    }
    return 0;
}

static int wait_for(pid_t pid, struct cage_error *err)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return cage_error_sys(err, errno, "cannot wait for a child process");
    return cage_proc_exit_code(status);
}

/* Nix ends its builders itself when it is asked to; what is left after that is killed. */
static void end_group(pid_t pid)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000000};
    int status;

    kill(-pid, SIGTERM);
    for (int waited = 0; waited < PATIENCE_MS; waited += 10) {
        if (waitpid(pid, &status, WNOHANG) != 0) {
            kill(-pid, SIGKILL);
            return;
        }
        nanosleep(&pause, NULL);
    }
#ifdef __linux__
    kill(pid, CAGE_NIX_REAP);
#else
    kill(-pid, SIGKILL);
#endif
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
}

static int make_pipe(int *r, int *w, struct cage_error *err)
{
    int p[2];

    if (pipe2(p, O_CLOEXEC) < 0)
        return cage_error_sys(err, errno, "cannot make a pipe");
    *r = p[0], *w = p[1];
    return 0;
}

int cage_nix_child_run(const struct cage_nix_child *child, struct cage_error *err)
{
    cage_autofd int out_r = -1, out_w = -1, err_r = -1, err_w = -1;
    struct nix_start nix = {.start = {.run = exec_child, .parent = getpid()}, .child = child};
    int fds[2], rc;
    pid_t pid;

    if (cage_nix_guard_interrupted(child->guard))
        return interrupted(err);
    if (make_pipe(&out_r, &out_w, err) < 0 || make_pipe(&err_r, &err_w, err) < 0)
        return -1;
    nix.out[0] = out_w, nix.out[1] = err_w, nix.start.fds = nix.out;
    pid = fork();
    if (pid < 0)
        return cage_error_sys(err, errno, "cannot start %s", child->argv[0]);
    if (pid == 0)
        start_child(&nix);
    setpgid(pid, pid);
    cage_close(&out_w);
    cage_close(&err_w);
    fds[0] = cage_steal_fd(&out_r), fds[1] = cage_steal_fd(&err_r);
    rc = drain(child, fds);
    cage_close(&fds[0]);
    cage_close(&fds[1]);
    cage_nix_log_end(child->log);
    if (rc < 0) {
        end_group(pid);
        return interrupted(err);
    }
    return wait_for(pid, err);
}
