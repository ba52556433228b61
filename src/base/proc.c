/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/proc.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#endif

extern char **environ;

int cage_proc_exit_code(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static bool executable(const char *path)
{
    struct stat st;

    return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

char *cage_proc_find(const char *name, const char *path_value)
{
    if (strchr(name, '/')) {
        cage_autofree char *cwd = name[0] == '/' ? NULL : getcwd(NULL, 0);

        return executable(name) ? cage_path_join(cwd ? cwd : "/", name) : NULL;
    }
    while (path_value && *path_value) {
        size_t n = strcspn(path_value, ":");
        cage_autofree char *dir = cage_strndup(path_value, n);
        cage_autofree char *full = cage_path_join(dir, name);

        if (dir[0] == '/' && executable(full))
            return cage_steal(&full);
        path_value += n + (path_value[n] == ':');
    }
    return NULL;
}

enum { GRACE_MS = 5000 }; /* between passing a signal on and killing the group */

/* A running child and what is watched while it runs; -1: not there (any more). */
struct watch {
    pid_t pid;
    int out, err; /* our ends of its pipes */
    int pidfd;    /* readable when it has ended */
    int signals;  /* signalfd: the interruptions that are passed on */
    int caught;   /* the first of them; 0: none */
    bool killed;
};

/* A close-on-exec pipe above the standard descriptors: the caller may have those closed. */
static int make_pipe(int *r, int *w)
{
    int p[2];

    if (pipe2(p, O_CLOEXEC) < 0)
        return -1;
    *r = p[0] > 2 ? p[0] : fcntl(p[0], F_DUPFD_CLOEXEC, 3);
    *w = p[1] > 2 ? p[1] : fcntl(p[1], F_DUPFD_CLOEXEC, 3);
    for (int i = 0; i < 2; i++)
        if (p[i] <= 2)
            close(p[i]);
    return *r < 0 || *w < 0 ? -1 : 0;
}

void cage_proc_close_inherited(void)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0)
        return;
#endif
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
}

/* In the child: never returns. Only async-signal-safe calls. */
static void exec_child(const struct cage_proc *proc, const char *program, pid_t parent, int out, int err_fd)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR);

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (proc->own_group)
        setpgid(0, 0);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != parent)
        _exit(125);
    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0)
        _exit(125);
    if (!proc->stderr_inherit && dup2(err_fd, 2) < 0)
        _exit(125);
    cage_proc_close_inherited();
    if (proc->cwd && chdir(proc->cwd) < 0)
        _exit(125);
    execve(program, proc->argv, proc->envp ? proc->envp : environ);
    _exit(errno == ENOENT ? 127 : 126);
}

static void keep(struct cage_strbuf *sb, const char *data, size_t n, size_t max)
{
    if (sb && sb->len < max)
        cage_strbuf_add_bytes(sb, data, n < max - sb->len ? n : max - sb->len);
}

static void read_pipe(int *fd, struct cage_strbuf *sb, size_t max)
{
    char chunk[16384];
    ssize_t n = read(*fd, chunk, sizeof chunk);

    if (n > 0)
        keep(sb, chunk, (size_t)n, max);
    else if (n == 0 || errno != EINTR)
        cage_close(fd);
}

/* Passes an interruption on to the child's group: the first as it is, so that Nix can clean up, the second as
 * SIGKILL. */
