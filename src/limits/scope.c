/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/scope.h"
#include "base/mem.h"
#include "base/proc.h"
#include "limits/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, SERIAL = 1, MAX_GREETING = 512 };

#ifdef __linux__
/* Written and read at once, or not at all (pipe(7)). Elsewhere is no systemd. */
_Static_assert(sizeof(struct cage_error) <= PIPE_BUF, "an error goes through a pipe in one piece");
#endif

struct cage_scope {
    pid_t pid;  /* who asks */
    int answer; /* where it says what came of it: a struct cage_error */
    bool told;  /* it did, and is ending */
};

void cage_scope_talk_init(struct cage_scope_talk *talk, const char *unit)
{
    *talk = (struct cage_scope_talk){.unit = unit};
    cage_strbuf_init(&talk->got);
}

void cage_scope_talk_finish(struct cage_scope_talk *talk)
{
    cage_strbuf_finish(&talk->got);
    free(talk->job);
    free(talk->ended);
    free(talk->result);
}

/* systemd.resource-control(5), systemd.unit(5). */
static void add_call(struct cage_strbuf *out, const struct cage_scope_request *request)
{
    const uint32_t pids[] = {(uint32_t)request->pid, (uint32_t)getpid()};
    const struct cage_limits *l = request->limits;
    const struct {
        bool wanted;
        struct cage_bus_property property;
    } rows[] = {
        {true, {"Description", 's', "nixcage", 0, NULL}},
        {request->slice != NULL, {"Slice", 's', request->slice, 0, NULL}},
        {true, {"CollectMode", 's', "inactive-or-failed", 0, NULL}},
        {true, {"PIDs", 'a', NULL, CAGE_LEN(pids), pids}},
        /*
         * Else systemd ends the whole scope when the kernel kills one process of it for memory.
         * OOMPolicy=continue says the same, but scopes know it from version 253 on only (systemd.service(5):
         * the default with Delegate=).
         */
        {true, {"Delegate", 'b', NULL, 1, NULL}},
        /* In whole percents of a core, as CPUQuota= is written. */
        {l->cpus > 0, {"CPUQuotaPerSecUSec", 't', NULL, (uint64_t)ceil(l->cpus * 100) * 10000, NULL}},
        {l->memory > 0, {"MemoryMax", 't', NULL, l->memory, NULL}},
        /* MemoryMax alone leaves swap unlimited. */
        {l->memory > 0, {"MemorySwapMax", 't', NULL, 0, NULL}},
        {l->pids > 0, {"TasksMax", 't', NULL, l->pids, NULL}},
    };
    struct cage_bus_property properties[CAGE_LEN(rows)];
    size_t n = 0;

    for (size_t i = 0; i < CAGE_LEN(rows); i++)
        if (rows[i].wanted)
            properties[n++] = rows[i].property;
    cage_bus_start_unit(out, SERIAL, request->unit, properties, n);
}

/* "Authentication Protocol": who we are, in hexadecimal; the kernel tells the manager whether that is so. */
static void add_greeting(struct cage_strbuf *out)
{
    cage_autofree char *uid = cage_format("%lu", (unsigned long)geteuid());

    cage_strbuf_addc(out, 0);
    cage_strbuf_add(out, "AUTH EXTERNAL ");
    for (const char *c = uid; *c; c++)
        cage_strbuf_addf(out, "%02x", (unsigned)*c);
    cage_strbuf_add(out, "\r\nBEGIN\r\n");
}

/* A manager that is there takes some hundred bytes at once. */
static int say(int fd, const char *manager, const struct cage_strbuf *words)
{
    const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    if (strlen(manager) >= sizeof addr.sun_path)
        return ENAMETOOLONG;
    memcpy(addr.sun_path, manager, strlen(manager) + 1);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
        connect(fd, (const struct sockaddr *)&addr, sizeof addr) < 0)
        return errno;
    if (send(fd, words->buf, words->len, MSG_NOSIGNAL) != (ssize_t)words->len)
        return errno ? errno : EIO;
    return 0;
}

