/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/launch.h"
#include "base/fs.h"
#include "base/mem.h"
#include "init/spec.h"
#include "run/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_HIGH_FD = 10, EXIT_FAILED = 125, MAX_PASSED = CAGE_LAUNCH_MAX_FILES + 8 };
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

/* Passes fd on under another number, which is returned; -1 on failure. */
static int pass_copy(struct passed *passed, int fd, struct cage_error *err)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_HIGH_FD);

    if (copy < 0)
        return cage_error_sys(err, errno, "cannot open a descriptor for the cage");
    passed->fds[passed->n++] = copy;
    return copy;
}

/* The next empty file, now with this in it: its number, or -1. */
static int fill_file(struct cage_launch *launch, const void *data, size_t n, struct cage_error *err)
{
    const char *from = data;
    int fd;

    if (launch->n_used == launch->n_files)
        return cage_error_set(err, CAGE_ERR_INTERNAL, "more than %zu files in the cage are made up",
                              launch->n_files);
    fd = launch->files[launch->n_used++];
    /* Not write(2): bwrap reads from the same file position. */
    for (size_t done = 0; done < n;) {
        ssize_t written = pwrite(fd, from + done, n - done, (off_t)done);

        if (written < 0)
            return cage_error_sys(err, errno, "cannot write a memory file");
        done += (size_t)written;
    }
    return fd;
}

/* The number of the file that "FD:n" stands for, written when first asked for; -1 on failure. */
static int file_fd(struct cage_launch *launch, const char *index, const struct cage_bwrap_args *args,
                   int *opened, struct cage_error *err)
{
    char *end;
    unsigned long n = strtoul(index, &end, 10);

    if (*end || end == index || n >= args->files.n)
        return cage_error_set(err, CAGE_ERR_INTERNAL, "bad file reference FD:%s", index);
    if (opened[n] < 0)
        opened[n] = fill_file(launch, args->files.items[n], strlen(args->files.items[n]), err);
    return opened[n];
}

/* bwrap's options as --args wants them: each followed by a NUL. */
static int write_args(struct cage_launch *launch, const struct cage_launch_input *input,
                      struct cage_strbuf *out, struct cage_error *err)
{
    const struct cage_bwrap_args *args = input->args;
    cage_autofree int *opened = cage_alloc((args->files.n + 1) * sizeof *opened);
    int fd;

    for (size_t i = 0; i < args->files.n; i++)
        opened[i] = -1;
    for (size_t i = 0; i < args->args.n; i++) {
        const char *arg = args->args.items[i];

        if (strncmp(arg, "FD:", 3) == 0) {
            fd = file_fd(launch, arg + 3, args, opened, err);
            if (fd < 0)
                return -1;
            cage_strbuf_addf(out, "%d", fd);
        } else {
            cage_strbuf_add(out, arg);
        }
        cage_strbuf_addc(out, '\0');
    }
    if (input->seccomp) {
        fd = fill_file(launch, input->seccomp, input->seccomp_size, err);
        if (fd < 0)
            return -1;
        cage_strbuf_addf(out, "--seccomp%c%d%c", 0, fd, 0);
    }
    return 0;
}

/* What the vfork child needs. It shares our memory, so nothing here may be changed by it but `failed`. */
struct child {
    const struct cage_launch_start *start;
    char *const *argv; /* argv[0] is a path */
    char *const *envp;
    const struct passed *passed;
    int null, text;
    int gate, other_end; /* what holds it, and the end that it must not keep open itself; -1: neither */
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
static bool needs_fork(const struct cage_launch_start *start)
{
    return start->stage || start->held;
}

/* Only in a child of fork(2): it allocates. What fails is told where bwrap's own errors are read. */
static void prepare_or_exit(const struct cage_launch_start *start)
{
    struct cage_error err = {0};

    if (!start->stage || cage_stage_enter(start->stage, &err) == 0)
        return;
    dprintf(2, "%s\n", err.message);
    _exit(EXIT_FAILED);
}

/* When nixcage is gone, nobody lets it go on: then it ends. */
static void wait_or_exit(const struct child *child)
{
    char go;

    if (child->gate < 0)
        return;
    close(child->other_end);
    if (read(child->gate, &go, 1) != 1)
        _exit(EXIT_FAILED);
}

/* Both are the child's alone, also after vfork(2). An ignored SIGCHLD would be ignored in bwrap, too. */
static void set_signals(void)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigaction(SIGCHLD, &dfl, NULL);
}

