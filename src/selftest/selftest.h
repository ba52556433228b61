/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tries the ways out of a cage (attempt.h) in a cage of the user's own plan, and judges what came of each. */
#ifndef CAGE_SELFTEST_SELFTEST_H
#define CAGE_SELFTEST_SELFTEST_H

#include "config/config.h"
#include "plan/plan.h"
#include "run/run.h"

enum cage_selftest_result {
    CAGE_SELFTEST_BLOCKED,
    CAGE_SELFTEST_OPEN,    /* it worked, or was not refused as it must be */
    CAGE_SELFTEST_ALLOWED, /* it worked, and a line of the configuration says so */
    CAGE_SELFTEST_NOT_APPLICABLE,
    CAGE_SELFTEST_BROKEN, /* says nothing: the attempt itself was killed */
};

struct cage_selftest_line {
    char *name;
    enum cage_selftest_result result;
    char *detail;           /* why; NULL for BLOCKED */
    struct cage_mark where; /* ALLOWED: what allows it; line 0: a default */
};

struct cage_selftest {
    struct cage_selftest_line *lines;
    size_t n;
    size_t count[CAGE_SELFTEST_BROKEN + 1]; /* by result */
};

#define CAGE_SELFTEST_AUTO __attribute__((cleanup(cage_selftest_finish))) struct cage_selftest

struct cage_selftest_input {
    const struct cage_config *config;
    const struct cage_project *project;
    struct cage_plan *plan;           /* a command of its own is put into it */
    struct cage_run_options *options; /* as for cage_run(); capture_fd and quiet_io are set */
};

/*
 * Makes the controls outside and the attempts in the cage. -1 with *err when not every attempt was made: then
 * nothing is known about any. Everything made for it (a scratch directory, sockets) is removed.
 */
int cage_selftest_run(struct cage_selftest *test, const struct cage_selftest_input *input,
                      struct cage_error *err) CAGE_MUST_CHECK;
/* Frees what it owns; accepts a zeroed one. */
void cage_selftest_finish(struct cage_selftest *test);

/*
 * Pure but for looks at the project: judges the reports (attempt.c has their form) of the control and of the
 * attempts. A report that is not whole, or not of the same attempts, is an error.
 */
int cage_selftest_judge(struct cage_selftest *test, const struct cage_selftest_input *input,
                        const char *control, const char *inside, struct cage_error *err) CAGE_MUST_CHECK;

/* "blocked", "open", "allowed", "not applicable", "broken". Static. */
const char *cage_selftest_text(enum cage_selftest_result result);

#endif