static int refused(struct cage_error *err, const char *why)
{
    cage_error_set(err, CAGE_ERR_CAGE, "systemd made no scope for the limits: %s", why);
    return cage_error_hint(
        err, "see what systemd says of it: journalctl -e, as an ordinary user journalctl --user -e");
}

static int malformed(struct cage_error *err)
{
    return refused(err, "its answer is not understood");
}

/* The answer and the end of the job may come in any order, between signals that are about others. */
static int take_message(struct cage_scope_talk *talk, const struct cage_bus_message *message,
                        struct cage_error *err)
{
    const char *texts[CAGE_BUS_MAX_TEXTS];

    if (message->type == CAGE_BUS_ERROR && message->reply_to == SERIAL)
        return refused(err, cage_bus_texts(message, "s", texts) ? texts[0] : "it does not say why");
    if (message->type == CAGE_BUS_RETURN && message->reply_to == SERIAL && !talk->job) {
        if (!cage_bus_texts(message, "o", texts))
            return malformed(err);
        talk->job = cage_strdup(texts[0]);
    } else if (message->type == CAGE_BUS_SIGNAL && message->member &&
               strcmp(message->member, "JobRemoved") == 0) {
        if (!cage_bus_texts(message, "uoss", texts))
            return malformed(err);
        if (strcmp(texts[2], talk->unit) == 0) {
            free(talk->ended);
            free(talk->result);
            talk->ended = cage_strdup(texts[1]);
            talk->result = cage_strdup(texts[3]);
        }
    }
    if (!talk->job || !talk->ended || strcmp(talk->job, talk->ended) != 0)
        return 0;
    return strcmp(talk->result, "done") == 0 ? 1 : refused(err, talk->result);
}

/* "OK" and the manager's number, when it knows us. Returns how many bytes that was, 0 when it is not all
 * there, -1 for anything else. */
static ssize_t take_greeting(const struct cage_strbuf *got, struct cage_error *err)
{
    const char *end = memmem(got->buf, got->len, "\r\n", 2);

    if (!end)
        return got->len > MAX_GREETING ? malformed(err) : 0;
    if (strncmp(got->buf, "OK ", 3) != 0)
        return refused(err, "it does not let us in");
    return end + 2 - got->buf;
}

/* The first message there is in n bytes: as take_greeting(); what it means goes to *state. */
static ssize_t take_next(struct cage_scope_talk *talk, const unsigned char *data, size_t n, int *state,
                         struct cage_error *err)
{
    struct cage_bus_message message;
    size_t size;

    if (n < CAGE_BUS_HEAD)
        return 0;
    size = cage_bus_size(data);
    if (size == 0)
        return malformed(err);
    if (size > n)
        return 0;
    if (!cage_bus_parse(data, size, &message))
        return malformed(err);
    *state = take_message(talk, &message, err);
    return *state < 0 ? -1 : (ssize_t)size;
}

int cage_scope_talk_take(struct cage_scope_talk *talk, const void *data, size_t n, struct cage_error *err)
{
    struct cage_strbuf *got = &talk->got;
    size_t done = 0;
    ssize_t taken;
    int state = 0;

    cage_strbuf_add_bytes(got, data, n);
    do {
        if (talk->greeted)
            taken = take_next(talk, (const unsigned char *)got->buf + done, got->len - done, &state, err);
        else
            taken = take_greeting(got, err);
        if (taken < 0)
            return -1;
        talk->greeted |= taken > 0;
        done += (size_t)taken;
    } while (taken > 0 && state == 0);
    memmove(got->buf, got->buf + done, got->len - done + 1);
    got->len -= done;
    return state;
}

static int ms_since(const struct timespec *begin)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int)((now.tv_sec - begin->tv_sec) * 1000 + (now.tv_nsec - begin->tv_nsec) / 1000000);
}

