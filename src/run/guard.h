/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mounts over files and directories of the host: read-only binds of what is protected, pins, masks. When the
 * host replaces (rename(2)) or deletes what such a mount lies on, the kernel takes the mount away, and the
 * cage could write (or read) what is there then. So the directories that hold them are watched, and the mount
 * is put back by a process that is started for it (run/rebind.h). Part of the hold (run/hold_internal.h).
 *
 * Between the host's rename and that there is a moment, usually of one or two milliseconds, which cannot be
 * closed; what is known of it is reported when the run ends.
 */
#ifndef CAGE_RUN_GUARD_H
#define CAGE_RUN_GUARD_H

#include "plan/plan.h"
#include "run/rebind.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct cage_hold;

/* What something on the host is recognized by. */
struct cage_guard_mark {
    dev_t dev;
    ino_t ino;
    struct timespec time; /* of a directory its birth, of everything else its last change (statx(2)) */
    bool is_dir;
};

enum cage_guard_state {
    CAGE_GUARD_FINE, /* as at the start, or protected again */
    CAGE_GUARD_OPEN, /* the mount is gone */
};

struct cage_guard {
    const struct cage_op *op;
    int base_fd;                 /* of the directory on the host; borrowed */
    const char *name;            /* in it */
    struct cage_guard_mark mark; /* as last looked at; only dev and ino, or 0, before the first time */
    dev_t safe_dev;              /* what the mount was last known to lie on, if safe_ino is not 0 */
    ino_t safe_ino;
    struct timespec again_time; /* times > 0: its mark's time when it was put back */
    unsigned retries;           /* failed so often in a row */
    bool looked;                /* mark is complete */
    bool dirty;                 /* to be put back */
    bool sent;                  /* the helper has it, and has not answered */
    bool unsettled;             /* the helper may still have doubts */
    bool given_up;              /* deleted for so long that it counts as missing from now on */
    long long open_since;       /* ms; 0: it is not */
    bool is_missing;            /* nothing was there when it was last looked at */
    long long give_up_at;       /* ms; 0: never */
    enum cage_guard_state state;
    int sys;                       /* OPEN: why; ELOOP: a symlink is there */
    unsigned times;                /* put back so often */
    int longest;                   /* ms that it was open, of those */
    unsigned doubts;               /* enum cage_rebind_doubt */
    struct cage_protected missing; /* given_up */
};

struct cage_guards {
    struct cage_guard *items;
    size_t n;
    int control; /* to process 1; borrowed, -1: not yet */
    bool asked;  /* CAGE_MSG_WHO was sent */
    struct cage_ns ns;
    pid_t helper;         /* 0: none */
    int fd;               /* its results; -1: none to come */
    size_t unanswered;    /* results it owes */
    long long deadline;   /* ms: it is killed then */
    long long not_before; /* ms: the next one may start then */
    long long window;     /* ms: start of the second in which … */
    unsigned started;     /* … so many were */
};

/* Whether the plan has any such mounts. */
bool cage_guards_wanted(const struct cage_plan *plan);

/* At the start of a run: no system call but for the directories that are not watched yet. */
void cage_guards_start(struct cage_hold *hold);

/* After SIGIO: finds what was replaced, and starts putting it back. */
void cage_guards_look(struct cage_hold *hold);

/* The directory `from` was replaced by `to` (descriptors). */
void cage_guards_moved(struct cage_guards *guards, int from, int to);

/* The end of a run: stops the helper, looks a last time, and leaves warnings for the report. */
void cage_guards_end(struct cage_hold *hold);

/* Closes and frees what it owns, not guards itself. */
void cage_guards_finish(struct cage_guards *guards);

/* guard_report.c: appends what the user has to know of guard to hold->warned; `now` NULL: it is not there. */
void cage_guard_report(struct cage_hold *hold, const struct cage_guard *guard,
                       const struct cage_guard_mark *now);

#endif
