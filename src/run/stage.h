/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mounting ahead of bwrap. bwrap before 0.13 reads all of /proc/self/mountinfo again for every bind it makes,
 * so a cage of 300 binds took 130 ms here; and bwrap takes no more than 9000 arguments. Plans with many binds
 * are therefore laid out in a mount namespace of our own first, by open_tree(2) and move_mount(2), and handed
 * to bwrap as one recursive bind of the whole root. What bwrap then adds (/proc, /dev, its namespaces, the
 * seal) stays the same.
 */
#ifndef CAGE_RUN_STAGE_H
#define CAGE_RUN_STAGE_H

#include "base/error.h"
#include "plan/plan.h"

#include <stdbool.h>

/* Where the root is laid out: any directory that is on every Linux and that bwrap does not need. */
#define CAGE_STAGE_DIR "/sys"

/* Whether the plan has so many binds that staging pays. */
bool cage_stage_wanted(const struct cage_plan *plan);

/*
 * Fills *rest with what is left for bwrap once the plan is staged: the bind of CAGE_STAGE_DIR on "/", /proc,
 * /dev and the operations below those, and the seals. It shares nothing with plan; cage_plan_finish() it.
 */
void cage_stage_rest(const struct cage_plan *plan, struct cage_plan *rest);

/*
 * To be called in the forked child that will become bwrap, and nowhere else: enters a user and a mount
 * namespace of its own (user_namespaces(7); uid and gid mapped to themselves) and carries out all the
 * operations that cage_stage_rest() leaves out. A source is opened once and compared with the plan's device
 * and inode before it is mounted.
 */
int cage_stage_enter(const struct cage_plan *plan, struct cage_error *err) CAGE_MUST_CHECK;

#endif
