/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which operation of a plan made what is at a path in the cage. Pure. */
#ifndef CAGE_TRACE_WHERE_H
#define CAGE_TRACE_WHERE_H

#include "plan/plan.h"

struct cage_where {
    const struct cage_op *op; /* NULL: the empty root */
    char *path;               /* in the cage, symlinks that the plan makes followed */
    char *host;               /* where that is on the host; NULL: nowhere */
    bool writable;
};

/* Fills *where for an absolute clean path; cage_where_finish() frees. */
void cage_where_find(const struct cage_plan *plan, const char *path, struct cage_where *where);
/* Frees what it owns; accepts a zeroed one. */
void cage_where_finish(struct cage_where *where);

/* Whether a file of the host (absolute, physical) can be written, or replaced, from the cage. */
bool cage_where_host_writable(const struct cage_plan *plan, const char *host_path);

#endif
