/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The little of rtnetlink(7) that the gate needs, for the network namespace of the calling process. */
#ifndef CAGE_NET_NETLINK_H
#define CAGE_NET_NETLINK_H

#include "base/error.h"
#include "net/addr.h"

/* Sets the loopback interface up (netdevice(7), SIOCSIFFLAGS); up already is fine. */
int cage_netlink_loopback_up(struct cage_error *err) CAGE_MUST_CHECK;

/* The congestion control of connections that never leave this machine. */
#define CAGE_NETLINK_CONGESTION "reno"

/*
 * Makes addr/bits addresses of this namespace: a route of type RTN_LOCAL on lo, whose connections use
 * CAGE_NETLINK_CONGESTION at both ends. There already is fine.
 */
int cage_netlink_add_local(const struct cage_addr *addr, int bits, struct cage_error *err) CAGE_MUST_CHECK;

/* A socket for cage_netlink_is_own(), close-on-exec, or -1. */
int cage_netlink_open(struct cage_error *err) CAGE_MUST_CHECK;

/*
 * Whether packets to addr would be delivered on this machine itself, as the kernel's own look-up has it:
 * every address of every interface, broadcast addresses and local routes. An answer that cannot be understood
 * counts as yes.
 */
bool cage_netlink_is_own(int fd, const struct cage_addr *addr);

#endif
