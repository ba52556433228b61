/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tries to get out of a cage, or to change it; the tables are in the files beside this one.
 *
 *     nixcage-attempt inside|outside PROJECT SOCKET TARGET
 *     nixcage-attempt report inside|outside FD PROJECT SOCKET TARGET TMP HIDDEN CANARY
 *     nixcage-attempt serve SOCKET
 *
 * What the operands are: struct attempt_goal; a TARGET of 0 is a process made for it. Inside, every attempt
 * must fail with an expected error; outside (the positive control) the same call must do something else:
 * succeed, or fail for another reason further on. The first form judges, prints a line each, and exits 1 when
 * any was not as it must be. The second leaves that to its caller: for each a line of NAME, result, 1 when
 * that is an expected error, subject and path, with tabs between, and a line `end N`, on the descriptor FD.
 */
#include "attempt.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { BY_SIGNAL = 1000, SECONDS_EACH = 3 };

struct attempt_goal attempt_goal;

static const struct attempt_table *const tables[] = {&attempts_kernel, &attempts_reach, &attempts_files};

/* In a process of its own: an attempt may change or end it. */
static int try(const struct attempt *attempt)
{
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        signal(SIGHUP, SIG_IGN);
        alarm(SECONDS_EACH);
        _exit(attempt->run());
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status)             ? WEXITSTATUS(status)
           : WTERMSIG(status) == SIGSEGV ? EFAULT
                                         : BY_SIGNAL + WTERMSIG(status);
}

/* For the attempts on sockets: listens on the file and on the abstract name until it is killed. */
static int serve(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(name), skip = strspn(name, "/");

    for (int abstract = 0; abstract < 2; abstract++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        memset(address.sun_path, 0, sizeof address.sun_path);
        memcpy(address.sun_path + abstract, name + (abstract ? skip : 0), n - (abstract ? skip : 0));
        if (bind(fd, (struct sockaddr *)&address,
                 (socklen_t)(sizeof address.sun_family + (size_t)abstract + n - (abstract ? skip : 0))) < 0 ||
            listen(fd, 100) < 0)
            return 1;
    }
    puts("ready");
    fflush(stdout);
    pause();
    return 0;
}

static int is_expected(const struct attempt *attempt, int result)
{
    for (size_t i = 0; i < sizeof attempt->expected / sizeof attempt->expected[0]; i++)
        if (result != 0 && attempt->expected[i] == result)
            return 1;
    return 0;
}

static int judge(const struct attempt *attempt, int inside, int result)
{
    int blocked = is_expected(attempt, result);

    if (inside)
        return blocked;
    if (attempt->control == WHERE_BUILT || (attempt->control == AS_ROOT && geteuid() != 0))
        return 1;
    return !blocked;
}

static void judge_one(const struct attempt *attempt, void *context)
{
    int result = try(attempt), good = judge(attempt, attempt_goal.inside, result);
    int *bad = context;

    printf("%s: %s: %s\n", good ? "as it must be" : "WRONG", attempt->name,
           result == 0          ? "open"
           : result > BY_SIGNAL ? strsignal(result - BY_SIGNAL)
                                : strerror(result));
    *bad += !good;
}

static const char *path_of(const struct attempt *attempt)
{
    return attempt->path                     ? attempt->path
           : attempt->subject == SOCKET      ? attempt_goal.socket_name
           : attempt->subject == CANARY      ? attempt_goal.canary
           : attempt->subject == BLACKLISTED ? attempt_goal.hidden
                                             : "";
}

static void report_one(const struct attempt *attempt, void *context)
{
    int result = try(attempt);

    fprintf(context, "%s\t%d\t%d\t%c\t%s\n", attempt->name, result, is_expected(attempt, result),
            (char)attempt->subject, path_of(attempt));
}

static size_t each(void (*visit)(const struct attempt *attempt, void *context), void *context)
{
    size_t n = 0;

    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (size_t i = 0; i < tables[t]->n; i++, n++)
            visit(&tables[t]->rows[i], context);
    return n;
}

/* A process to reach for, which ends with this one. */
static pid_t make_target(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return pid;
}

static int report(char **argv)
{
    FILE *out = fdopen((int)strtol(argv[1], NULL, 10), "w");
    pid_t target = 0;

    if (!out)
        return 2;
    attempt_goal = (struct attempt_goal){
        .inside = strcmp(argv[0], "inside") == 0,
        .project = argv[2],
        .socket_name = argv[3],
        .target = (int)strtol(argv[4], NULL, 10),
        .tmp = argv[5],
        .hidden = argv[6],
        .canary = argv[7],
    };
    if (attempt_goal.target == 0)
        attempt_goal.target = target = make_target();
    fprintf(out, "end %zu\n", each(report_one, out));
    if (target > 0)
        kill(target, SIGKILL);
    return fclose(out) == 0 ? 0 : 2;
}

int main(int argc, char **argv)
{
    char hidden[4096];
    size_t n;
    int bad = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    if (argc == 10 && strcmp(argv[1], "report") == 0)
        return report(argv + 2);
    if (argc != 5)
        return 2;
    snprintf(hidden, sizeof hidden, "%s/.ssh/id_test", getenv("HOME") ? getenv("HOME") : "");
    attempt_goal = (struct attempt_goal){
        .inside = strcmp(argv[1], "inside") == 0,
        .project = argv[2],
        .socket_name = argv[3],
        .target = (int)strtol(argv[4], NULL, 10),
        .tmp = "/tmp",
        .hidden = hidden,
        .canary = argv[3],
    };
    n = each(judge_one, &bad);
    printf("%zu attempts, %d wrong\n", n, bad);
    return bad != 0;
}
