/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of nixcage while a command runs in the cage. */
#ifndef CAGE_RUN_SUPERVISE_H
#define CAGE_RUN_SUPERVISE_H

#include "base/error.h"
#include "run/hold.h"
#include "run/launch.h"
#include "run/terminal.h"

/* Something else to serve while waiting; fd -1: nothing. */
struct cage_service {
    int fd;
    void (*ready)(void *context); /* called when fd can be read */
    void *context;
};

/* What is done from outside at two moments of a run. */
struct cage_attach {
    /*
     * Called once with the cage's process 1, which waits (CAGE_SPEC_WAIT) and is told to go on when this
     * returns 0; -1: the cage is ended, and *err says why.
     */
    int (*attach)(void *context, pid_t init, struct cage_error *err);
    /* The command has ended; process 1 is still there when it was told to wait (CAGE_SPEC_WAIT). */
    void (*ended)(void *context);
    void *context;
};

struct cage_supervision {
    const struct cage_host *host;
    const struct cage_launch *launch;
    struct cage_terminal *terminal; /* NULL: left alone */
    const char *command;            /* for messages */
    struct cage_hold *hold;         /* or NULL */
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