static void __attribute__((noreturn)) become_bwrap(struct child *child)
{
    int sys;

    /*
     * No death signal, and no --die-with-parent: bwrap killed between its clone(2) and the writing of the
     * user map leaves a child that waits for ever, and nobody who looks for it (run/leftover.h). It always
     * gets as far as the init, which sees that nixcage is gone.
     */
    if (getppid() != child->parent)
        _exit(EXIT_FAILED);
    set_signals();
    if (dup2(child->null, 0) < 0 || dup2(child->null, 1) < 0 || dup2(child->text, 2) < 0)
        goto failed;
    if (needs_fork(child->start)) {
        wait_or_exit(child);
        prepare_or_exit(child->start);
    }
    close_others_later();
    for (size_t i = 0; i < child->passed->n; i++)
        if (fcntl(child->passed->fds[i], F_SETFD, 0) < 0)
            goto failed;
    execve(child->argv[0], child->argv, child->envp);
failed:
    sys = errno;
    child->failed = sys; /* seen by the parent of a vfork(2) only */
    if (needs_fork(child->start))
        dprintf(2, "cannot execute %s: %s\n", child->argv[0], strerror(sys));
    _exit(EXIT_FAILED);
}

static int spawn(struct cage_launch *launch, struct child *child, struct cage_error *err)
{
    child->parent = getpid();
    launch->pid = needs_fork(child->start) ? fork() : vfork();
    if (launch->pid == 0)
        become_bwrap(child);
    if (launch->pid < 0)
        return cage_error_sys(err, errno, "cannot start a process");
    if (child->failed)
        return cage_error_sys(err, child->failed, "cannot execute %s", child->argv[0]);
    return 0;
}

/* The command's streams under high numbers, in the order of enum cage_init_arg. */
static int pass_stdio(const struct cage_launch_start *start, int null, struct passed *passed, int fds[3],
                      struct cage_error *err)
{
    const int from[3] = {start->quiet_io ? null : 0, start->quiet_io ? 2 : 1, 2};

    for (int n = 0; n < 3; n++) {
        fds[n] = pass_copy(passed, from[n], err);
        if (fds[n] < 0)
            return -1;
    }
    return 0;
}

/* The spec is the first of the files. They are ours as well, so that they can be written to. */
static int make_files(struct cage_launch *launch, size_t n, struct passed *passed, struct cage_error *err)
{
    if (n > CAGE_LAUNCH_MAX_FILES)
        return cage_error_set(err, CAGE_ERR_INTERNAL, "more than %d files in the cage are made up",
                              CAGE_LAUNCH_MAX_FILES);
    for (; launch->n_files < n; launch->n_files++) {
        int fd = memfd_create("nixcage", MFD_CLOEXEC);

        if (fd < 0)
            return cage_error_sys(err, errno, "cannot make a memory file");
        launch->files[launch->n_files] = fd;
        passed->fds[passed->n++] = fd;
    }
    return 0;
}

/* The wrapper's words, then `bwrap --args N -- init N…`; bwrap alone gets an empty environment. */
static void make_argv(const struct cage_launch_start *start, int args, const int numbers[CAGE_INIT_ARGC],
                      struct cage_strv *argv, struct cage_strv *env)
{
    if (start->wrapper) {
        cage_strv_add_all(argv, start->wrapper->argv.items);
        cage_strv_add_all(env, start->wrapper->env.items);
    }
    cage_strv_add(argv, start->bwrap_path);
    cage_strv_add(argv, "--args");
    cage_strv_addf(argv, "%d", args);
    cage_strv_add(argv, "--");
    cage_strv_add(argv, CAGE_INIT_DEST);
    for (int i = 1; i < CAGE_INIT_ARGC; i++)
        cage_strv_addf(argv, "%d", numbers[i]);
}

/* The ends that bwrap gets, and both of what holds it. */
struct ends {
    int control, text, args;
    int gate[2];
};