static int listen_to(struct cage_scope_talk *talk, int fd, struct cage_error *err)
{
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    struct timespec begin;
    char data[4096];
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    while (rc == 0) {
        int left = PATIENCE_MS - ms_since(&begin);
        ssize_t n;

        if (left <= 0 || poll(&answer, 1, left) == 0)
            return refused(err, "it does not answer");
        n = recv(fd, data, sizeof data, MSG_DONTWAIT);
        if (n == 0)
            return refused(err, "it hung up");
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return cage_error_sys(err, errno, "cannot hear of the scope that systemd was asked for");
        if (n > 0)
            rc = cage_scope_talk_take(talk, data, (size_t)n, err);
    }
    return rc < 0 ? -1 : 0;
}

/* Our own number is 0. Nothing depends on what comes of it. */
static void hurry(const char *procs)
{
    cage_autofd int fd = procs ? open(procs, O_WRONLY | O_CLOEXEC | O_NOCTTY) : -1;

    if (fd >= 0)
        (void)!write(fd, "0", 1);
}

/* From the greeting to the end. */
static void converse(const struct cage_scope_request *request, int fd, struct cage_error *err)
{
    CAGE_STRBUF_AUTO words = {0};
    struct cage_scope_talk talk;
    int sys;

    cage_scope_talk_init(&talk, request->unit);
    cage_strbuf_init(&words);
    add_greeting(&words);
    add_call(&words, request);
    sys = say(fd, request->manager, &words);
    if (sys)
        cage_error_sys(err, sys, "cannot ask systemd for a scope on %s", request->manager);
    else {
        hurry(request->hurry);
        (void)!listen_to(&talk, fd, err);
    }
    cage_scope_talk_finish(&talk);
}

/*
 * What a nixcage that is killed leaves for a moment: it has nothing of the caller's open, and is in no group
 * that somebody may kill as a whole.
 */
static void __attribute__((noreturn)) ask(const struct cage_scope_request *request, int socket_fd, int answer)
{
    const int high[] = {fcntl(socket_fd, F_DUPFD, 10), fcntl(answer, F_DUPFD, 10)};
    struct cage_error err = {0};
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setsid();
    if (high[0] < 0 || high[1] < 0 || dup2(high[0], 0) < 0 || dup2(high[1], 1) < 0)
        _exit(1);
    close(2);
    cage_proc_close_inherited();
    converse(request, 0, &err);
    (void)!write(1, &err, sizeof err);
    _exit(0);
}

struct cage_scope *cage_scope_ask(const struct cage_scope_request *request, struct cage_error *err)
{
    cage_autofd int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct cage_scope *scope;
    int answer[2];
    pid_t pid;

    if (socket_fd < 0 || pipe2(answer, O_CLOEXEC) < 0) {
        cage_error_sys(err, errno, "cannot ask systemd for a scope");
        return NULL;
    }
    pid = fork();
    if (pid == 0)
        ask(request, socket_fd, answer[1]);
    cage_close(&answer[1]);
    if (pid < 0) {
        cage_error_sys(err, errno, "cannot start a process");
        cage_close(&answer[0]);
        return NULL;
    }
    scope = cage_alloc(sizeof *scope);
    *scope = (struct cage_scope){pid, answer[0], false};
    return scope;
}

int cage_scope_wait(struct cage_scope *scope, struct cage_error *err)
{
    struct cage_error told;
    ssize_t n;

    do
        n = read(scope->answer, &told, sizeof told);
    while (n < 0 && errno == EINTR);
    scope->told = true;
    if (n != (ssize_t)sizeof told)
        return refused(err, "nixcage's own process that asked it has ended");
    if (!told.code)
        return 0;
    *err = told;
    return -1;
}

void cage_scope_free(struct cage_scope *scope)
{
    if (!scope)
        return;
    while (waitpid(scope->pid, NULL, scope->told ? 0 : WNOHANG) < 0 && errno == EINTR)
        continue;
    cage_close(&scope->answer);
    free(scope);
}
