/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/macos_log.h"
#include "base/mem.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PREDICATE                                                                                            \
    "((processID == 0) AND (senderImagePath CONTAINS \"/Sandbox\")) OR "                                     \
    "(subsystem == \"com.apple.sandbox.reporting\")"

enum { READY_MS = 2000, LATE_MS = 100, MAX_LINE = 1 << 16 };

/* What `log stream` prints first. */
static bool is_ready(const char *line, size_t n)
{
    static const char text[] = "Filtering the log data using ";

    return n >= sizeof text - 1 && memcmp(line, text, sizeof text - 1) == 0;
}

static void make_tag(char tag[CAGE_MACOS_TAG])
{
    unsigned char bytes[8];

    randombytes_buf(bytes, sizeof bytes);
    (void)snprintf(tag, CAGE_MACOS_TAG, "nixcage-");
    for (size_t i = 0; i < sizeof bytes; i++)
        (void)snprintf(tag + 8 + 2 * i, 3, "%02x", bytes[i]);
}

/* Takes the complete lines of what was read. Returns whether one of them says that the stream listens. */
static bool take_lines(struct cage_macos_log *log)
{
    const char *at = log->pending.buf, *end;
    struct cage_strbuf rest;
    bool ready = false;

    while ((end = memchr(at, '\n', log->pending.len - (size_t)(at - log->pending.buf)))) {
        if (!log->skipping) {
            ready |= is_ready(at, (size_t)(end - at));
            log->found |= log->denials->take(log->denials->context, at, (size_t)(end - at), log->tag);
        }
        log->skipping = false;
        at = end + 1;
    }
    cage_strbuf_init(&rest);
    cage_strbuf_add_bytes(&rest, at, log->pending.len - (size_t)(at - log->pending.buf));
    if (rest.len >= MAX_LINE) {
        log->skipping = true;
        cage_strbuf_reset(&rest);
    }
    cage_strbuf_finish(&log->pending);
    log->pending = rest;
    log->listening |= ready;
    return ready;
}

/* Waits up to ms for more and takes it. 1: the stream listens; 0: something else came; -1: nothing, or the
 * end. */
static int take(struct cage_macos_log *log, int ms)
{
    struct pollfd p = {.fd = log->fd, .events = POLLIN};
    char chunk[8192];
    ssize_t n;

    if (log->fd < 0 || poll(&p, 1, ms) <= 0)
        return -1;
    n = read(log->fd, chunk, sizeof chunk);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0) {
        cage_close(&log->fd);
        return -1;
    }
    cage_strbuf_add_bytes(&log->pending, chunk, (size_t)n);
    return take_lines(log) ? 1 : 0;
}

/* In the child: never returns. Its own session: the terminal's signals are not for it. */
static void stream(const char *program, int out)
{
    char *argv[] = {(char[]){"log"},
                    (char[]){"stream"},
                    (char[]){"--style"},
                    (char[]){"ndjson"},
                    (char[]){"--predicate"},
                    (char[]){PREDICATE},
                    NULL};
    char *envp[] = {NULL};
    sigset_t none;
    int null = open("/dev/null", O_RDWR);

    (void)setsid();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (null >= 0 && dup2(null, 0) >= 0 && dup2(out, 1) >= 0 && dup2(null, 2) >= 0)
        execve(program, argv, envp);
    _exit(127);
}

static long now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int cage_macos_log_start(struct cage_macos_log *log, const char *program,
                         const struct cage_run_denials *denials, struct cage_error *err)
{
    long until = now_ms() + READY_MS;
    int p[2];

    *log = (struct cage_macos_log){.fd = -1, .denials = denials};
    make_tag(log->tag);
    if (access(program, X_OK) < 0)
        return cage_error_sys(err, errno, "%s", program);
    if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
        return cage_error_sys(err, errno, "cannot make a pipe");
    log->pid = fork();
    if (log->pid == 0) {
        (void)fcntl(p[1], F_SETFL, 0);
        stream(program, p[1]);
    }
    close(p[1]);
    if (log->pid < 0) {
        close(p[0]);
        return cage_error_sys(err, errno, "cannot start %s", program);
    }
    log->fd = p[0];
    cage_strbuf_init(&log->pending);
    while (now_ms() < until && log->fd >= 0 && take(log, (int)(until - now_ms())) == 0)
        ;
    return 0;
}

void cage_macos_log_read(struct cage_macos_log *log)
{
    while (take(log, 0) >= 0)
        ;
}

/* What is in the log already; used when the stream has shown nothing. False: it cannot be read. */
static bool show(struct cage_macos_log *log, const char *program)
{
    char *argv[] = {cage_strdup(program),    (char[]){"show"},    (char[]){"--last"},
                    (char[]){"10s"},         (char[]){"--style"}, (char[]){"ndjson"},
                    (char[]){"--predicate"}, (char[]){PREDICATE}, NULL};
    CAGE_STRBUF_AUTO out = {0}, complaint = {0};
    bool ok;

    cage_strbuf_init(&out);
    cage_strbuf_init(&complaint);
    ok = cage_proc_run(&(struct cage_proc){.argv = argv, .out = &out, .err_out = &complaint}, NULL) == 0;
    if (ok) {
        cage_strbuf_reset(&log->pending);
        log->skipping = false;
        cage_strbuf_add_bytes(&log->pending, out.buf, out.len);
        (void)take_lines(log);
    }
    free(argv[0]);
    return ok;
}

bool cage_macos_log_finish(struct cage_macos_log *log, const char *program)
{
    long until = now_ms() + LATE_MS;
    bool read_some;

    while (now_ms() < until && log->fd >= 0)
        (void)take(log, (int)(until - now_ms()));
    if (log->pid > 0) {
        kill(log->pid, SIGKILL);
        cage_macos_log_read(log);
        while (waitpid(log->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    cage_close(&log->fd);
    read_some = log->listening || log->found;
    if (!log->found)
        read_some |= show(log, program);
    cage_strbuf_finish(&log->pending);
    log->pid = 0;
    return read_some;
}
