/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names to addresses as this host sees them: /etc/hosts and the name servers of resolv.conf by libevent's
 * resolver; where that has no answer (long answers that need TCP, names that only a module of
 * nsswitch.conf(5) knows) getaddrinfo(3) in nixcage-nss. Answers are kept for a short while, so that a
 * client's many connections ask once.
 */
#ifndef CAGE_NET_RESOLVE_H
#define CAGE_NET_RESOLVE_H

#include "base/error.h"
#include "net/addr.h"

struct event_base;
struct cage_resolver;
struct cage_lookup;

enum { CAGE_RESOLVE_MAX_ADDRS = 8 };

#define CAGE_RESOLVE_CONF "/etc/resolv.conf"

/* n == 0: no address; reason (static) then says why. addrs is valid during the call. */
typedef void (*cage_lookup_fn)(void *arg, const struct cage_addr *addrs, size_t n, const char *reason);

/* resolv_conf: the file to read instead of CAGE_RESOLVE_CONF, or NULL; the string stays the caller's. */
struct cage_resolver *cage_resolver_new(struct event_base *base, const char *resolv_conf);

/* Ends all look-ups without calling back. resolver may be NULL. */
void cage_resolver_free(struct cage_resolver *resolver);

/*
 * Looks the name up and calls fn from the loop, never before this returns. Returns a handle for
 * cage_lookup_cancel(), which is gone once fn was called.
 */
struct cage_lookup *cage_resolver_lookup(struct cage_resolver *resolver, const char *name, cage_lookup_fn fn,
                                         void *arg);

/* The look-up's function will not be called. lookup may be NULL. */
void cage_lookup_cancel(struct cage_lookup *lookup);

/* Starts a look-up whose answer will be wanted soon. */
void cage_resolver_prefetch(struct cage_resolver *resolver, const char *name);

#endif
