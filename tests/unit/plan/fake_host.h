/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine described by text, for tests of what is pure. One line each:
 *
 *   os linux|macos | home PATH | cwd PATH | user NAME UID GID | landlock ABI | env NAME=VALUE
 *   d PATH [uid=N] [mode=OCTAL]          directory; missing parents are made, root's, 0755
 *   f PATH [uid=N] [mode=OCTAL] [nlink=N] [text=REST OF LINE, \n is a newline]
 *   l PATH TARGET [uid=N]                symlink
 *   s PATH [uid=N]                       socket
 *   x PATH                               cannot be examined (EACCES)
 *   a PATH PATH2                         the same object under a second name (a bind mount of the host's)
 *
 * Below /home/NAME the default owner is the user. Inode numbers are the order of the lines.
 */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include "host/host.h"

/* Makes a host of the text; asserts on a line that it does not understand. */
void fake_host_init(struct cage_host *host, const char *text);

/* Reads the description DIR/NAME.host and then `more` (NULL: nothing). */
void fake_host_load(struct cage_host *host, const char *dir, const char *name, const char *more);
void fake_host_finish(struct cage_host *host);

#endif
