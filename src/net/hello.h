/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server name in the first flight of a TLS client (RFC 8446, 6066). Pure; nothing is decrypted. */
#ifndef CAGE_NET_HELLO_H
#define CAGE_NET_HELLO_H

#include "net/hostname.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most bytes of records that are looked at, and of the ClientHello in them. */
enum { CAGE_HELLO_MAX_BYTES = 24576, CAGE_HELLO_MAX_MESSAGE = 16384 };

enum cage_hello_state {
    CAGE_HELLO_MORE, /* well-formed so far, not complete */
    CAGE_HELLO_DONE,
    CAGE_HELLO_BAD, /* no ClientHello, or one that different readers could understand differently */
};

struct cage_hello {
    enum cage_hello_state state;
    bool has_name; /* DONE: a server name was sent */
    bool ech;      /* DONE: carries an encrypted ClientHello, so name is not what the server may act on */
    char name[CAGE_HOSTNAME_SIZE]; /* canonical */
};

/*
 * Reads the n bytes received so far, from the first one. The message may be split over records in any way. A
 * name that is not a host name, more than one, a repeated extension, bytes after the message in its last
 * record: BAD.
 */
void cage_hello_read(const uint8_t *data, size_t n, struct cage_hello *hello);

#endif
