/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client's first bytes must be: traffic to an allowed name that names another host is refused. Pure.
 */
#ifndef CAGE_NET_SCREEN_H
#define CAGE_NET_SCREEN_H

#include <stddef.h>
#include <stdint.h>

enum cage_screen {
    CAGE_SCREEN_NONE,   /* anything */
    CAGE_SCREEN_TLS,    /* TLS with this server name */
    CAGE_SCREEN_HTTP,   /* a plain HTTP request to this host */
    CAGE_SCREEN_IF_TLS, /* anything, but TLS only with this server name or none */
};

/* What is asked of connections to a name at this port. */
enum cage_screen cage_screen_of_port(uint16_t port);

/*
 * Looks at the n > 0 bytes from the client so far; host: canonical name. 1: they are as they must be; 0: more
 * are needed; -1: they are not, and *reason (static) says why.
 */
int cage_screen_check(enum cage_screen screen, const char *host, const uint8_t *data, size_t n,
                      const char **reason);

#endif
