/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The user's terminal is lent to the command; this remembers how it was and puts it back. */
#ifndef CAGE_RUN_TERMINAL_H
#define CAGE_RUN_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

struct cage_terminal {
    int fd; /* the controlling terminal; -1: there is none */
    struct termios modes;
    bool foreground; /* this process group had the terminal when we were started or last continued */
    int flags[3];    /* fcntl(2) file status flags of 0-2 where they are terminals; -1: not */
};

/* Remembers modes, foreground group and file status flags. Needs no finish if there is no terminal. */
void cage_terminal_save(struct cage_terminal *terminal);

/*
 * Puts back what the command changed. ended: every process of the cage is gone; then a foreground group that
 * still has members is somebody else's (the user's shell) and left alone. SIGTTOU must be blocked
 * (tcsetpgrp(3)).
 */
void cage_terminal_restore(const struct cage_terminal *terminal, bool ended);

/* After a stop: notes whether the terminal was given back to us (fg) or not (bg). */
void cage_terminal_continued(struct cage_terminal *terminal);
/* Closes it; changes nothing about the terminal. */
void cage_terminal_finish(struct cage_terminal *terminal);

#endif
