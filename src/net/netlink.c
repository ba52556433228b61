/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/netlink.h"

#include "base/mem.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct message {
    struct nlmsghdr header;
    struct rtmsg route;
    char attributes[128];
};

union reply {
    struct nlmsghdr header; /* for alignment */
    char bytes[8192];
};

static void add_attribute(struct message *message, unsigned short type, const void *data, size_t n)
{
    size_t at = NLMSG_ALIGN(message->header.nlmsg_len) - sizeof(message->header) - sizeof(message->route);
    struct rtattr attribute = {.rta_len = (unsigned short)RTA_LENGTH(n), .rta_type = type};
    memcpy(message->attributes + at, &attribute, sizeof(attribute));
    memcpy(message->attributes + at + RTA_LENGTH(0), data, n);
    message->header.nlmsg_len = NLMSG_ALIGN(message->header.nlmsg_len) + (uint32_t)RTA_ALIGN(RTA_LENGTH(n));
}

static struct message make_message(unsigned short type, unsigned short flags, const struct cage_addr *addr,
                                   int bits)
{
    struct message message = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)), .nlmsg_type = type},
        .route = {.rtm_family = addr->v6 ? AF_INET6 : AF_INET, .rtm_dst_len = (unsigned char)bits},
    };
    message.header.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags);
    add_attribute(&message, RTA_DST, addr->bytes, addr->v6 ? 16 : 4);
    return message;
}

/* Sends and reads one reply. Returns its size or -1 with errno. */
static ssize_t ask(int fd, const struct message *message, union reply *reply)
{
    if (send(fd, message, message->header.nlmsg_len, 0) < 0)
        return -1;
    ssize_t n;
    do
        n = recv(fd, reply, sizeof(*reply), 0);
    while (n < 0 && errno == EINTR);
    if (n >= 0 && !NLMSG_OK(&reply->header, (size_t)n)) {
        errno = EPROTO;
        return -1;
    }
    return n;
}

/* The errno of an NLMSG_ERROR reply (0: an acknowledgement), or -1 for another kind. */
static int reply_error(const union reply *reply)
{
    struct nlmsgerr error;
    if (reply->header.nlmsg_type != NLMSG_ERROR || reply->header.nlmsg_len < NLMSG_LENGTH(sizeof(error)))
        return -1;
    memcpy(&error, reply->bytes + NLMSG_HDRLEN, sizeof(error));
    return -error.error;
}

int cage_netlink_open(struct cage_error *err)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0 || connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) != 0) {
        cage_error_sys(err, errno, "cannot open a route socket");
        cage_close(&fd);
        return -1;
    }
    return fd;
}

int cage_netlink_loopback_up(struct cage_error *err)
{
    cage_autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo"};
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0)
        return cage_error_sys(err, errno, "cannot examine the loopback interface of the cage");
    request.ifr_flags |= IFF_UP;
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
        return cage_error_sys(err, errno, "cannot set the loopback interface of the cage up");
    return 0;
}

int cage_netlink_add_local(const struct cage_addr *addr, int bits, struct cage_error *err)
{
    cage_autofd int fd = cage_netlink_open(err);
    if (fd < 0)
        return -1;
    unsigned int lo = if_nametoindex("lo");
    struct message message = make_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, addr, bits);
    message.route.rtm_table = RT_TABLE_LOCAL;
    message.route.rtm_protocol = RTPROT_STATIC;
    message.route.rtm_scope = RT_SCOPE_HOST;
    message.route.rtm_type = RTN_LOCAL;
    add_attribute(&message, RTA_OIF, &lo, sizeof(lo));
    struct {
        struct rtattr head;
        char name[RTA_ALIGN(sizeof(CAGE_NETLINK_CONGESTION))];
    } metrics = {{RTA_LENGTH(sizeof(CAGE_NETLINK_CONGESTION)), RTAX_CC_ALGO}, CAGE_NETLINK_CONGESTION};
    add_attribute(&message, RTA_METRICS, &metrics, sizeof(metrics));
    union reply reply;
    if (ask(fd, &message, &reply) < 0)
        return cage_error_sys(err, errno, "cannot add a route in the cage");
    int error = reply_error(&reply);
    return error == 0 ? 0 : cage_error_sys(err, error > 0 ? error : EPROTO, "cannot add a route in the cage");
}

bool cage_netlink_is_own(int fd, const struct cage_addr *addr)
{
    struct message message = make_message(RTM_GETROUTE, 0, addr, addr->v6 ? 128 : 32);
    union reply reply;
    struct rtmsg route;
    if (ask(fd, &message, &reply) < 0)
        return true;
    int error = reply_error(&reply);
    if (error > 0) /* no way there: nothing to protect */
        return error != ENETUNREACH && error != EHOSTUNREACH && error != EACCES && error != EINVAL;
    if (reply.header.nlmsg_type != RTM_NEWROUTE || reply.header.nlmsg_len < NLMSG_LENGTH(sizeof(route)))
        return true;
    memcpy(&route, reply.bytes + NLMSG_HDRLEN, sizeof(route));
    return route.rtm_type != RTN_UNICAST;
}
