/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IP addresses by value. */
#ifndef CAGE_NET_ADDR_H
#define CAGE_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct cage_addr {
    bool v6;
    uint8_t bytes[16]; /* network order; an IPv4 address uses the first four, the rest is zero */
};

enum { CAGE_ADDR_TEXT = INET6_ADDRSTRLEN };

/* Reads "192.0.2.1" (four decimal numbers, nothing else) or "2001:db8::1", without brackets or zone. */
bool cage_addr_parse(const char *text, struct cage_addr *addr);

/* The address as text; IPv6 as RFC 5952, without brackets. Returns text. */
const char *cage_addr_format(const struct cage_addr *addr, char text[CAGE_ADDR_TEXT]);

/* An IPv4 address from its 32 bits in host order. */
struct cage_addr cage_addr_v4(uint32_t bits);

/* The 32 bits of an IPv4 address in host order. */
uint32_t cage_addr_bits(const struct cage_addr *addr);

/* Whether both are the same address of the same family; 1.2.3.4 and ::ffff:1.2.3.4 are not. */
bool cage_addr_equal(const struct cage_addr *a, const struct cage_addr *b);

/* From a socket address: false for another family; an IPv4-mapped one becomes IPv4; port may be NULL. */
bool cage_addr_from_sockaddr(const struct sockaddr *sa, struct cage_addr *addr, uint16_t *port);

/* Fills *out in and returns how many bytes of it are used. */
socklen_t cage_addr_to_sockaddr(const struct cage_addr *addr, uint16_t port, struct sockaddr_storage *out);

#endif
