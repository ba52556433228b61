/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a bwrap that died half-way leaves. */
#ifndef CAGE_RUN_LEFTOVER_H
#define CAGE_RUN_LEFTOVER_H

/*
 * Ends every process whose standard error is the pipe that `text` reads from, and waits up to a second for
 * their ends. Nobody but bwrap was given that pipe. Its child waits for a word of bwrap on an eventfd(2) that
 * it holds itself: when bwrap ends before, for ever (bubblewrap.c, child_wait_fd). Only for a bwrap that has
 * ended and whose init was not heard of: it looks at every process of the machine. Without /proc, or without
 * pidfds (Linux 5.3), nothing is ended.
 */
void cage_leftover_end(int text);

#endif
