/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/launch.h"
#include "base/fs.h"
#include "base/mem.h"
#include "init/spec.h"
#include "run/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FIRST_HIGH_FD = 10, EXIT_FAILED = 125, FD_TEXT = 16, MAX_PASSED = 64 };
enum { NR_CLOSE_RANGE = 436, CLOSE_RANGE_ON_EXEC = 4 /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */ };

/* Everything bwrap gets besides 0-2, all of it close-on-exec until the child says otherwise. */
struct passed {
    int fds[MAX_PASSED];
    size_t n;
};

static void passed_finish(struct passed *passed)
{
    for (size_t i = 0; i < passed->n; i++)
        cage_close(&passed->fds[i]);
}

/* Takes fd (an error if negative) for passing on; returns it. */
static int pass(struct passed *passed, int fd, struct cage_error *err)
{
    if (fd < 0)
        return cage_error_sys(err, errno, "cannot open a descriptor for the cage");
    if (passed->n == MAX_PASSED) {
        close(fd);
        return cage_error_set(err, CAGE_ERR_INTERNAL, "more than %d files in the cage are made up",
                              MAX_PASSED);
    }
    passed->fds[passed->n++] = fd;
    return fd;
}

static int pass_copy(struct passed *passed, int fd, struct cage_error *err)
{
    return pass(passed, fcntl(fd, F_DUPFD_CLOEXEC, FIRST_HIGH_FD), err);
}

static int pass_data(struct passed *passed, const char *name, const void *data, size_t n,
                     struct cage_error *err)
{
    int fd = cage_fs_memfd(name, data, n, err);

    return fd < 0 ? -1 : pass(passed, fd, err);
}

/* The number of the file that "FD:n" stands for, opened when first asked for; -1 on failure. */
static int file_fd(const char *index, const struct cage_bwrap_args *args, int *opened, struct passed *passed,
                   struct cage_error *err)
{
    char *end;
    unsigned long n = strtoul(index, &end, 10);

    if (*end || end == index || n >= args->files.n)
        return cage_error_set(err, CAGE_ERR_INTERNAL, "bad file reference FD:%s", index);
    if (opened[n] < 0)
        opened[n] = pass_data(passed, "file", args->files.items[n], strlen(args->files.items[n]), err);
    return opened[n];
}

/* bwrap's options as --args wants them: each followed by a NUL. */
static int write_args(const struct cage_launch_input *input, struct passed *passed, struct cage_strbuf *out,
                      struct cage_error *err)
{
    const struct cage_bwrap_args *args = input->args;
    cage_autofree int *opened = cage_alloc((args->files.n + 1) * sizeof *opened);
    int fd;

    for (size_t i = 0; i < args->files.n; i++)
        opened[i] = -1;
    for (size_t i = 0; i < args->args.n; i++) {
        const char *arg = args->args.items[i];

        if (strncmp(arg, "FD:", 3) == 0) {
            fd = file_fd(arg + 3, args, opened, passed, err);
            if (fd < 0)
                return -1;
            cage_strbuf_addf(out, "%d", fd);
        } else {
            cage_strbuf_add(out, arg);
        }
        cage_strbuf_addc(out, '\0');
    }
    if (input->seccomp) {
        fd = pass_data(passed, "seccomp", input->seccomp, input->seccomp_size, err);
        if (fd < 0)
            return -1;
        cage_strbuf_addf(out, "--seccomp%c%d%c", 0, fd, 0);
    }
    return 0;
}

/* What the vfork child needs. It shares our memory, so nothing here may be changed by it but `failed`. */
struct child {
    const struct cage_launch_input *input;
    char *const *argv; /* argv[0] is a path */
    char *const *envp;
    const struct passed *passed;
    int null, text;
    pid_t parent;
    volatile int failed; /* errno */
};

