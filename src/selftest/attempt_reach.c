/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attempts on the terminal, on sockets, on other processes, and on what a process may become. */
#include "attempt.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

/* A terminal of our own that is our controlling terminal: the rule must not depend on whose it is. */
static int on_own_terminal(unsigned long request, const void *argument)
{
    int pty = posix_openpt(O_RDWR | O_NOCTTY), tty;

    if (pty < 0 || grantpt(pty) < 0 || unlockpt(pty) < 0)
        return 0;
    setsid();
    tty = open(ptsname(pty), O_RDWR);
    if (tty < 0)
        return 0;
    return SYS_CALL(SYS_ioctl, tty, request, argument);
}

static int tiocsti(void)
{
    return on_own_terminal(TIOCSTI, "x");
}
static int tiocsti_high(void)
{
    return on_own_terminal(TIOCSTI | 0x100000000UL, "x");
}
static int tioclinux(void)
{
    char code = 3;
    return on_own_terminal(TIOCLINUX, &code);
}
static int tiocsetd(void)
{
    int discipline = 0;
    return on_own_terminal(TIOCSETD, &discipline);
}

static int make_socket(int family, int type, int protocol)
{
    int fd = socket(family, type | SOCK_CLOEXEC, protocol);
    return fd < 0 ? errno : close(fd);
}
static int packet(void)
{
    return make_socket(AF_PACKET, SOCK_RAW, 0);
}
static int packet_high(void)
{
    return SYS_CALL(SYS_socket, 0x100000011UL, SOCK_RAW, 0);
}
static int vsock(void)
{
    return make_socket(AF_VSOCK, SOCK_STREAM, 0);
}
static int alg(void)
{
    return make_socket(AF_ALG, SOCK_SEQPACKET, 0);
}
static int bluetooth(void)
{
    return make_socket(AF_BLUETOOTH, SOCK_RAW, 0);
}
static int key_socket(void)
{
    return make_socket(AF_KEY, SOCK_RAW, 2);
}
static int raw_icmp(void)
{
    return make_socket(AF_INET, SOCK_RAW, 1);
}
static int diag(void)
{
    return make_socket(AF_NETLINK, SOCK_RAW, 4);
}
static int audit(void)
{
    return make_socket(AF_NETLINK, SOCK_RAW, 9);
}
static int generic(void)
{
    return make_socket(AF_NETLINK, SOCK_RAW, 16);
}
static int uevent(void)
{
    return make_socket(AF_NETLINK, SOCK_RAW, 15);
}

static int connect_to(const char *name, int abstract)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t n = strlen(name);

    memcpy(address.sun_path + abstract, name, n);
    return CALL(connect(fd, (struct sockaddr *)&address,
                        (socklen_t)(sizeof address.sun_family + (size_t)abstract + n)));
}
static int abstract_socket(void)
{
    return connect_to(attempt_goal.socket_name + strspn(attempt_goal.socket_name, "/"), 1);
}
static int file_socket(void)
{
    return connect_to(attempt_goal.socket_name, 0);
}

static const char *of_target(const char *name)
{
    static char buf[64];

    snprintf(buf, sizeof buf, "/proc/%d/%s", attempt_goal.target, name);
    return buf;
}

static int trace_target(void)
{
    return CALL(ptrace(PTRACE_SEIZE, attempt_goal.target, NULL, NULL));
}
static int signal_target(void)
{
    return CALL(kill(attempt_goal.target, 0));
}
static int take_fd(void)
{
    int fd = (int)syscall(SYS_pidfd_open, attempt_goal.target, 0);
    return fd < 0 ? errno : SYS_CALL(SYS_pidfd_getfd, fd, 1, 0);
}
static int read_target(void)
{
    char byte;
    struct iovec local = {&byte, 1}, remote = {(void *)(uintptr_t)0x1, 1};
    return CALL(process_vm_readv(attempt_goal.target, &local, 1, &remote, 1, 0)); /* outside: EFAULT */
}
static int target_memory(void)
{
    return attempt_open_for_writing(of_target("mem"));
}
static int target_environment(void)
{
    return attempt_read_file(of_target("environ"));
}
static int target_root(void)
{
    return CALL(open(of_target("root"), O_PATH | O_DIRECTORY));
}
static int target_fd(void)
{
    char buf[64];
    return CALL(readlink(of_target("fd/0"), buf, sizeof buf));
}
static int target_exe(void)
{
    char buf[64];
    return CALL(readlink(of_target("exe"), buf, sizeof buf));
}

