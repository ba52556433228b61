/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What programs in a cage may not ask of the kernel. The rest is allowed: the cage holds by namespaces,
 * mounts and missing capabilities; this table takes away what reaches around those, and kernel code that
 * ordinary work does not need and attackers do. Constants are kernel ABI and spelled out, so that old headers
 * suffice.
 */
#include "run/seccomp.h"

#include <errno.h>

enum { NOT_WHEN_NESTED, ALSO_NESTED };

#define LOW32 0xffffffffULL

/* include/uapi/linux/sched.h */
#define CLONE_TIME 0x00000080ULL
#define CLONE_MOUNT 0x00020000ULL
#define CLONE_CGROUP 0x02000000ULL
#define CLONE_UTS 0x04000000ULL
#define CLONE_IPC 0x08000000ULL
#define CLONE_USER 0x10000000ULL
#define CLONE_PID 0x20000000ULL
#define CLONE_NET 0x40000000ULL

/* include/uapi/asm-generic/ioctls.h; the same on every architecture Nix runs on */
#define TTY_STI 0x5412ULL
#define TTY_LINUX 0x541CULL
#define TTY_SETD 0x5423ULL

#define SET_USER_ID 04000ULL
#define SET_GROUP_ID 02000ULL
#define OPEN_CREATE 0100ULL
#define OPEN_TMPFILE 020000000ULL

#define SIMPLE(names, when, err, about, why)                                                                 \
    {                                                                                                        \
        .group = (about), .syscalls = (names), .nested = (when), .answer = (err), .reason = (why)            \
    }
#define NEWER(name, nr, when, err, about, why)                                                               \
    {                                                                                                        \
        .group = (about), .syscalls = (name), .number = (nr), .nested = (when), .answer = (err),             \
        .reason = (why)                                                                                      \
    }
#define BITS(names, when, about, why, n, bits)                                                               \
    {                                                                                                        \
        .group = (about), .syscalls = (names), .nested = (when), .answer = EPERM, .reason = (why),           \
        .tests = {                                                                                           \
            {(n), (bits), (bits)}                                                                            \
        }                                                                                                    \
    }
#define IOCTL(number, why)                                                                                   \
    {                                                                                                        \
        .group = "terminal", .syscalls = "ioctl", .nested = ALSO_NESTED, .answer = EPERM, .reason = (why),   \
        .tests = {                                                                                           \
            {1, LOW32, (number)}                                                                             \
        }                                                                                                    \
    }
#define OPEN_MODE(name, flags_arg, flag, mode_arg, bit)                                                      \
    {                                                                                                        \
        .group = "set-uid", .syscalls = (name), .nested = ALSO_NESTED, .answer = EPERM,                      \
        .reason = set_uid_reason, .tests = {                                                                 \
            {(flags_arg), (flag), (flag)},                                                                   \
            {(mode_arg), (bit), (bit)}                                                                       \
        }                                                                                                    \
    }
#define MODE(names, n)                                                                                       \
    BITS(names, ALSO_NESTED, "set-uid", set_uid_reason, n, SET_USER_ID),                                     \
        BITS(names, ALSO_NESTED, "set-uid", set_uid_reason, n, SET_GROUP_ID)
#define OPEN_MODES(name, flags_arg, mode_arg)                                                                \
    OPEN_MODE(name, flags_arg, OPEN_CREATE, mode_arg, SET_USER_ID),                                          \
        OPEN_MODE(name, flags_arg, OPEN_CREATE, mode_arg, SET_GROUP_ID),                                     \
        OPEN_MODE(name, flags_arg, OPEN_TMPFILE, mode_arg, SET_USER_ID),                                     \
        OPEN_MODE(name, flags_arg, OPEN_TMPFILE, mode_arg, SET_GROUP_ID)
#define FCHMODAT2(bit)                                                                                       \
    {                                                                                                        \
        .group = "set-uid", .syscalls = "fchmodat2", .number = 452, .nested = ALSO_NESTED, .answer = EPERM,  \
        .reason = set_uid_reason, .tests = {                                                                 \
            {2, (bit), (bit)}                                                                                \
        }                                                                                                    \
    }
#define NETLINK(bit)                                                                                         \
    {                                                                                                        \
        .group = "sockets", .syscalls = "socket", .nested = NOT_WHEN_NESTED, .answer = EPROTONOSUPPORT,      \
        .reason = "of netlink only NETLINK_ROUTE (addresses, routes) is needed for ordinary work",           \
        .tests = {                                                                                           \
            {0, LOW32, 16},                                                                                  \
            {2, (bit), (bit)}                                                                                \
        }                                                                                                    \
    }
#define NAMESPACE(flag) BITS("clone unshare", NOT_WHEN_NESTED, "namespaces", namespace_reason, 0, flag)

static const char set_uid_reason[] =
    "a set-uid or set-gid file left in the project would run as the user for everybody on the host";
static const char namespace_reason[] = "in a user namespace of its own a program has all capabilities, and "
                                       "with them most of the kernel's bugs in reach";
static const char mount_reason[] = "the cage's mounts are its walls";
static const char keyring_reason[] =
    "keyrings belong to the user, not to a namespace: other programs' keys are in them";
