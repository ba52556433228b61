/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The in-cage init, process 1 of the cage: checks that the cage is what was planned, starts the command in
 * it, and stays to reap, to pass signals on and to end everything when nixcage is gone. Every failure before
 * the command's exec is fatal: the cage is never quietly weaker.
 *
 * It is static and starts on every run, so it uses neither stdio nor locale.
 */
#ifndef CAGE_INIT_INIT_H
#define CAGE_INIT_INIT_H

#include "init/spec.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The spec, taken apart. Strings point into buf. */
struct init_spec {
    char *buf;
    size_t size;
    char **argv;      /* NULL-terminated; one free slot in front, for "sh" */
    char **envp;      /* NULL-terminated */
    const char *path; /* PATH value, or NULL */
    const char *cwd;  /* or NULL */
    uint32_t flags;   /* enum cage_spec_flags */
    int keep_fd;      /* becomes 3 in the command; -1: none */
    sigset_t mask;    /* the command's blocked signals */
    uint64_t nproc;   /* its RLIMIT_NPROC; 0: as it is */
};

/* Why nothing runs: what fits into a message. */
struct init_failure {
    int kind; /* enum cage_message_kind */
    int sys;  /* errno */
    char what[sizeof(((struct cage_message *)NULL)->text)];
};

/* Notes CAGE_MSG_FAILED with errno and "what detail" (detail may be NULL), cut to fit. Returns -1. */
int init_fail(struct init_failure *failure, const char *what, const char *detail);

/* Maps the spec from fd, which is closed, and takes it apart. */
int init_load(struct init_spec *spec, int fd, struct init_failure *failure);

/* Compares device and inode of every path the spec lists with what is there (stat(2)). */
int init_verify(const struct init_spec *spec, struct init_failure *failure);

/*
 * Makes the Landlock ruleset that the spec's flags ask for (landlock(7)). Returns its descriptor, -2 when
 * none is asked for, -1 on failure, also where this kernel's Landlock cannot do what is asked.
 */
int init_landlock(const struct init_spec *spec, struct init_failure *failure);

/* Puts this process and its future children under the ruleset. */
int init_restrict(int ruleset, struct init_failure *failure);

/* What the child needs to become the command. */
struct init_child {
    const struct init_spec *spec;
    int control; /* to report on; close-on-exec */
    int ruleset; /* -2: none */
    int stdio[3];
    int early_signal; /* came for the command before there was one; 0: none */
};

/* In the vfork child: becomes the command or sends why not and exits with 125, 126 or 127. */
void init_become(const struct init_child *child) __attribute__((noreturn));

/* Sends a message; a failure to send means that nixcage is gone, which the main loop sees as well. */
void init_send(int control, uint32_t kind, int32_t value, const char *text);

/* Follows the command until it ends or nixcage is gone; returns the exit code for process 1. */
int init_follow(int control, int signals, pid_t command);

#endif
