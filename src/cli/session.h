/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What most commands start from: this machine, the project, its configuration. */
#ifndef CAGE_CLI_SESSION_H
#define CAGE_CLI_SESSION_H

#include "cli/options.h"
#include "config/config.h"
#include "host/host.h"
#include "host/project.h"

struct cage_session {
    struct cage_host host;
    struct cage_project project;
    struct cage_config config;
};

#define CAGE_SESSION_AUTO __attribute__((cleanup(cage_session_finish))) struct cage_session

/* Makes it empty, so that finish() can follow in any case. */
void cage_session_init(struct cage_session *session);
/* Frees what it owns. */
void cage_session_finish(struct cage_session *session);

/*
 * Probes the machine, finds the project (of DIR, of NIXCAGE_ROOT when called as cage or cagerun, else of the
 * current directory) and reads its configuration. With DIR, host.cwd becomes DIR: as if called from there.
 */
int cage_session_open(struct cage_session *session, const struct cage_cli *cli,
                      struct cage_error *err) CAGE_MUST_CHECK;

/* The first two steps of it. */
int cage_session_find(struct cage_session *session, const struct cage_cli *cli,
                      struct cage_error *err) CAGE_MUST_CHECK;

#endif
