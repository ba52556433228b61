/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Renderers turn a plan into what the platform's sandbox understands. They are pure and compile everywhere;
 * src/run carries the result out.
 */
#ifndef CAGE_BACKEND_BACKEND_H
#define CAGE_BACKEND_BACKEND_H

#include "base/error.h"
#include "base/strv.h"
#include "plan/plan.h"

/* Contents that bwrap reads from a descriptor; "FD:n" in args stands for the number of files[n]. */
struct cage_bwrap_args {
    struct cage_strv args;  /* options only: without argv[0] and without the command */
    struct cage_strv files; /* contents, in order of their placeholders */
};

/*
 * Renders the plan for bwrap `version` (major * 10000 + minor * 100 + patch). init_path is bound at
 * CAGE_INIT_DEST. No input may add an option: all user text is an operand, and operands are absolute paths.
 */
int cage_bwrap_render(const struct cage_plan *plan, int version, const char *init_path,
                      struct cage_bwrap_args *out, struct cage_error *err) CAGE_MUST_CHECK;

/* Frees what is in it; a zeroed or finished one is fine. */
void cage_bwrap_args_finish(struct cage_bwrap_args *args);

/*
 * Appends the command as bash would take it, one option a line; contents are descriptors from 11 on, made
 * by process substitution. Without what only a run has: the system call filter, and what the init is given.
 */
void cage_bwrap_text(const struct cage_bwrap_args *args, const char *bwrap_path, struct cage_strbuf *out);

/* Where the in-cage init is mounted. */
#define CAGE_INIT_DEST "/run/nixcage/init"

#endif
