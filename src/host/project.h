/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The project directory: found by walking up to the nearest nixcage.toml. */
#ifndef CAGE_HOST_PROJECT_H
#define CAGE_HOST_PROJECT_H

#include "base/error.h"
#include "host/host.h"

struct cage_project {
    char *root;   /* physical absolute path */
    char *config; /* root/nixcage.toml */
    int dirfd;    /* open on root, close-on-exec */
};

/*
 * Finds the project of `start` (NULL: the current directory): the nearest directory at or above it that holds
 * nixcage.toml. Not found: CAGE_ERR_PROJECT "no nixcage.toml found (searched up from …)" with `nixcage init`
 * as hint.
 */
int cage_project_find(struct cage_project *project, const char *start,
                      struct cage_error *err) CAGE_MUST_CHECK;
/* Frees what it owns; accepts a zeroed one. */
void cage_project_finish(struct cage_project *project);

/*
 * Whether a directory may be a project that a cage can write: not the home directory nor one above it, where
 * the start-up files of the user's shell lie. root is physical. Asks only host->lookup.
 */
int cage_project_check_place(const struct cage_host *host, const char *root,
                             struct cage_error *err) CAGE_MUST_CHECK;

#endif
