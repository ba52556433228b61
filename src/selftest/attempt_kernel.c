/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attempts on namespaces, mounts and the odd corners of the kernel. */
#include "attempt.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/quota.h>
#include <sys/time.h>

#define NEWUSER 0x10000000UL

static int unshare_user(void)
{
    return CALL(unshare(NEWUSER));
}
static int unshare_mount(void)
{
    return CALL(unshare(NEWUSER | CLONE_NEWNS));
}
static int unshare_pid(void)
{
    return CALL(unshare(NEWUSER | CLONE_NEWPID));
}
static int unshare_net(void)
{
    return CALL(unshare(NEWUSER | CLONE_NEWNET));
}
static int unshare_ipc(void)
{
    return CALL(unshare(NEWUSER | CLONE_NEWIPC));
}
static int unshare_uts(void)
{
    return CALL(unshare(NEWUSER | CLONE_NEWUTS));
}
static int unshare_cgroup(void)
{
    return CALL(unshare(NEWUSER | CLONE_NEWCGROUP));
}
static int unshare_time(void)
{
    return CALL(unshare((int)NEWUSER | 0x80));
}

static int after_clone(long pid)
{
    if (pid == 0)
        _exit(0);
    return pid < 0 ? errno : 0;
}
static int clone_user(void)
{
    return after_clone(syscall(SYS_clone, NEWUSER | SIGCHLD, 0, 0, 0, 0));
}
static int clone_net(void)
{
    return after_clone(syscall(SYS_clone, NEWUSER | CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0));
}
static int clone3_user(void)
{
    uint64_t args[8] = {NEWUSER, 0, 0, 0, SIGCHLD};
    return after_clone(syscall(SYS_clone3, args, sizeof args));
}
static int enter_namespace(void)
{
    int fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? errno : SYS_CALL(SYS_setns, fd, 0); /* outside: EINVAL, it is our own */
}

/* With all the power over mounts that can be had. */
static void gain_mounts(void)
{
    if (unshare(NEWUSER | CLONE_NEWNS) == 0)
        (void)!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    else if (!attempt_goal.inside)
        _exit(EPERM); /* the control of root must not change the machine's own mounts */
}
static int mount_tmpfs(void)
{
    gain_mounts();
    return CALL(mount("x", "/tmp", "tmpfs", 0, NULL));
}
static int mount_bind(void)
{
    gain_mounts();
    return CALL(mount("/dev", "/tmp", NULL, MS_BIND | MS_REC, NULL));
}
static int mount_proc(void)
{
    gain_mounts();
    return CALL(mount("proc", "/no/such/place", "proc", 0, NULL));
}
static int unmount(void)
{
    gain_mounts();
    (void)!mount("x", "/tmp", "tmpfs", 0, NULL);
    return CALL(umount2("/tmp", 0));
}
static int pivot(void)
{
    gain_mounts();
    return SYS_CALL(SYS_pivot_root, "/tmp", "/tmp");
}
static int change_root(void)
{
    gain_mounts();
    return CALL(chroot("/"));
}
static int clone_tree(void)
{
    gain_mounts();
    return SYS_CALL(SYS_open_tree, AT_FDCWD, "/", 1);
}
static int move_tree(void)
{
    gain_mounts();
    return SYS_CALL(SYS_move_mount, -1, "", -1, "", 4);
}
static int open_fs(void)
{
    gain_mounts();
    return SYS_CALL(SYS_fsopen, "tmpfs", 0);
}
static int configure_fs(void)
{
    return SYS_CALL(SYS_fsconfig, -1, 6, NULL, NULL, 0);
}
static int mount_fs(void)
{
    gain_mounts();
    return SYS_CALL(SYS_fsmount, -1, 0, 0);
}
static int pick_fs(void)
{
    gain_mounts();
    return SYS_CALL(SYS_fspick, AT_FDCWD, "/no/such/place", 0);
}
static int set_mount(void)
{
    uint64_t attr[4] = {0, 0, 0, 0};
    gain_mounts();
    return SYS_CALL(SYS_mount_setattr, AT_FDCWD, "/", 0, attr, sizeof attr);
}
static int by_handle(void)
{
    /* Not every file system has handles: an overlay has none. */
    static const char *const places[] = {"/usr", "/tmp", "/dev/shm", "."};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct {
            struct file_handle head;
            char room[128];
        } handle = {.head = {.handle_bytes = 128}};
        int id, fd = open(places[i], O_RDONLY | O_DIRECTORY);
        if (fd >= 0 && name_to_handle_at(fd, "", &handle.head, &id, AT_EMPTY_PATH) == 0)
            return CALL(open_by_handle_at(fd, &handle.head, O_RDONLY));
    }
    return ENOTSUP;
}

static int add_key(void)
{
    return SYS_CALL(SYS_add_key, "user", "nixcage-attempt", "x", 1, -2 /* process */);
}
static int read_keyring(void)
{
    return SYS_CALL(SYS_keyctl, 0, -4 /* user's */, 1);
}
static int request_key(void)
{
    return SYS_CALL(SYS_request_key, "user", "no-such-key", NULL, 0);
}

