/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/netns.h"

#include "base/mem.h"
#include "net/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Lets only the first packets (SYN without ACK) of TCP connections to addresses outside 127.0.0.0/8 through.
 */
static int make_syn_socket(void)
{
    static struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 11), /* each passes lo twice: count it once */
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 9),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 7, 0), /* a later fragment */
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 16),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 127, 5, 0),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 128),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog filter = {CAGE_LEN(code), code};
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_ll lo = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
    lo.sll_ifindex = (int)if_nametoindex("lo");
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) != 0 ||
                    bind(fd, (struct sockaddr *)&lo, sizeof(lo)) != 0))
        cage_close(&fd);
    return fd >= 0 ? fd : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/*
 * What stays on this machine has no congestion to control. A host's choice like BBR paces each packet by a
 * timer, which costs a quarter of the gate's time; Reno is in every kernel and allowed to everybody.
 * Connections inherit it from their listener (tcp(7), TCP_CONGESTION).
 */
static void use_plain_congestion_control(int fd)
{
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, CAGE_NETLINK_CONGESTION,
                     sizeof(CAGE_NETLINK_CONGESTION) - 1);
}

static int make_socket(const struct cage_netns_socket *want)
{
    if (want->kind == CAGE_NETNS_SYNS)
        return make_syn_socket();
    int type = want->kind == CAGE_NETNS_DATAGRAM ? SOCK_DGRAM : SOCK_STREAM, one = 1;
    int fd = socket(want->addr.v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && want->kind != CAGE_NETNS_DATAGRAM)
        use_plain_congestion_control(fd);
    if (fd < 0 || want->kind == CAGE_NETNS_STREAM)
        return fd;
    struct sockaddr_storage sa;
    socklen_t n = cage_addr_to_sockaddr(&want->addr, want->port, &sa);
    bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0;
    if (want->addr.v6)
        ok = ok && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) == 0;
    ok = ok && bind(fd, (struct sockaddr *)&sa, n) == 0;
    if (ok && want->kind == CAGE_NETNS_LISTEN)
        ok = listen(fd, SOMAXCONN) == 0;
    if (!ok)
        cage_close(&fd);
    return fd;
}

/* In the child: everything the request asks for. */
static int carry_out(const struct cage_ns *ns, const struct cage_netns_request *request, int *fds,
                     struct cage_error *err)
{
    if (cage_ns_enter(ns) != 0)
        return cage_error_sys(err, errno, "cannot enter the network namespace of the cage");
    if (request->loopback_up && cage_netlink_loopback_up(err) != 0)
        return -1;
    for (size_t i = 0; i < request->n_routes; i++) {
        if (cage_netlink_add_local(&request->routes[i].addr, request->routes[i].bits, err) != 0)
            return -1;
    }
    for (size_t i = 0; i < request->n_sockets; i++) {
        fds[i] = make_socket(&request->sockets[i]);
        if (fds[i] < 0)
            return cage_error_sys(err, errno, "cannot open port %u in the cage", request->sockets[i].port);
    }
    return 0;
}

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(CAGE_NETNS_MAX_SOCKETS * sizeof(int))];
};

/* One datagram: the error (code 0: none) with the descriptors. */
static bool send_result(int sock, const struct cage_error *err, const int *fds, size_t n)
{
    union control control = {0};
    struct iovec iov = {(void *)(uintptr_t)err, sizeof(*err)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (n > 0) {
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
        struct cmsghdr *head = &control.align; /* CMSG_FIRSTHDR() */
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(head), fds, n * sizeof(int));
    }
    return sendmsg(sock, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(*err);
}

_Noreturn static void child_main(int sock, const struct cage_ns *ns, const struct cage_netns_request *request)
{
    int fds[CAGE_NETNS_MAX_SOCKETS];
    struct cage_error err = {0};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int result = carry_out(ns, request, fds, &err);
    _exit(send_result(sock, &err, fds, result == 0 ? request->n_sockets : 0) ? 0 : 1);
}

static int receive(int sock, size_t n, int *fds, struct cage_error *err)
{
    union control control;
    struct cage_error theirs = {0};
    struct iovec iov = {&theirs, sizeof(theirs)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control};
    msg.msg_controllen = sizeof(control);
    ssize_t got;
    do
        got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(theirs)) {
        cage_error_set(err, CAGE_ERR_CAGE, "the helper in the cage's network namespace ended early");
        return cage_error_hint(err, "run it again; when it stays so, report it with what was printed above");
    }
    if (theirs.code != CAGE_ERR_NONE) {
        *err = theirs;
        return -1;
    }
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    if (n == 0)
        return 0;
    if (!head || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(n * sizeof(int))) {
        cage_error_set(err, CAGE_ERR_CAGE, "cannot receive the sockets of the cage: too many open files?");
        return cage_error_hint(err, "raise the limit of open files: ulimit -n 4096");
    }
    memcpy(fds, CMSG_DATA(head), n * sizeof(int));
    return 0;
}

int cage_netns_make(const struct cage_ns *ns, const struct cage_netns_request *request, int *fds,
                    struct cage_error *err)
{
    int pair[2];
    if (request->n_sockets > CAGE_NETNS_MAX_SOCKETS) {
        cage_error_set(err, CAGE_ERR_CONFIG, "too many different ports for the cage's network");
        return cage_error_hint(err, "take some out of expose, host_ports or hosts");
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return cage_error_sys(err, errno, "cannot make a socket pair");
    pid_t child = fork();
    if (child == 0)
        child_main(pair[1], ns, request);
    int fork_errno = errno;
    cage_close(&pair[1]);
    int result;
    if (child < 0)
        result = cage_error_sys(err, fork_errno, "cannot start a process");
    else
        result = receive(pair[0], request->n_sockets, fds, err);
    cage_close(&pair[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    return result;
}