/* Everything that is passed on and stays not ours is left in *copies, for the caller to close. */
static int start_with(struct cage_launch *launch, const struct cage_launch_start *start,
                      const struct ends *ends, struct passed *copies, struct cage_error *err)
{
    CAGE_STRV_AUTO argv = {0}, env = {0};
    cage_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
    int numbers[CAGE_INIT_ARGC];
    struct passed passed = {.n = 0};
    struct child child = {.start = start,
                          .passed = &passed,
                          .null = null,
                          .text = ends->text,
                          .gate = ends->gate[0],
                          .other_end = ends->gate[1]};

    if (null < 0)
        return cage_error_sys(err, errno, "cannot open /dev/null");
    numbers[CAGE_INIT_CONTROL] = pass_copy(copies, ends->control, err);
    if (numbers[CAGE_INIT_CONTROL] < 0 || pass_stdio(start, null, copies, numbers + CAGE_INIT_STDIN, err) < 0)
        return -1;
    passed = *copies;
    if (make_files(launch, start->n_files, &passed, err) < 0)
        return -1;
    numbers[CAGE_INIT_SPEC] = launch->files[0];
    passed.fds[passed.n++] = ends->args;
    /* These two under their own numbers, which the spec and the wrapper's words name. */
    if (start->keep_fd >= 0)
        passed.fds[passed.n++] = start->keep_fd;
    if (start->wrapper && start->wrapper->pass_fd >= 0)
        passed.fds[passed.n++] = start->wrapper->pass_fd;
    make_argv(start, ends->args, numbers, &argv, &env);
    child.argv = cage_strv_argv(&argv);
    child.envp = cage_strv_argv(&env);
    return spawn(launch, &child, err);
}

int cage_launch_start(struct cage_launch *launch, const struct cage_launch_start *start,
                      struct cage_error *err)
{
    struct passed copies = {.n = 0};
    int pair[2] = {-1, -1}, text[2] = {-1, -1}, args[2] = {-1, -1}, gate[2] = {-1, -1}, rc = -1;

    *launch = (struct cage_launch){
        .pid = -1, .control = -1, .text = -1, .args = -1, .gate = -1, .group = {.events_fd = -1}};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        cage_error_sys(err, errno, "cannot make a socket pair");
    else if (setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) < 0)
        cage_error_sys(err, errno, "cannot ask for credentials");
    else if (pipe2(text, O_CLOEXEC) < 0 || pipe2(args, O_CLOEXEC) < 0 ||
             (start->held && pipe2(gate, O_CLOEXEC) < 0))
        cage_error_sys(err, errno, "cannot make a pipe");
    else
        rc = start_with(launch, start, &(struct ends){pair[1], text[1], args[0], {gate[0], gate[1]}}, &copies,
                        err);
    passed_finish(&copies);
    cage_close(&pair[1]);
    cage_close(&text[1]);
    cage_close(&args[0]);
    cage_close(&gate[0]);
    launch->control = pair[0];
    launch->text = text[0];
    launch->args = args[1];
    launch->gate = gate[1];
    if (rc < 0)
        cage_launch_finish(launch);
    return rc;
}

size_t cage_launch_files(const struct cage_bwrap_args *args)
{
    return args->files.n + 2; /* and the spec and the filter */
}

int cage_launch_release(struct cage_launch *launch, struct cage_error *err)
{
    struct cage_error ended;

    if (launch->gate >= 0 && cage_fs_write_all(launch->gate, "", 1, &ended) < 0 && ended.sys != EPIPE) {
        *err = ended;
        return cage_error_wrap(err, "bwrap's start");
    }
    cage_close(&launch->gate);
    return 0;
}

/* The spec first and the arguments last: what they name is complete when bwrap sees them. */
int cage_launch_go(struct cage_launch *launch, const struct cage_launch_input *input, struct cage_error *err)
{
    CAGE_STRBUF_AUTO args = {0};
    struct cage_error ended;

    cage_strbuf_init(&args);
    launch->n_used = 0;
    if (fill_file(launch, input->spec->buf, input->spec->len, err) < 0 ||
        write_args(launch, input, &args, err) < 0)
        return -1;
    if (cage_fs_write_all(launch->args, args.buf, args.len, &ended) < 0 && ended.sys != EPIPE) {
        *err = ended;
        return cage_error_wrap(err, "bwrap's arguments");
    }
    cage_close(&launch->args);
    for (size_t i = 0; i < launch->n_files; i++)
        cage_close(&launch->files[i]);
    launch->n_files = 0;
    return 0;
}

void cage_launch_finish(struct cage_launch *launch)
{
    cage_close(&launch->control);
    cage_close(&launch->text);
    cage_close(&launch->args);
    cage_close(&launch->gate);
    for (size_t i = 0; i < launch->n_files; i++)
        cage_close(&launch->files[i]);
    launch->n_files = 0;
}

void cage_launch_drop(struct cage_launch *launch)
{
    if (launch->pid < 0)
        return;
    /* It has made nothing yet. Without this it would take the end of the pipe for the end of its arguments.
     */
    kill(launch->pid, SIGKILL);
    while (waitpid(launch->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    launch->pid = -1;
    cage_launch_finish(launch);
    cage_limits_group_finish(&launch->group);
}
