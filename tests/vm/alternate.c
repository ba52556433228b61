/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * alternate ROUNDS NAME COMMAND [NAME COMMAND …]: times commands that run in turn, so that a disturbance
 * meets all of them. PAUSE_MS in the environment: how long nothing runs before each. COMMAND is words between
 * blanks; those of the form PATH=VALUE in front go to its environment, the first of the rest is a path.
 * Prints
 * "# figure NAME MINIMUM MEDIAN P90 ROUNDS", in milliseconds. Static and small: it runs in guests that have
 * neither Python nor hyperfine.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <err.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WORDS = 64, MAX_ENV = 256 };

struct command {
    const char *name;
    char *words[MAX_WORDS + 1];
    char **argv; /* into words */
    char *env[MAX_ENV + 2];
    double *ms;
};

static void parse(struct command *command, const char *name, char *text, int rounds)
{
    size_t n = 0, n_env = 0;
    bool has_path;

    command->name = name;
    for (char *word = strtok(text, " "); word && n < MAX_WORDS; word = strtok(NULL, " "))
        command->words[n++] = word;
    command->argv = command->words;
    has_path = n && strncmp(command->words[0], "PATH=", 5) == 0;
    if (has_path)
        command->env[n_env++] = *command->argv++;
    if (!command->argv[0])
        errx(2, "%s: no command", name);
    for (char **e = environ; *e && n_env < MAX_ENV; e++)
        if (!has_path || strncmp(*e, "PATH=", 5) != 0)
            command->env[n_env++] = *e;
    command->ms = calloc((size_t)rounds, sizeof *command->ms);
    if (!command->ms)
        err(2, "calloc");
}

static double now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double run(const struct command *command)
{
    const char *pause_ms = getenv("PAUSE_MS");
    double begin, passed;
    int status, sys;
    pid_t pid;

    if (pause_ms)
        usleep((useconds_t)atoi(pause_ms) * 1000);
    begin = now_ms();
    sys = posix_spawn(&pid, command->argv[0], NULL, NULL, command->argv, command->env);
    if (sys)
        errx(1, "%s: %s: %s", command->name, command->argv[0], strerror(sys));
    if (waitpid(pid, &status, 0) < 0)
        err(1, "waitpid");
    passed = now_ms() - begin;
    if (status)
        errx(1, "%s failed (%#x)", command->name, (unsigned)status);
    return passed;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 0, n = (argc - 2) / 2;
    struct command *commands;

    if (rounds < 4 || n < 1 || argc % 2)
        errx(2, "usage: alternate ROUNDS NAME COMMAND [NAME COMMAND …], four rounds or more");
    commands = calloc((size_t)n, sizeof *commands);
    if (!commands)
        err(2, "calloc");
    for (int i = 0; i < n; i++)
        parse(&commands[i], argv[2 + 2 * i], argv[3 + 2 * i], rounds);
    for (int i = 0; i < n; i++)
        run(&commands[i]); /* once for the caches */
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < n; i++)
            commands[i].ms[r] = run(&commands[i]);
    for (int i = 0; i < n; i++) {
        double *ms = commands[i].ms;

        qsort(ms, (size_t)rounds, sizeof *ms, by_value);
        printf("# figure %s %.2f %.2f %.2f %d\n", commands[i].name, ms[0], ms[rounds / 2],
               ms[rounds * 9 / 10], rounds);
    }
    return 0;
}
