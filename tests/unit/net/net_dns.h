/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A name server for tests, in the test's own loop on a UDP port of 127.0.0.1, and a resolv.conf that names
 * it. */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct event;

/* What a name is: addresses separated by blanks, after "> other.name" for each alias on the way. */
struct net_dns_name {
    const char *name, *answer;
};

struct net_dns {
    const struct net_dns_name *names;
    size_t n;
    size_t n_queries; /* of type A */
    char conf[64];    /* path of the resolv.conf */
    int fd;
    struct event *event;
};

/* names stays the caller's. A name that is not there does not exist. */
void net_dns_start(struct net_dns *dns, struct event_base *base, const struct net_dns_name *names, size_t n);
void net_dns_finish(struct net_dns *dns);

#endif