static void pass_signal(struct watch *w)
{
#ifdef __linux__
    struct signalfd_siginfo info;

    if (read(w->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    w->killed = w->caught != 0;
    kill(-w->pid, w->killed ? SIGKILL : (int)info.ssi_signo);
    if (!w->caught)
        w->caught = (int)info.ssi_signo;
#else
    (void)w;
#endif
}

/*
 * Reads both pipes until they are closed, or the child has ended and they are empty: a process that it left
 * behind may hold them open for ever.
 */
static void drain(struct watch *w, const struct cage_proc *proc)
{
    size_t max = proc->max ? proc->max : (size_t)16 << 20;

    while (w->out >= 0 || w->err >= 0 || w->pidfd >= 0) {
        struct pollfd p[4] = {
            {.fd = w->out, .events = POLLIN},
            {.fd = w->err, .events = POLLIN},
            {.fd = w->pidfd, .events = POLLIN},
            {.fd = w->signals, .events = POLLIN},
        };
        bool ended = w->pidfd == -2;
        int n = poll(p, 4, ended ? 0 : w->caught && !w->killed ? GRACE_MS : -1);

        if (n < 0 && errno != EINTR)
            return;
        if (n == 0 && ended)
            return;
        if (n == 0) {
            w->killed = true;
            kill(-w->pid, SIGKILL);
        }
        if (n <= 0)
            continue;
        if (p[0].revents)
            read_pipe(&w->out, proc->out, max);
        if (p[1].revents)
            read_pipe(&w->err, proc->err_out, max);
        if (p[2].revents) {
            cage_close(&w->pidfd);
            w->pidfd = -2;
        }
        if (p[3].revents)
            pass_signal(w);
    }
}

static int wait_for(pid_t pid, struct cage_error *err)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return cage_error_sys(err, errno, "cannot wait for a child process");
    return cage_proc_exit_code(status);
}

/* Holds interruptions back while a child with its own group runs, which the terminal would not tell of them.
 */
static int hold_signals(const struct cage_proc *proc, sigset_t *old)
{
#ifdef __linux__
    static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action;
    sigset_t set;
#endif

    sigprocmask(SIG_SETMASK, NULL, old);
#ifdef __linux__
    if (proc->own_group) {
        sigemptyset(&set);
        for (size_t i = 0; i < CAGE_LEN(passed_on);
             i++) /* a blocked signal is queued even when it is ignored */
            if (sigaction(passed_on[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
                sigaddset(&set, passed_on[i]);
        sigprocmask(SIG_BLOCK, &set, NULL);
        return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    }
#else
    (void)proc;
#endif
    return -1;
}

/* Watches the child to its end. When we were interrupted meanwhile, that takes effect now. */
static int supervise(struct watch *w, const struct cage_proc *proc, const sigset_t *old,
                     struct cage_error *err)
{
    int rc;

#ifdef SYS_pidfd_open
    w->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0U);
#endif
    if (proc->own_group)
        setpgid(w->pid, w->pid); /* whoever of the two comes first */
    drain(w, proc);
    rc = wait_for(w->pid, err);
    if (w->pidfd >= 0)
        cage_close(&w->pidfd);
    cage_close(&w->out);
    cage_close(&w->err);
    cage_close(&w->signals);
    sigprocmask(SIG_SETMASK, old, NULL);
    if (w->caught)
        raise(w->caught);
    return rc;
}

int cage_proc_run(const struct cage_proc *proc, struct cage_error *err)
{
    cage_autofree char *program = cage_proc_find(proc->argv[0], getenv("PATH"));
    cage_autofd int out_r = -1, out_w = -1, err_r = -1, err_w = -1;
    struct watch w = {.pidfd = -1};
    pid_t parent = getpid();
    sigset_t old;

    if (!program) {
        cage_error_set(err, CAGE_ERR_MISSING, "%s is not installed", proc->argv[0]);
        cage_error_hint(err, "install it, or put its directory on PATH");
        return 127;
    }
    if (make_pipe(&out_r, &out_w) < 0 || make_pipe(&err_r, &err_w) < 0)
        return cage_error_sys(err, errno, "cannot make a pipe");
    w.signals = hold_signals(proc, &old);
    w.pid = fork();
    if (w.pid == 0)
        exec_child(proc, program, parent, out_w, err_w);
    if (w.pid < 0) {
        cage_error_sys(err, errno, "cannot start %s", program);
        cage_close(&w.signals);
        sigprocmask(SIG_SETMASK, &old, NULL);
        return -1;
    }
    cage_close(&out_w);
    cage_close(&err_w);
    w.out = cage_steal_fd(&out_r);
    w.err = cage_steal_fd(&err_r);
    return supervise(&w, proc, &old, err);
}
