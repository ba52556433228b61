/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attempts to get out of a cage or to change it: the tables that `selftest` and the test suite share. */
#ifndef CAGE_SELFTEST_ATTEMPT_H
#define CAGE_SELFTEST_ATTEMPT_H

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The errno of a system call, or 0. */
#define SYS_CALL(...) (syscall(__VA_ARGS__) < 0 ? errno : 0)
#define CALL(expression) ((expression) < 0 ? errno : 0)

/* What the control, the same call outside of a cage, can show. */
enum control {
    EVERYWHERE,
    AS_ROOT,
    WHERE_BUILT /* the kernel or this machine's root may lack it: nothing to compare */
};

/* What a configuration could allow it by; the letters are in the report. */
enum subject {
    ALWAYS = '-',      /* nothing: forbidden everywhere */
    NESTED = 'n',      /* nested = true */
    PROJECT = 'p',     /* a path in the project: unprotect; path is relative to it */
    READ = 'r',        /* a path that a bind could show */
    WRITE = 'w',       /* a path that a bind could leave writable */
    BLACKLISTED = 'b', /* what the configuration hides: nothing */
    ABSTRACT = 'a',    /* the host's network, where the kernel cannot keep abstract sockets apart */
    SOCKET = 's',      /* the socket's path, as READ */
    CANARY = 'c',      /* the file in the scratch directory, as READ */
};

struct attempt {
    const char *name;
    int (*run)(void); /* 0, or the errno it failed with */
    enum control control;
    int expected[4]; /* errno values that mean "blocked" */
    enum subject subject;
    const char *path; /* PROJECT, READ, WRITE */
};

struct attempt_table {
    const struct attempt *rows;
    size_t n;
};

extern const struct attempt_table attempts_kernel, attempts_reach, attempts_files;

/* What the attempts are to reach for, from the command line. */
struct attempt_goal {
    int inside;              /* in a cage; else the control */
    const char *project;     /* the project directory */
    const char *socket_name; /* a listening socket file, and the abstract socket of that name without "/" */
    int target;              /* a process: 1 in the cage */
    const char *tmp;         /* a directory for files of their own */
    const char *hidden;      /* a blacklisted file */
    const char *canary;      /* a file that nothing shares */
};

extern struct attempt_goal attempt_goal;

/* Opens for appending, writes nothing: 0, or the errno. */
int attempt_open_for_writing(const char *path);
/* Reads a byte: 0, also at the end of the file, or the errno. */
int attempt_read_file(const char *path);

#endif
