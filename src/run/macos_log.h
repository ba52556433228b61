/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --debug on macOS: a `log stream` that runs beside the cage, outside of it. */
#ifndef CAGE_RUN_MACOS_LOG_H
#define CAGE_RUN_MACOS_LOG_H

#include "base/error.h"
#include "base/strbuf.h"
#include "run/maclog.h"

#include <sys/types.h>

enum { CAGE_MACOS_TAG = 25 }; /* "nixcage-", 16 digits and the NUL */

/* Zeroed and then made by start(); fd -1: nothing runs. */
struct cage_macos_log {
    pid_t pid;
    int fd; /* what log(1) prints; to be read when there is something */
    char tag[CAGE_MACOS_TAG];
    struct cage_strbuf pending; /* the line that is not complete yet */
    struct cage_maclog found;
};

/*
 * Makes a tag and starts `program` ("/usr/bin/log") streaming denials. Waits up to two seconds until it
 * listens. Fails when it cannot be started.
 */
int cage_macos_log_start(struct cage_macos_log *log, const char *program,
                         struct cage_error *err) CAGE_MUST_CHECK;

/* Reads what is there without waiting. */
void cage_macos_log_read(struct cage_macos_log *log);

/*
 * The cage has ended: waits a tenth of a second for what is late, ends the stream and appends the summary.
 * When nothing came, asks program once for what was logged in the last ten seconds.
 */
void cage_macos_log_finish(struct cage_macos_log *log, const char *program, struct cage_strbuf *out);

#endif
