/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Host names as the gate compares them. There is one parser: rules, DNS questions, TLS server names and HTTP
 * hosts all go through it, so that no two of them can disagree about what a name is.
 */
#ifndef CAGE_NET_HOSTNAME_H
#define CAGE_NET_HOSTNAME_H

#include <stdbool.h>
#include <stddef.h>

/* RFC 1035: 253 characters without the final dot, and the NUL. */
enum { CAGE_HOSTNAME_SIZE = 254 };

/*
 * Puts the canonical form of the n bytes at text into out: lower case, without the final dot. False (and an
 * empty out) when they are not a host name: a label that is empty, longer than 63 bytes or has anything but
 * ASCII letters, digits, "-" (not at its ends) and "_"; more than 253 bytes; a last label that is a number
 * ("127.1", "0x7f000001"), which many programs would take for an IPv4 address. Internationalised names are
 * accepted in their ASCII form (xn--…, RFC 3492) only. Bytes are never skipped: a NUL makes it no name.
 */
bool cage_hostname_parse(const char *text, size_t n, char out[CAGE_HOSTNAME_SIZE]);

/* Whether canonical `name` lies below canonical `parent`, at any depth, but is not parent itself. */
bool cage_hostname_is_below(const char *name, const char *parent);

#endif
