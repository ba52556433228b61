/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/tracer.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NR_CLOSE_RANGE = 436, MAX_SUMMARY = 1 << 20 };

void cage_tracer_init(struct cage_tracer *tracer)
{
    *tracer = (struct cage_tracer){.wrapper = {.pass_fd = -1}, .reader = -1, .report = -1};
}

/* nixcage-tracer and its arguments, up to the program's; output -1: nowhere. See src/tracer/main.c. */
static void make_argv(const char *tracer, bool complete, int output, struct cage_strv *argv)
{
    cage_strv_add(argv, tracer);
    cage_strv_addf(argv, "%d", output);
    cage_strv_add(argv, complete ? "all" : "filtered");
    cage_strv_add(argv, "--");
}

/* The kernel or a container may forbid ptrace(2): only trying tells. */
static int try_tracer(const char *tracer, struct cage_error *err)
{
    CAGE_STRBUF_AUTO out = {0}, text = {0};
    CAGE_STRV_AUTO argv = {0}, env = {0};
    struct cage_proc proc = {.out = &out, .err_out = &text};
    int status;

    cage_strbuf_init(&out);
    cage_strbuf_init(&text);
    make_argv(tracer, true, -1, &argv);
    cage_strv_add(&argv, tracer);
    proc.argv = cage_strv_argv(&argv);
    proc.envp = cage_strv_argv(&env);
    status = cage_proc_run(&proc, err);
    if (status == 0)
        return 0;
    if (status > 0) {
        text.buf[strcspn(text.buf, "\n")] = '\0';
        cage_error_set(err, CAGE_ERR_MISSING, "programs cannot be traced here: %s",
                       *text.buf ? text.buf : "it failed");
        cage_error_hint(err,
                        "it takes Linux 5.3, and a kernel and container that allow ptrace(2): see the sysctl "
                        "kernel.yama.ptrace_scope and the container's seccomp profile");
    }
    return -1;
}

/* Beside the init where installed, else in the build tree. The caller frees. */
static char *find_tracer(const struct cage_host *host)
{
    cage_autofree char *dir = cage_path_dirname(host->init_path);
    cage_autofree char *beside = cage_path_join(dir, "nixcage-tracer");
    cage_autofree char *built = cage_path_join(dir, "../tracer/nixcage-tracer");

    return cage_path_clean(access(beside, F_OK) == 0 ? beside : built);
}

static void close_from(unsigned first)
{
    struct rlimit limit = {.rlim_cur = 1024};

    if (syscall(NR_CLOSE_RANGE, first, ~0U, 0) == 0)
        return;
    getrlimit(RLIMIT_NOFILE, &limit);
    for (rlim_t fd = first; fd < limit.rlim_cur && fd < 65536; fd++)
        close((int)fd);
}

/* Holds nothing of the caller's open: not its locks, and not the streams that somebody waits for the end of.
 */
static void __attribute__((noreturn))
be_reader(int in, int report, int events, pid_t parent, const struct cage_judge *judge)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int high[3] = {fcntl(in, F_DUPFD, 10), fcntl(report, F_DUPFD, 10),
                   fcntl(events < 0 ? null : events, F_DUPFD, 10)};
    sigset_t all;

    /* The terminal's signals are for the command; the end of the pipe is ours. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
        _exit(1);
    for (int n = 0; n < 3; n++)
        if (high[n] < 0 || dup2(high[n], n) < 0)
            _exit(1);
    close_from(3);
    cage_trace_read(0, 1, events < 0 ? -1 : 2, judge);
    _exit(0);
}

static int start_reader(struct cage_tracer *tracer, const struct cage_judge *judge, int events,
                        int pipe_ends[2], struct cage_error *err)
{
    pid_t parent = getpid();

    tracer->report = cage_fs_memfd("nixcage-report", "", 0, err);
    if (tracer->report < 0)
        return -1;
    tracer->reader = fork();
    if (tracer->reader < 0)
        return cage_error_sys(err, errno, "cannot start a process");
    if (tracer->reader == 0)
        be_reader(pipe_ends[0], tracer->report, events, parent, judge);
    return 0;
}

int cage_tracer_start(struct cage_tracer *tracer, const struct cage_judge *judge, int events,
                      struct cage_error *err)
{
    cage_autofree char *program = find_tracer(judge->host);
    int pipe_ends[2] = {-1, -1}, rc;

    if (try_tracer(program, err) < 0)
        return -1;
    if (pipe2(pipe_ends, O_CLOEXEC) < 0)
        return cage_error_sys(err, errno, "cannot make a pipe");
    rc = start_reader(tracer, judge, events, pipe_ends, err);
    cage_close(&pipe_ends[0]);
    if (rc < 0) {
        cage_close(&pipe_ends[1]);
        return -1;
    }
    tracer->wrapper.pass_fd = pipe_ends[1];
    make_argv(program, events >= 0, pipe_ends[1], &tracer->wrapper.argv);
    if (events < 0) {
        tracer->wrapper.filter = tracer->filter;
        tracer->wrapper.filter_size = cage_call_filter(tracer->filter) * sizeof tracer->filter[0];
    }
    return 0;
}

int cage_tracer_end(struct cage_tracer *tracer, struct cage_strbuf *summary, struct cage_error *err)
{
    int status = 0;
    pid_t done;

    cage_close(&tracer->wrapper.pass_fd); /* the last writer, now that nixcage-tracer has ended */
    do
        done = waitpid(tracer->reader, &status, 0);
    while (done < 0 && errno == EINTR);
    tracer->reader = -1;
    if (done < 0 || status != 0)
        return cage_error_set(err, CAGE_ERR_SYSTEM, "the reader of the trace failed");
    if (lseek(tracer->report, 0, SEEK_SET) < 0)
        return cage_error_sys(err, errno, "cannot read the summary");
    return cage_fs_read_fd(tracer->report, MAX_SUMMARY, summary, err);
}

void cage_tracer_finish(struct cage_tracer *tracer)
{
    cage_close(&tracer->wrapper.pass_fd);
    if (tracer->reader > 0)
        while (waitpid(tracer->reader, NULL, 0) < 0 && errno == EINTR)
            continue;
    cage_close(&tracer->report);
    cage_strv_finish(&tracer->wrapper.argv);
    cage_strv_finish(&tracer->wrapper.env);
}
