/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --debug on macOS: a `log stream` that runs beside the cage, outside of it. What it prints is only handed
 * on. */
#ifndef CAGE_RUN_MACOS_LOG_H
#define CAGE_RUN_MACOS_LOG_H

#include "base/error.h"
#include "base/strbuf.h"
#include "run/run.h"

#include <stdbool.h>
#include <sys/types.h>

enum { CAGE_MACOS_TAG = 25 }; /* "nixcage-", 16 digits and the NUL */

/* Zeroed and then made by start(); fd -1: nothing runs. */
struct cage_macos_log {
    pid_t pid;
    int fd; /* what log(1) prints; to be read when there is something */
    char tag[CAGE_MACOS_TAG];
    struct cage_strbuf pending; /* the line that is not complete yet */
    const struct cage_run_denials *denials;
    bool skipping;  /* the rest of a line that is too long */
    bool listening; /* the stream said so */
    bool found;     /* at least one denial of this run */
};

/*
 * Makes a tag and starts `program` ("/usr/bin/log") streaming denials to `denials`, which must outlive the
 * log. Waits up to two seconds until it listens. Fails when it cannot be started.
 */
int cage_macos_log_start(struct cage_macos_log *log, const char *program,
                         const struct cage_run_denials *denials, struct cage_error *err) CAGE_MUST_CHECK;

/* Reads what is there without waiting. */
void cage_macos_log_read(struct cage_macos_log *log);

/*
 * The cage has ended: waits a tenth of a second for what is late, and ends the stream. When no denial came,
 * asks program once for what was logged in the last ten seconds. Returns whether the log could be read in one
 * of these ways: if not, there may have been denials that nobody saw.
 */
bool cage_macos_log_finish(struct cage_macos_log *log, const char *program);

#endif
