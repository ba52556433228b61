/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "run/macos.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_FD = 65536, CAPTURE_FD = 3 };

/* What the forked command needs; everything is prepared before fork(2), so that the child allocates nothing.
 */
struct exec_plan {
    const char *program;
    char **argv, **envp;
    const char *cwd;
    int go;     /* the command starts when a byte can be read here */
    int report; /* close-on-exec: an errno is written where starting failed */
    int capture_fd;
    bool quiet_io;
    sigset_t mask; /* of the command */
};

static int highest_fd(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > MAX_FD)
        return MAX_FD;
    return (int)limit.rlim_cur;
}

static void reset_signals(const sigset_t *mask)
{
    for (int sig = 1; sig < NSIG; sig++) {
        struct sigaction now;

        /* What the caller ignored (nohup) stays ignored. */
        if (sigaction(sig, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            (void)signal(sig, SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, mask, NULL);
}

static int arrange_fds(const struct exec_plan *p)
{
    int top = highest_fd();

    if (p->quiet_io) {
        int null = open("/dev/null", O_RDONLY);

        if (null < 0 || dup2(null, 0) < 0 || dup2(2, 1) < 0)
            return -1;
    }
    if (p->capture_fd >= 0 && p->capture_fd != CAPTURE_FD && dup2(p->capture_fd, CAPTURE_FD) < 0)
        return -1;
    if (p->capture_fd == CAPTURE_FD)
        (void)fcntl(CAPTURE_FD, F_SETFD, 0);
    for (int fd = p->capture_fd >= 0 ? CAPTURE_FD + 1 : CAPTURE_FD; fd < top; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return 0;
}

/* In the child: only async-signal-safe calls. Never returns. */
static void become_command(const struct exec_plan *p)
{
    char byte;
    int error;

    while ((error = (int)read(p->go, &byte, 1)) < 0 && errno == EINTR)
        ;
    if (error != 1)
        _exit(125); /* nixcage is gone */
    reset_signals(&p->mask);
    if (chdir(p->cwd) == 0 && arrange_fds(p) == 0)
        execve(p->program, p->argv, p->envp);
    error = errno;
    (void)!write(p->report, &error, sizeof error);
    _exit(125);
}

/* In the guard: waits until nixcage is done (a byte) or dead (end of file). Never returns. */
static void guard(const struct cage_macos_start *start, pid_t command, int fd)
{
    char byte;
    ssize_t n;
    sigset_t all;
    int top = highest_fd();

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setsid();
    for (int other = 0; other < top; other++)
        if (other != fd)
            (void)close(other);
    while ((n = read(fd, &byte, 1)) < 0 && errno == EINTR)
        ;
    if (n <= 0) {
        struct cage_macos_session session = *start->session;

        start->system->kill_tree(command);
        session.lock = -1;
        cage_macos_session_finish(&session);
    }
    _exit(0);
}

static int make_pipe(int *r, int *w, struct cage_error *err)
{
    int p[2];

    if (pipe2(p, O_CLOEXEC) < 0)
        return cage_error_sys(err, errno, "cannot make a pipe");
    *r = p[0];
    *w = p[1];
    return 0;
}

/* The descriptors that the three processes share. */
struct pipes {
    int go_r, go_w, report_r, report_w, guard_r, guard_w;
};

static void pipes_finish(struct pipes *p)
{
    int *all[] = {&p->go_r, &p->go_w, &p->report_r, &p->report_w, &p->guard_r, &p->guard_w};

    for (size_t i = 0; i < CAGE_LEN(all); i++)
        cage_close(all[i]);
}

static int start_guard(struct cage_macos_child *child, const struct cage_macos_start *start,
                       struct pipes *pipes, struct cage_error *err)
{
    child->guard = fork();
    if (child->guard < 0)
        return cage_error_sys(err, errno, "cannot start a process");
    if (child->guard == 0)
        guard(start, child->command, pipes->guard_r);
    child->guard_pipe = cage_steal_fd(&pipes->guard_w);
    return 0;
}

/* Lets the command go on and waits until it is executed (end of file) or could not be. */
static int release(struct pipes *pipes, const char *program, struct cage_error *err)
{
    int error;
    ssize_t n;

    (void)!write(pipes->go_w, "", 1);
    cage_close(&pipes->report_w);
    while ((n = read(pipes->report_r, &error, sizeof error)) < 0 && errno == EINTR)
        ;
    return n == (ssize_t)sizeof error ? cage_error_sys(err, error, "cannot execute %s", program) : 0;
}

static void reap(pid_t *pid)
{
    while (*pid > 0 && waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
        ;
    *pid = 0;
}

static int start_both(struct cage_macos_child *child, const struct cage_macos_start *start,
                      const struct exec_plan *plan, struct pipes *pipes, struct cage_error *err)
{
    child->command = fork();
    if (child->command < 0)
        return cage_error_sys(err, errno, "cannot start a process");
    if (child->command == 0) {
        close(pipes->go_w);
        close(pipes->guard_w);
        become_command(plan);
    }
    if (start_guard(child, start, pipes, err) == 0 && release(pipes, plan->program, err) == 0)
        return 0;
    pipes_finish(pipes); /* a command that still waits ends */
    reap(&child->command);
    cage_macos_child_finish(child);
    return -1;
}

int cage_macos_child_start(struct cage_macos_child *child, const struct cage_macos_start *start,
                           struct cage_error *err)
{
    const struct cage_seatbelt_job *job = start->job;
    struct pipes pipes = {-1, -1, -1, -1, -1, -1};
    CAGE_STRV_AUTO argv = {0};
    CAGE_STRV_AUTO env = {0};
    struct exec_plan plan = {.program = start->system->sandbox_exec,
                             .cwd = job->cwd,
                             .capture_fd = start->options->capture_fd,
                             .quiet_io = start->options->quiet_io};
    sigset_t all, before;
    int rc = -1;

    *child = (struct cage_macos_child){.guard_pipe = -1};
    sigfillset(&all);
    /* Our handlers must not run in the children. */
    sigprocmask(SIG_BLOCK, &all, &before);
    plan.mask = before;
    sigdelset(&plan.mask, SIGTTOU);
    cage_strv_add(&argv, "sandbox-exec");
    cage_strv_add(&argv, "-f");
    cage_strv_add(&argv, start->session->profile);
    cage_strv_add(&argv, "--");
    cage_strv_add_all(&argv, job->argv.items);
    cage_strv_add_all(&env, job->env.items);
    plan.argv = cage_strv_argv(&argv);
    plan.envp = cage_strv_argv(&env);
    if (make_pipe(&pipes.go_r, &pipes.go_w, err) == 0 &&
        make_pipe(&pipes.report_r, &pipes.report_w, err) == 0 &&
        make_pipe(&pipes.guard_r, &pipes.guard_w, err) == 0) {
        plan.go = pipes.go_r;
        plan.report = pipes.report_w;
        rc = start_both(child, start, &plan, &pipes, err);
    }
    pipes_finish(&pipes);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return rc;
}

void cage_macos_child_finish(struct cage_macos_child *child)
{
    if (child->guard_pipe >= 0)
        (void)!write(child->guard_pipe, "", 1);
    cage_close(&child->guard_pipe);
    reap(&child->guard);
}
