/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host of a first HTTP/1 request (RFC 9110, 9112). Pure. */
#ifndef CAGE_NET_HTTPHEAD_H
#define CAGE_NET_HTTPHEAD_H

#include "net/hostname.h"

#include <stddef.h>
#include <stdint.h>

enum { CAGE_HTTPHEAD_MAX = 32768 };

enum cage_httphead_state {
    CAGE_HTTPHEAD_MORE, /* well-formed so far, the empty line is still to come */
    CAGE_HTTPHEAD_DONE,
    CAGE_HTTPHEAD_BAD, /* no request, or one that different readers could understand differently */
};

struct cage_httphead {
    enum cage_httphead_state state;
    char host[CAGE_HOSTNAME_SIZE]; /* DONE: canonical, without the port */
    uint16_t port;                 /* DONE: 0 when none was given */
};

/*
 * Reads the n bytes received so far. Lines end with CR LF only; exactly one Host; a target in absolute form
 * must name the same host; CONNECT, folded lines, spaces before the colon, control characters and HTTP/2:
 * BAD.
 */
void cage_httphead_read(const char *data, size_t n, struct cage_httphead *head);

#endif