/* The caller's descriptors, however many, end at the exec; then ours are taken out again. */
static void close_others_later(void)
{
    struct rlimit limit = {.rlim_cur = 1024};

    if (syscall(NR_CLOSE_RANGE, 3, ~0U, CLOSE_RANGE_ON_EXEC) == 0)
        return;
    getrlimit(RLIMIT_NOFILE, &limit);
    for (rlim_t fd = 3; fd < limit.rlim_cur && fd < INT_MAX; fd++)
        (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
}

/* Whether the child does more before its exec than a child of vfork(2) may. */
static bool needs_fork(const struct cage_launch_input *input)
{
    return input->stage || input->limits;
}

/* Only in a child of fork(2): it allocates. What fails is told where bwrap's own errors are read. */
static void prepare_or_exit(const struct cage_launch_input *input)
{
    struct cage_error err = {0};
    int sys = input->limits ? cage_limits_join(input->limits, input->limits_group) : 0;

    if (sys) {
        dprintf(2, "cannot put the cage under its limits: %s\n", strerror(sys));
        _exit(EXIT_FAILED);
    }
    if (!input->stage || cage_stage_enter(input->stage, &err) == 0)
        return;
    dprintf(2, "%s\n", err.message);
    _exit(EXIT_FAILED);
}

static void __attribute__((noreturn)) become_bwrap(struct child *child)
{
    int sys;

    /*
     * No death signal, and no --die-with-parent: bwrap killed between its clone(2) and the writing of the
     * user map leaves a child that waits for ever. It always gets as far as the init, which sees that nixcage
     * is gone.
     */
    if (getppid() != child->parent)
        _exit(EXIT_FAILED);
    if (dup2(child->null, 0) < 0 || dup2(child->null, 1) < 0 || dup2(child->text, 2) < 0)
        goto failed;
    if (needs_fork(child->input))
        prepare_or_exit(child->input);
    close_others_later();
    for (size_t i = 0; i < child->passed->n; i++)
        if (fcntl(child->passed->fds[i], F_SETFD, 0) < 0)
            goto failed;
    execve(child->argv[0], child->argv, child->envp);
failed:
    sys = errno;
    child->failed = sys; /* seen by the parent of a vfork(2) only */
    if (needs_fork(child->input))
        dprintf(2, "cannot execute %s: %s\n", child->argv[0], strerror(sys));
    _exit(EXIT_FAILED);
}

static int spawn(struct cage_launch *launch, struct child *child, struct cage_error *err)
{
    child->parent = getpid();
    launch->pid = needs_fork(child->input) ? fork() : vfork();
    if (launch->pid == 0)
        become_bwrap(child);
    if (launch->pid < 0)
        return cage_error_sys(err, errno, "cannot start a process");
    if (child->failed)
        return cage_error_sys(err, child->failed, "cannot execute %s", child->argv[0]);
    return 0;
}

/* The command's streams under high numbers, in the order of enum cage_init_arg. */
static int pass_stdio(const struct cage_launch_input *input, int null, struct passed *passed, int fds[3],
                      struct cage_error *err)
{
    const int from[3] = {input->quiet_io ? null : 0, input->quiet_io ? 2 : 1, 2};

    for (int n = 0; n < 3; n++) {
        fds[n] = pass_copy(passed, from[n], err);
        if (fds[n] < 0)
            return -1;
    }
    return 0;
}

/* Opens what goes to the init; numbers[] gets the descriptors in the order of enum cage_init_arg. */
static int pass_init_fds(const struct cage_launch_input *input, int control, int null, struct passed *passed,
                         int numbers[CAGE_INIT_ARGC], struct cage_error *err)
{
    numbers[CAGE_INIT_SPEC] = pass_data(passed, "spec", input->spec->buf, input->spec->len, err);
    if (numbers[CAGE_INIT_SPEC] < 0)
        return -1;
    numbers[CAGE_INIT_CONTROL] = pass_copy(passed, control, err);
    if (numbers[CAGE_INIT_CONTROL] < 0)
        return -1;
    return pass_stdio(input, null, passed, numbers + CAGE_INIT_STDIN, err);
}

/* The wrapper's words, then `bwrap --args N -- init N…`; bwrap alone gets an empty environment. */
static void make_argv(const struct cage_launch_input *input, const int numbers[CAGE_INIT_ARGC],
                      struct cage_strv *argv, struct cage_strv *env)
{
    if (input->wrapper) {
        cage_strv_add_all(argv, input->wrapper->argv.items);
        cage_strv_add_all(env, input->wrapper->env.items);
    }
    cage_strv_add(argv, input->bwrap_path);
    cage_strv_add(argv, "--args");
    cage_strv_addf(argv, "%d", numbers[0]);
    cage_strv_add(argv, "--");
    cage_strv_add(argv, CAGE_INIT_DEST);
    for (int i = 1; i < CAGE_INIT_ARGC; i++)
        cage_strv_addf(argv, "%d", numbers[i]);
}

static int start(struct cage_launch *launch, const struct cage_launch_input *input, int control, int text,
                 struct passed *passed, struct cage_error *err)
{
    CAGE_STRBUF_AUTO args = {0};
    CAGE_STRV_AUTO argv = {0}, env = {0};
    cage_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
    int numbers[CAGE_INIT_ARGC];
    struct child child = {.input = input, .passed = passed, .null = null, .text = text};

    cage_strbuf_init(&args);
    if (null < 0)
        return cage_error_sys(err, errno, "cannot open /dev/null");
    if (pass_init_fds(input, control, null, passed, numbers, err) < 0)
        return -1;
    /* These two under their own numbers, which the spec and the wrapper's words name. */
    if (input->keep_fd >= 0 && pass(passed, input->keep_fd, err) < 0)
        return -1;
    if (input->wrapper && input->wrapper->pass_fd >= 0 && pass(passed, input->wrapper->pass_fd, err) < 0)
        return -1;
    if (write_args(input, passed, &args, err) < 0)
        return -1;
    numbers[0] = pass_data(passed, "args", args.buf, args.len, err);
    if (numbers[0] < 0)
        return -1;
    make_argv(input, numbers, &argv, &env);
    child.argv = cage_strv_argv(&argv);
    child.envp = cage_strv_argv(&env);
    return spawn(launch, &child, err);
}

int cage_launch_start(struct cage_launch *launch, const struct cage_launch_input *input,
                      struct cage_error *err)
{
    struct passed passed = {.n = 0};
    int pair[2] = {-1, -1}, pipe_ends[2] = {-1, -1}, rc = -1;

    *launch = (struct cage_launch){.pid = -1, .control = -1, .text = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        cage_error_sys(err, errno, "cannot make a socket pair");
    else if (setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) < 0)
        cage_error_sys(err, errno, "cannot ask for credentials");
    else if (pipe2(pipe_ends, O_CLOEXEC) < 0)
        cage_error_sys(err, errno, "cannot make a pipe");
    else
        rc = start(launch, input, pair[1], pipe_ends[1], &passed, err);
    for (size_t i = 0; i < passed.n; i++) /* the caller's own stay open */
        if (passed.fds[i] == input->keep_fd || (input->wrapper && passed.fds[i] == input->wrapper->pass_fd))
            passed.fds[i] = -1;
    passed_finish(&passed);
    cage_close(&pair[1]);
    cage_close(&pipe_ends[1]);
    launch->control = pair[0];
    launch->text = pipe_ends[0];
    if (rc < 0)
        cage_launch_finish(launch);
    return rc;
}

void cage_launch_finish(struct cage_launch *launch)
{
    cage_close(&launch->control);
    cage_close(&launch->text);
}
