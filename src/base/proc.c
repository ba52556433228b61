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
#endif

extern char **environ;

int cage_proc_exit_code(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

char *cage_proc_find(const char *name, const char *path_value)
{
    struct stat st;

    if (strchr(name, '/'))
        return access(name, X_OK) == 0 ? cage_strdup(name) : NULL;
    while (path_value && *path_value) {
        size_t n = strcspn(path_value, ":");
        cage_autofree char *dir = cage_strndup(path_value, n);
        cage_autofree char *full = cage_path_join(dir, name);

        if (dir[0] == '/' && access(full, X_OK) == 0 && stat(full, &st) == 0 && S_ISREG(st.st_mode))
            return cage_steal(&full);
        path_value += n + (path_value[n] == ':');
    }
    return NULL;
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
    if (null < 0 || dup2(null, 0) < 0 || dup2(out >= 0 ? out : null, 1) < 0)
        _exit(125);
    if (!proc->stderr_inherit && dup2(err_fd >= 0 ? err_fd : null, 2) < 0)
        _exit(125);
    if (null > 2)
        close(null);
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

/* Reads both pipes until both are closed. */
static void drain(int fds[2], struct cage_strbuf *bufs[2], size_t max)
{
    while (fds[0] >= 0 || fds[1] >= 0) {
        struct pollfd p[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
        char chunk[16384];

        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return;
        for (int i = 0; i < 2; i++) {
            ssize_t n;

            if (fds[i] < 0 || !p[i].revents)
                continue;
            n = read(fds[i], chunk, sizeof chunk);
            if (n > 0)
                keep(bufs[i], chunk, (size_t)n, max);
            else if (n == 0 || errno != EINTR)
                cage_close(&fds[i]);
        }
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

int cage_proc_run(const struct cage_proc *proc, struct cage_error *err)
{
    cage_autofree char *program = cage_proc_find(proc->argv[0], getenv("PATH"));
    cage_autofd int out_r = -1, out_w = -1, err_r = -1, err_w = -1;
    struct cage_strbuf *bufs[2] = {proc->out, proc->err_out};
    pid_t parent = getpid(), pid;
    int fds[2], p[2];

    if (!program) {
        cage_error_set(err, CAGE_ERR_MISSING, "%s is not installed", proc->argv[0]);
        return 127;
    }
    if (pipe2(p, O_CLOEXEC) < 0)
        return cage_error_sys(err, errno, "cannot make a pipe");
    out_r = p[0], out_w = p[1];
    if (pipe2(p, O_CLOEXEC) < 0)
        return cage_error_sys(err, errno, "cannot make a pipe");
    err_r = p[0], err_w = p[1];
    pid = fork();
    if (pid < 0)
        return cage_error_sys(err, errno, "cannot start %s", program);
    if (pid == 0)
        exec_child(proc, program, parent, out_w, err_w);
    cage_close(&out_w);
    cage_close(&err_w);
    fds[0] = cage_steal_fd(&out_r), fds[1] = cage_steal_fd(&err_r);
    drain(fds, bufs, proc->max ? proc->max : (size_t)16 << 20);
    cage_close(&fds[0]);
    cage_close(&fds[1]);
    return wait_for(pid, err);
}
