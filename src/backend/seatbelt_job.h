/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A plan for macOS (host->os is "macos") as the runner carries it out: the profile's input, and what the
 * session directory must hold. Pure: the file system is only asked through host->lookup.
 */
#ifndef CAGE_BACKEND_SEATBELT_JOB_H
#define CAGE_BACKEND_SEATBELT_JOB_H

#include "backend/seatbelt.h"
#include "plan/plan.h"

/* What only the run knows. */
struct cage_seatbelt_session {
    const char *dir;    /* physical: "/private/tmp/nixcage-501-Ab12Cd" */
    const char *tty;    /* NULL: no terminal */
    const char *tag;    /* NULL: denials are not traced */
    uint16_t gate_port; /* 0: there is no gate */
};

/* A file or symlink to make in the session directory; relative to it. */
struct cage_seatbelt_entry {
    char *path;
    char *content; /* of the file, or NULL */
    char *target;  /* of the symlink, or NULL */
};

struct cage_seatbelt_job {
    struct cage_seatbelt_input input;
    struct cage_strv argv, env; /* the plan's, with the session's directories in them */
    char *cwd;
    struct cage_seatbelt_entry *entries; /* parents before what is below them */
    size_t n_entries;
    struct cage_strv warnings;
};

/* Directories of a session, below its own. */
#define CAGE_SESSION_HOME "home"
#define CAGE_SESSION_TMP "tmp"
#define CAGE_SESSION_RUN "run"

/*
 * Makes the job of a plan. Fails like cage_seatbelt_resolve() where a path of the plan cannot be examined,
 * and with CAGE_ERR_CONFIG where the configuration asks for ports that the profile cannot open.
 */
int cage_seatbelt_job_make(struct cage_seatbelt_job *job, const struct cage_plan *plan,
                           const struct cage_host *host, const struct cage_seatbelt_session *session,
                           struct cage_error *err) CAGE_MUST_CHECK;

/* finish() accepts a zeroed one. */
void cage_seatbelt_job_finish(struct cage_seatbelt_job *job);

#endif
