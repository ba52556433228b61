/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why the cage said no, and the line of nixcage.toml that would allow it. Pure but for host->lookup(). */
#ifndef CAGE_TRACE_JUDGE_H
#define CAGE_TRACE_JUDGE_H

#include "config/config.h"
#include "plan/plan.h"
#include "trace/event.h"

enum cage_why {
    /* Not the cage's doing: counted only. */
    CAGE_WHY_ABSENT,     /* is not on the host either */
    CAGE_WHY_PROBING,    /* a place that programs try: libraries, locales, other directories of PATH */
    CAGE_WHY_KERNEL,     /* in /proc or /sys */
    CAGE_WHY_OUTSIDE,    /* would have failed outside as well: permissions, nobody listens */
    CAGE_WHY_HABIT,      /* macOS: what nearly every program asks for, and does without */
    CAGE_WHY_FIRST_REAL, /* what follows is a denial */

    CAGE_WHY_NOT_MOUNTED = CAGE_WHY_FIRST_REAL,
    CAGE_WHY_READ_ONLY,
    CAGE_WHY_MASKED,
    CAGE_WHY_PROTECTED,
    CAGE_WHY_STORE_VIEW,
    CAGE_WHY_CAPABILITY, /* root would have been allowed outside */
    CAGE_WHY_NETWORK,
    CAGE_WHY_HOST,
    CAGE_WHY_LOCALHOST,
    CAGE_WHY_FILTER,  /* seccomp */
    CAGE_WHY_PROGRAM, /* not installed: of the summary, which sees all places that were tried */

    /* macOS, where what is not granted is denied and stays visible. */
    CAGE_WHY_NOT_GRANTED, /* Linux: what is shared by itself cannot be replaced */
    CAGE_WHY_SERVICE,     /* a service of the system, or a device through one */
    CAGE_WHY_SYSCTL,
    CAGE_WHY_PROCESS, /* another program's */
    CAGE_WHY_SETUID,
    CAGE_WHY_PROFILE, /* what the profile allows nowhere */
};

struct cage_verdict {
    enum cage_why why;
    char *reason; /* a sentence: "it is on the host, but not in the cage" */
    char *fix;    /* what to change, or NULL: nothing would allow it */
    char *secret; /* what opening it would give away: "SSH keys"; or NULL */
};

struct cage_judge {
    const struct cage_plan *plan;
    const struct cage_config *config;
    const struct cage_host *host;
};

/* Judges one event. The verdict is freed by cage_verdict_finish(), which accepts a zeroed one. */
void cage_judge_event(const struct cage_judge *judge, const struct cage_event *event,
                      struct cage_verdict *verdict);
/* Frees what it owns; accepts a zeroed one. */
void cage_verdict_finish(struct cage_verdict *verdict);

/* "not mounted", "read-only" …, for texts and for the JSON lines. Static. */
const char *cage_why_text(enum cage_why why);

/*
 * Whether `name` is a file in a directory of the cage's PATH, as far as the plan and the host tell; and
 * whether dir is one of them.
 */
bool cage_judge_on_path(const struct cage_judge *judge, const char *name);
/* Whether dir is a directory of the cage's PATH. */
bool cage_judge_is_path_dir(const struct cage_judge *judge, const char *dir);

#endif