static const char module_reason[] = "changes the kernel of the host";
static const char clock_reason[] = "changes the clock of the host";
static const char uring_reason[] =
    "does file and network operations that this filter cannot see, and has had many exploitable bugs";
static const char attack_surface[] =
    "needs no privilege, has had many exploitable bugs, and ordinary work does not use it";

static const struct cage_seccomp_rule rules[] = {
    IOCTL(TTY_STI,
          "types characters into the user's terminal, which the user's shell would run (CVE-2017-5226)"),
    IOCTL(TTY_LINUX, "pastes into a Linux console (CVE-2023-1523)"),
    IOCTL(TTY_SETD, "loads a line discipline onto the user's terminal"),

    NAMESPACE(CLONE_USER),
    NAMESPACE(CLONE_MOUNT),
    NAMESPACE(CLONE_PID),
    NAMESPACE(CLONE_NET),
    NAMESPACE(CLONE_IPC),
    NAMESPACE(CLONE_UTS),
    NAMESPACE(CLONE_CGROUP),
    BITS("unshare", NOT_WHEN_NESTED, "namespaces", namespace_reason, 0, CLONE_TIME),
    SIMPLE("setns", NOT_WHEN_NESTED, EPERM, "namespaces", namespace_reason),
    SIMPLE("clone3", NOT_WHEN_NESTED, ENOSYS, "namespaces",
           "its flags are in memory, where a filter cannot look; libraries fall back to clone"),

    SIMPLE("mount umount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick "
           "mount_setattr",
           NOT_WHEN_NESTED, EPERM, "mounts", mount_reason),
    NEWER("open_tree_attr", 467, NOT_WHEN_NESTED, EPERM, "mounts", mount_reason),
    SIMPLE("open_by_handle_at", ALSO_NESTED, EPERM, "mounts", "opens files by number, past every mount"),
    SIMPLE("swapon swapoff quotactl quotactl_fd acct", ALSO_NESTED, EPERM, "mounts",
           "administers file systems of the host"),

    SIMPLE("add_key request_key keyctl", ALSO_NESTED, EPERM, "keyrings", keyring_reason),

    SIMPLE("bpf", ALSO_NESTED, EPERM, "kernel", attack_surface),
    SIMPLE("perf_event_open", ALSO_NESTED, EPERM, "kernel", attack_surface),
    SIMPLE("userfaultfd", ALSO_NESTED, EPERM, "kernel", "makes races in the kernel easy to win"),
    SIMPLE("io_uring_setup io_uring_enter io_uring_register", ALSO_NESTED, ENOSYS, "kernel", uring_reason),
    SIMPLE("init_module finit_module delete_module create_module query_module get_kernel_syms kexec_load "
           "kexec_file_load",
           ALSO_NESTED, EPERM, "kernel", module_reason),
    SIMPLE("reboot iopl ioperm vm86 vm86old modify_ldt uselib nfsservctl lookup_dcookie _sysctl sysfs ustat "
           "vhangup "
           "pciconfig_read pciconfig_write pciconfig_iobase",
           ALSO_NESTED, EPERM, "kernel", "administers the machine, or is obsolete"),
    SIMPLE("syslog", ALSO_NESTED, EPERM, "kernel", "reads the host's kernel log"),
    SIMPLE("settimeofday stime clock_settime clock_settime64", ALSO_NESTED, EPERM, "kernel", clock_reason),
    SIMPLE("fanotify_init fanotify_mark", ALSO_NESTED, EPERM, "kernel",
           "watches whole file systems; inotify does what ordinary programs need"),
    {.group = "kernel",
     .syscalls = "personality",
     .nested = ALSO_NESTED,
     .answer = EPERM,
     .reason = "turns mitigations off; asking, PER_LINUX, PER_LINUX32, UNAME26 and ADDR_NO_RANDOMIZE (gdb) "
               "are allowed",
     .only_arg = 0,
     .n_only = 7,
     .only = {0, 0x8, 0x20000, 0x20008, 0x40000, 0x40008, 0xffffffff}},

    {.group = "sockets",
     .syscalls = "socket socketpair",
     .nested = ALSO_NESTED,
     .answer = EAFNOSUPPORT,
     .reason =
         "other families than unix, inet, inet6 and netlink (vsock, packet, bluetooth, alg ...) load rarely "
         "tested kernel code or reach past the network namespace",
     .only_arg = 0,
     .n_only = 4,
     .only = {1, 2, 10, 16}},
    /* Netlink protocols are numbers below 32: one rule for each bit that NETLINK_ROUTE (0) does not have. */
    NETLINK(1),
    NETLINK(2),
    NETLINK(4),
    NETLINK(8),
    NETLINK(16),

    MODE("chmod fchmod creat mknod", 1),
    MODE("fchmodat mknodat", 2),
    FCHMODAT2(SET_USER_ID),
    FCHMODAT2(SET_GROUP_ID),
    OPEN_MODES("open", 1, 2),
    OPEN_MODES("openat", 2, 3),
    SIMPLE("openat2", ALSO_NESTED, ENOSYS, "set-uid",
           "its mode is in memory, where a filter cannot look; programs fall back to openat"),
};

const struct cage_seccomp_rule *cage_seccomp_rules(size_t *n)
{
    *n = sizeof rules / sizeof rules[0];
    return rules;
}
