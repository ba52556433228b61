/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Judges addresses that an allowed name resolved to. A name is under someone else's control: without this its
 * owner could point it at the host's own services, the local link or the cloud's metadata. Pure.
 */
#ifndef CAGE_NET_JUDGE_H
#define CAGE_NET_JUDGE_H

#include "net/addr.h"

#include <stdbool.h>

/* 127.0.0.0/8 and ::1, in any spelling. */
bool cage_judge_is_loopback(const struct cage_addr *addr);

/* Unspecified, multicast, broadcast and reserved addresses, in any spelling: never one host. */
bool cage_judge_is_never_host(const struct cage_addr *addr);

/* Whether an IPv6 address is only a spelling of an IPv4 one (mapped, compatible, translated: RFC 4291, 2765).
 */
bool cage_judge_unmap(const struct cage_addr *addr, struct cage_addr *v4);

/* The most IPv4 addresses that one IPv6 address can carry. */
enum { CAGE_JUDGE_EMBEDDED = 4 };

/*
 * The IPv4 addresses that traffic to this IPv6 address may end up at: mapped, compatible, translated, NAT64
 * (RFC 6052, 8215), 6to4 (RFC 3056), Teredo server and client (RFC 4380), ISATAP (RFC 5214). Returns how
 * many.
 */
int cage_judge_embedded(const struct cage_addr *addr, struct cage_addr out[CAGE_JUDGE_EMBEDDED]);

/* Whether the host itself has the address. arg is the caller's. */
typedef bool (*cage_judge_is_own_fn)(void *arg, const struct cage_addr *addr);

/*
 * Why a name must not lead to this address ("loopback address", "link-local address", …: static), or NULL
 * when it may.
 */
const char *cage_judge_address(const struct cage_addr *addr, cage_judge_is_own_fn is_own, void *arg);

#endif