static int new_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : 0;
}
static int bounding_set(void)
{
    return prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1 ? 0 : EPERM;
}
static int dump_core(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    return limit.rlim_max > 1 ? 0 : EPERM;
}
static int raise_core(void)
{
    struct rlimit limit = {4096, RLIM_INFINITY};
    return CALL(setrlimit(RLIMIT_CORE, &limit));
}

static const struct attempt rows[] = {
    {"type into the terminal", tiocsti, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"type into the terminal, high bits set", tiocsti_high, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"paste into a console", tioclinux, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"load a line discipline", tiocsetd, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"packet socket", packet, EVERYWHERE, {EAFNOSUPPORT}, ALWAYS, NULL},
    {"packet socket, high bits set", packet_high, EVERYWHERE, {EAFNOSUPPORT}, ALWAYS, NULL},
    {"vsock socket", vsock, WHERE_BUILT, {EAFNOSUPPORT}, ALWAYS, NULL},
    {"alg socket", alg, WHERE_BUILT, {EAFNOSUPPORT}, ALWAYS, NULL},
    {"bluetooth socket", bluetooth, WHERE_BUILT, {EAFNOSUPPORT}, ALWAYS, NULL},
    {"key socket", key_socket, WHERE_BUILT, {EAFNOSUPPORT}, ALWAYS, NULL},
    {"raw socket", raw_icmp, AS_ROOT, {EPERM}, ALWAYS, NULL},
    {"netlink sock_diag", diag, WHERE_BUILT, {EPROTONOSUPPORT}, NESTED, NULL},
    {"netlink audit", audit, WHERE_BUILT, {EPROTONOSUPPORT}, NESTED, NULL},
    {"netlink generic", generic, EVERYWHERE, {EPROTONOSUPPORT}, NESTED, NULL},
    {"netlink uevent", uevent, EVERYWHERE, {EPROTONOSUPPORT}, NESTED, NULL},
    {"abstract socket of the host", abstract_socket, EVERYWHERE, {EPERM, ECONNREFUSED}, ABSTRACT, NULL},
    {"socket file of the host", file_socket, EVERYWHERE, {ENOENT}, SOCKET, NULL},
    {"ptrace process 1", trace_target, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"signal process 1", signal_target, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"take a descriptor of process 1", take_fd, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"read memory of process 1", read_target, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"open memory of process 1", target_memory, EVERYWHERE, {EACCES, EPERM}, ALWAYS, NULL},
    {"environment of process 1", target_environment, EVERYWHERE, {EACCES, EPERM}, ALWAYS, NULL},
    {"root of process 1", target_root, EVERYWHERE, {EACCES, EPERM}, ALWAYS, NULL},
    {"descriptors of process 1", target_fd, EVERYWHERE, {EACCES, EPERM}, ALWAYS, NULL},
    {"program of process 1", target_exe, EVERYWHERE, {EACCES, EPERM}, ALWAYS, NULL},
    {"gain privileges by exec", new_privileges, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"capabilities in the bounding set", bounding_set, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"a core dump", dump_core, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"raise the core limit", raise_core, AS_ROOT, {EPERM}, ALWAYS, NULL},
};

const struct attempt_table attempts_reach = {rows, sizeof rows / sizeof rows[0]};
