/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of nixcage while a command runs in the cage. */
#ifndef CAGE_RUN_SUPERVISE_H
#define CAGE_RUN_SUPERVISE_H

#include "base/error.h"
#include "run/launch.h"
#include "run/terminal.h"

/* Something else to serve while waiting (held files); fd -1: nothing. */
struct cage_service {
    int fd;
    void (*ready)(void *context); /* called when fd can be read */
    void *context;
};

/* Called once with the cage's process 1, which waits (CAGE_SPEC_WAIT); false: end the cage. */
struct cage_attach {
    bool (*attach)(void *context, pid_t init); /* NULL: nobody waits */
    void *context;
};

struct cage_supervision {
    const struct cage_host *host;
    const struct cage_launch *launch;
    struct cage_terminal *terminal; /* NULL: left alone */
    const char *command;            /* for messages */
    struct cage_service service;
    struct cage_attach attach;
};

/*
 * Waits until bwrap is gone and reaped. signals: a signalfd(2) of all signals, which are blocked. Results as
 * in cage_run().
 */
int cage_supervise(const struct cage_supervision *what, int signals, int *status,
                   struct cage_error *err) CAGE_MUST_CHECK;

#endif
