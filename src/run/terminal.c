/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/terminal.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void cage_terminal_save(struct cage_terminal *terminal)
{
    memset(terminal, 0, sizeof *terminal);
    for (int n = 0; n < 3; n++)
        terminal->flags[n] = isatty(n) ? fcntl(n, F_GETFL) : -1;
    terminal->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (terminal->fd < 0)
        return;
    if (tcgetattr(terminal->fd, &terminal->modes) < 0) {
        cage_close(&terminal->fd);
        return;
    }
    terminal->foreground = tcgetpgrp(terminal->fd) == getpgrp();
}

/* Whether the terminal's foreground group is one that ended: then the command left it behind. */
static bool is_abandoned(pid_t group)
{
    return group <= 0 || (kill(-group, 0) < 0 && errno == ESRCH);
}

/* Takes the terminal back for our group. Returns whether it is ours. */
static bool regain(const struct cage_terminal *terminal, bool ended)
{
    pid_t group = tcgetpgrp(terminal->fd);

    if (group == getpgrp())
        return true;
    if (!terminal->foreground || (ended && !is_abandoned(group)))
        return false;
    return tcsetpgrp(terminal->fd, getpgrp()) == 0;
}

void cage_terminal_continued(struct cage_terminal *terminal)
{
    if (terminal->fd >= 0)
        terminal->foreground = tcgetpgrp(terminal->fd) == getpgrp();
}

void cage_terminal_restore(const struct cage_terminal *terminal, bool ended)
{
    struct termios now;

    for (int n = 0; n < 3; n++)
        if (terminal->flags[n] >= 0 && fcntl(n, F_GETFL) != terminal->flags[n])
            (void)fcntl(n, F_SETFL, terminal->flags[n]);
    if (terminal->fd < 0 || !regain(terminal, ended))
        return;
    /* Not TCSADRAIN: it waits for ever where the output is held (Ctrl-S). Padding that differs costs a call.
     */
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
    if (tcgetattr(terminal->fd, &now) < 0 || memcmp(&now, &terminal->modes, sizeof now) != 0)
        (void)tcsetattr(terminal->fd, TCSANOW, &terminal->modes);
    (void)ioctl(terminal->fd, TIOCNXCL);
    (void)tcflow(terminal->fd, TCOON); /* no key ends what tcflow(3) has stopped */
}

void cage_terminal_finish(struct cage_terminal *terminal)
{
    cage_close(&terminal->fd);
}
