/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the gate asks of netlink.h, on macOS: the addresses of the interfaces by getifaddrs(3). */
#include "net/netlink.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>

/* The list needs no socket; the callers keep one. */
int cage_netlink_open(struct cage_error *err)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? cage_error_sys(err, errno, "cannot open a socket") : fd;
}

static bool is_this(const struct sockaddr *sa, const struct cage_addr *addr)
{
    struct cage_addr own;
    return sa && cage_addr_from_sockaddr(sa, &own, NULL) && cage_addr_equal(&own, addr);
}

bool cage_netlink_is_own(int fd, const struct cage_addr *addr)
{
    struct ifaddrs *list;
    bool own = false;
    (void)fd;
    if (getifaddrs(&list) != 0)
        return true;
    for (const struct ifaddrs *i = list; i && !own; i = i->ifa_next) {
        own = is_this(i->ifa_addr, addr);
        if (!own && (i->ifa_flags & IFF_BROADCAST))
            own = is_this(i->ifa_broadaddr, addr);
    }
    freeifaddrs(list);
    return own;
}