static int bpf(void)
{
    uint64_t attr[16] = {0};
    return SYS_CALL(SYS_bpf, 999, attr, sizeof attr);
}
static int perf(void)
{
    uint64_t attr[16] = {1 | 128ULL << 32 /* software, size */, 0};
    attr[5] = 1ULL << 5 | 1ULL << 6; /* exclude_kernel, exclude_hv */
    return SYS_CALL(SYS_perf_event_open, attr, 0, -1, -1, 0);
}
static int userfault(void)
{
    return SYS_CALL(SYS_userfaultfd, 1 /* user mode only */);
}
static int uring_setup(void)
{
    char params[120] = {0};
    return SYS_CALL(SYS_io_uring_setup, 1, params);
}
static int uring_enter(void)
{
    return SYS_CALL(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0);
}
static int uring_register(void)
{
    return SYS_CALL(SYS_io_uring_register, -1, 0, NULL, 0);
}
static int load_module(void)
{
    return SYS_CALL(SYS_finit_module, -1, "", 0);
}
static int load_kernel(void)
{
    return SYS_CALL(SYS_kexec_load, 0, 9999, NULL, 0);
}
static int restart(void)
{
    return SYS_CALL(SYS_reboot, 0, 0, 0, 0);
}
static int kernel_log(void)
{
    return SYS_CALL(SYS_syslog, 10, NULL, 0);
}
static int set_time(void)
{
    struct timeval bad = {0, 2000000};
    return SYS_CALL(SYS_settimeofday, &bad, NULL);
}
static int set_clock(void)
{
    struct timespec bad = {0, 2000000000};
    return SYS_CALL(SYS_clock_settime, 0, &bad);
}
static int watch_all(void)
{
    return SYS_CALL(SYS_fanotify_init, 0x200, 0);
}
static int exec_stacks(void)
{
    return SYS_CALL(SYS_personality, 0x400000);
}
static int accounting(void)
{
    return SYS_CALL(SYS_acct, "/no/such/file");
}
static int swap(void)
{
    return SYS_CALL(SYS_swapon, "/no/such/file", 0);
}
static int quota(void)
{
    return CALL(quotactl(QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL));
}
#ifdef __x86_64__
static int io_level(void)
{
    return SYS_CALL(SYS_iopl, 0);
}
static int io_ports(void)
{
    return SYS_CALL(SYS_ioperm, 0, 1, 0);
}
static int read_ldt(void)
{
    char buf[16];
    return SYS_CALL(SYS_modify_ldt, 0, buf, sizeof buf);
}
static int x32_call(void)
{
    return SYS_CALL(0x40000000 + SYS_getpid);
}
static int i386_call(void)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20 /* getpid */) : "r8", "r9", "r10", "r11", "memory");
    return (int)result < 0 ? -(int)result : 0;
}
#endif

static const struct attempt rows[] = {
    {"unshare user", unshare_user, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"unshare user and mount", unshare_mount, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"unshare user and pid", unshare_pid, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"unshare user and net", unshare_net, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"unshare user and ipc", unshare_ipc, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"unshare user and uts", unshare_uts, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"unshare user and cgroup", unshare_cgroup, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"unshare user and time", unshare_time, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"clone user", clone_user, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"clone user and net", clone_net, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"clone3 user", clone3_user, EVERYWHERE, {ENOSYS}, NESTED, NULL},
    {"setns", enter_namespace, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"mount tmpfs", mount_tmpfs, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"mount bind", mount_bind, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"mount proc", mount_proc, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"umount", unmount, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"pivot_root", pivot, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"chroot", change_root, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"open_tree", clone_tree, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"move_mount", move_tree, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"fsopen", open_fs, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"fsconfig", configure_fs, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"fsmount", mount_fs, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"fspick", pick_fs, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"mount_setattr", set_mount, EVERYWHERE, {EPERM}, NESTED, NULL},
    {"open_by_handle_at", by_handle, AS_ROOT, {EPERM}, NESTED, NULL},
    {"add_key", add_key, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"keyctl", read_keyring, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"request_key", request_key, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"bpf", bpf, AS_ROOT, {EPERM}, ALWAYS, NULL},
    {"perf_event_open", perf, AS_ROOT, {EPERM}, ALWAYS, NULL},
    {"userfaultfd", userfault, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"io_uring_setup", uring_setup, WHERE_BUILT, {ENOSYS}, ALWAYS, NULL},
    {"io_uring_enter", uring_enter, WHERE_BUILT, {ENOSYS}, ALWAYS, NULL},
    {"io_uring_register", uring_register, WHERE_BUILT, {ENOSYS}, ALWAYS, NULL},
    {"finit_module", load_module, WHERE_BUILT, {EPERM}, ALWAYS, NULL},
    {"kexec_load", load_kernel, WHERE_BUILT, {EPERM}, ALWAYS, NULL},
    {"reboot", restart, AS_ROOT, {EPERM}, ALWAYS, NULL},
    {"syslog", kernel_log, AS_ROOT, {EPERM}, ALWAYS, NULL},
    {"settimeofday", set_time, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"clock_settime", set_clock, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"fanotify_init", watch_all, WHERE_BUILT, {EPERM}, ALWAYS, NULL},
    {"personality", exec_stacks, EVERYWHERE, {EPERM}, ALWAYS, NULL},
    {"acct", accounting, WHERE_BUILT, {EPERM}, ALWAYS, NULL},
    {"swapon", swap, WHERE_BUILT, {EPERM}, ALWAYS, NULL},
    {"quotactl", quota, WHERE_BUILT, {EPERM}, ALWAYS, NULL},
#ifdef __x86_64__
    {"iopl", io_level, WHERE_BUILT, {EPERM}, ALWAYS, NULL},
    {"ioperm", io_ports, WHERE_BUILT, {EPERM}, ALWAYS, NULL},
    {"modify_ldt", read_ldt, WHERE_BUILT, {EPERM}, ALWAYS, NULL},
    {"a system call of x32", x32_call, WHERE_BUILT, {ENOSYS}, ALWAYS, NULL},
    {"a system call of i386",
     i386_call,
     WHERE_BUILT,
     {ENOSYS, EFAULT /* no such kernel part: SIGSEGV */},
     ALWAYS,
     NULL},
#endif
};

const struct attempt_table attempts_kernel = {rows, sizeof rows / sizeof rows[0]};
