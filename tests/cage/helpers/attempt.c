/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Attempts to get out of a cage or to change it, one row each in the table at the end.
 *
 *     attempt inside|outside PROJECT SOCKET TARGET
 *     attempt serve SOCKET
 *
 * PROJECT is the project directory, SOCKET the name of a listening abstract socket and of a socket file,
 * TARGET a process to reach for (1 in the cage, any other outside). Inside, every attempt must fail with an
 * expected error; outside (the positive control) the same call must do something else: succeed, or fail for
 * another reason further on. Prints one line each and exits 1 when any was not as it must be.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEWUSER 0x10000000UL
#define SYS_CALL(...) (syscall(__VA_ARGS__) < 0 ? errno : 0)
#define CALL(expression) ((expression) < 0 ? errno : 0)

static const char *project, *socket_name;
static pid_t target;

static int open_for_writing(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

    return fd < 0 ? errno : close(fd);
}

static int create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    return fd < 0 ? errno : unlink(path);
}

static int read_file(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

    if (fd < 0)
        return errno;
    rc = read(fd, &byte, 1) < 0 ? errno : 0;
    close(fd);
    return rc;
}

static const char *in_project(const char *name)
{
    static char buf[2][4096];
    static int turn;

    turn = !turn;
    snprintf(buf[turn], sizeof buf[turn], "%s/%s", project, name);
    return buf[turn];
}

static const char *of_target(const char *name)
{
    static char buf[64];

    snprintf(buf, sizeof buf, "/proc/%d/%s", (int)target, name);
    return buf;
}

static const char *in_home(const char *name)
{
    static char buf[4096];

    snprintf(buf, sizeof buf, "%s/%s", getenv("HOME") ? getenv("HOME") : "", name);
    return buf;
}

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
    struct {
        struct file_handle head;
        char room[128];
    } handle = {.head = {.handle_bytes = 128}};
    int id;
    if (name_to_handle_at(AT_FDCWD, "/usr", &handle.head, &id, 0) < 0)
        return 0;
    return CALL(open_by_handle_at(AT_FDCWD, &handle.head, O_RDONLY));
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
    return connect_to(socket_name + strspn(socket_name, "/"), 1);
}
static int file_socket(void)
{
    return connect_to(socket_name, 0);
}

static int trace_target(void)
{
    return CALL(ptrace(PTRACE_SEIZE, target, NULL, NULL));
}
static int signal_target(void)
{
    return CALL(kill(target, 0));
}
static int take_fd(void)
{
    int fd = (int)syscall(SYS_pidfd_open, target, 0);
    return fd < 0 ? errno : SYS_CALL(SYS_pidfd_getfd, fd, 1, 0);
}
static int read_target(void)
{
    char byte;
    struct iovec local = {&byte, 1}, remote = {(void *)(uintptr_t)0x1, 1};
    return CALL(process_vm_readv(target, &local, 1, &remote, 1, 0)); /* outside: EFAULT */
}
static int target_memory(void)
{
    return open_for_writing(of_target("mem"));
}
static int target_environment(void)
{
    return read_file(of_target("environ"));
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

static const char *own_file(void)
{
    static char path[] = "/tmp/attempt-XXXXXX";
    int fd = mkstemp(path);
    if (fd >= 0)
        close(fd);
    return path;
}
static int chmod_suid(void)
{
    return CALL(chmod(own_file(), 04755));
}
static int chmod_sgid(void)
{
    return CALL(chmod(own_file(), 02755));
}
static int fchmod_suid(void)
{
    return CALL(fchmod(open(own_file(), O_RDONLY), 06755));
}
static int fchmodat_suid(void)
{
    return SYS_CALL(SYS_fchmodat, AT_FDCWD, own_file(), 04755);
}
static int fchmodat2_suid(void)
{
    return SYS_CALL(452, AT_FDCWD, own_file(), 04755, 0);
}
static int open_suid(void)
{
    return CALL(open("/tmp/attempt-suid", O_CREAT | O_RDWR, 04755));
}
static int creat_suid(void)
{
    return CALL(creat("/tmp/attempt-suid2", 04755));
}
static int tmpfile_suid(void)
{
    return CALL(open("/tmp", O_TMPFILE | O_RDWR, 04755));
}
static int mknod_suid(void)
{
    return CALL(mknod("/tmp/attempt-suid3", S_IFREG | 04755, 0));
}
static int openat2_suid(void)
{
    uint64_t how[3] = {O_CREAT | O_RDWR, 04755, 0};
    return SYS_CALL(437, AT_FDCWD, "/tmp/attempt-suid4", how, sizeof how);
}
static int make_device(void)
{
    return CALL(mknod("/tmp/attempt-device", S_IFCHR | 0666, (1 << 8) | 3));
}

static int write_config(void)
{
    return open_for_writing(in_project("nixcage.toml"));
}
static int write_config_alias(void)
{
    char path[4096];
    snprintf(path, sizeof path, "/proc/self/root%s/nixcage.toml", project);
    return open_for_writing(path);
}
static int replace_config(void)
{
    if (create(in_project("new")) != 0 || close(creat(in_project("new"), 0644)) < 0)
        return errno ? errno : ENOENT;
    return CALL(rename(in_project("new"), in_project("nixcage.toml")));
}
static int truncate_config(void)
{
    return CALL(truncate(in_project("nixcage.toml"), 0));
}
static int chmod_config(void)
{
    return CALL(chmod(in_project("nixcage.toml"), 0600));
}
static int link_config(void)
{
    return CALL(link(in_project("nixcage.toml"), in_project("twin")));
}
static int plant_hook(void)
{
    return create(in_project(".git/hooks/pre-commit"));
}
static int write_git_config(void)
{
    return open_for_writing(in_project(".git/config"));
}
static int move_git(void)
{
    return CALL(rename(in_project(".git"), in_project(".g2")));
}
static int move_hooks(void)
{
    return CALL(rename(in_project(".git/hooks"), in_project("hooks2")));
}
static int plant_own(void)
{
    return create(in_project(".nixcage/planted"));
}
static int move_own(void)
{
    return CALL(rename(in_project(".nixcage"), in_project(".n2")));
}
static int remove_config(void)
{
    return CALL(unlink(in_project("nixcage.toml")));
}
static int read_secret(void)
{
    return read_file(in_home(".ssh/id_test"));
}
static int write_usr(void)
{
    return CALL(access("/usr", W_OK));
}
static int write_root(void)
{
    return CALL(mkdir("/attempt", 0755)) ?: CALL(rmdir("/attempt"));
}
static int core_pattern(void)
{
    return open_for_writing("/proc/sys/kernel/core_pattern");
}
static int hostname_sysctl(void)
{
    return open_for_writing("/proc/sys/kernel/domainname");
}
static int oom_score(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    return fd < 0 ? errno : CALL(write(fd, "-1", 2));
}
static int list_sys(void)
{
    return CALL(open("/sys/kernel", O_RDONLY | O_DIRECTORY));
}
static int kernel_messages(void)
{
    return CALL(open("/dev/kmsg", O_RDONLY | O_NONBLOCK));
}
static int read_shadow(void)
{
    return CALL(access("/etc/shadow", F_OK));
}
static int host_logs(void)
{
    return CALL(access("/var/log", F_OK));
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

/* What the control can show. */
enum control {
    EVERYWHERE,
    AS_ROOT,
    WHERE_BUILT /* the kernel or this machine's root may lack it: nothing to compare */
};

static const struct attempt {
    const char *name;
    int (*run)(void);
    enum control control;
    int expected[4]; /* errno values that mean "blocked" */
} attempts[] = {
    {"type into the terminal", tiocsti, EVERYWHERE, {EPERM}},
    {"type into the terminal, high bits set", tiocsti_high, EVERYWHERE, {EPERM}},
    {"paste into a console", tioclinux, EVERYWHERE, {EPERM}},
    {"load a line discipline", tiocsetd, EVERYWHERE, {EPERM}},
    {"unshare user", unshare_user, EVERYWHERE, {EPERM}},
    {"unshare user and mount", unshare_mount, EVERYWHERE, {EPERM}},
    {"unshare user and pid", unshare_pid, EVERYWHERE, {EPERM}},
    {"unshare user and net", unshare_net, EVERYWHERE, {EPERM}},
    {"unshare user and ipc", unshare_ipc, EVERYWHERE, {EPERM}},
    {"unshare user and uts", unshare_uts, EVERYWHERE, {EPERM}},
    {"unshare user and cgroup", unshare_cgroup, EVERYWHERE, {EPERM}},
    {"unshare user and time", unshare_time, EVERYWHERE, {EPERM}},
    {"clone user", clone_user, EVERYWHERE, {EPERM}},
    {"clone user and net", clone_net, EVERYWHERE, {EPERM}},
    {"clone3 user", clone3_user, EVERYWHERE, {ENOSYS}},
    {"setns", enter_namespace, EVERYWHERE, {EPERM}},
    {"mount tmpfs", mount_tmpfs, EVERYWHERE, {EPERM}},
    {"mount bind", mount_bind, EVERYWHERE, {EPERM}},
    {"mount proc", mount_proc, EVERYWHERE, {EPERM}},
    {"umount", unmount, EVERYWHERE, {EPERM}},
    {"pivot_root", pivot, EVERYWHERE, {EPERM}},
    {"chroot", change_root, EVERYWHERE, {EPERM}},
    {"open_tree", clone_tree, EVERYWHERE, {EPERM}},
    {"move_mount", move_tree, EVERYWHERE, {EPERM}},
    {"fsopen", open_fs, EVERYWHERE, {EPERM}},
    {"fsconfig", configure_fs, EVERYWHERE, {EPERM}},
    {"fsmount", mount_fs, EVERYWHERE, {EPERM}},
    {"fspick", pick_fs, EVERYWHERE, {EPERM}},
    {"mount_setattr", set_mount, EVERYWHERE, {EPERM}},
    {"open_by_handle_at", by_handle, AS_ROOT, {EPERM}},
    {"add_key", add_key, EVERYWHERE, {EPERM}},
    {"keyctl", read_keyring, EVERYWHERE, {EPERM}},
    {"request_key", request_key, EVERYWHERE, {EPERM}},
    {"bpf", bpf, AS_ROOT, {EPERM}},
    {"perf_event_open", perf, AS_ROOT, {EPERM}},
    {"userfaultfd", userfault, EVERYWHERE, {EPERM}},
    {"io_uring_setup", uring_setup, WHERE_BUILT, {ENOSYS}},
    {"io_uring_enter", uring_enter, WHERE_BUILT, {ENOSYS}},
    {"io_uring_register", uring_register, WHERE_BUILT, {ENOSYS}},
    {"finit_module", load_module, WHERE_BUILT, {EPERM}},
    {"kexec_load", load_kernel, WHERE_BUILT, {EPERM}},
    {"reboot", restart, AS_ROOT, {EPERM}},
    {"syslog", kernel_log, AS_ROOT, {EPERM}},
    {"settimeofday", set_time, EVERYWHERE, {EPERM}},
    {"clock_settime", set_clock, EVERYWHERE, {EPERM}},
    {"fanotify_init", watch_all, WHERE_BUILT, {EPERM}},
    {"personality", exec_stacks, EVERYWHERE, {EPERM}},
    {"acct", accounting, WHERE_BUILT, {EPERM}},
    {"swapon", swap, WHERE_BUILT, {EPERM}},
    {"quotactl", quota, WHERE_BUILT, {EPERM}},
#ifdef __x86_64__
    {"iopl", io_level, WHERE_BUILT, {EPERM}},
    {"ioperm", io_ports, WHERE_BUILT, {EPERM}},
    {"modify_ldt", read_ldt, WHERE_BUILT, {EPERM}},
    {"a system call of x32", x32_call, WHERE_BUILT, {ENOSYS}},
    {"a system call of i386", i386_call, WHERE_BUILT, {ENOSYS, EFAULT /* no such kernel part: SIGSEGV */}},
#endif
    {"packet socket", packet, EVERYWHERE, {EAFNOSUPPORT}},
    {"packet socket, high bits set", packet_high, EVERYWHERE, {EAFNOSUPPORT}},
    {"vsock socket", vsock, WHERE_BUILT, {EAFNOSUPPORT}},
    {"alg socket", alg, WHERE_BUILT, {EAFNOSUPPORT}},
    {"bluetooth socket", bluetooth, WHERE_BUILT, {EAFNOSUPPORT}},
    {"key socket", key_socket, WHERE_BUILT, {EAFNOSUPPORT}},
    {"raw socket", raw_icmp, AS_ROOT, {EPERM}},
    {"netlink sock_diag", diag, WHERE_BUILT, {EPROTONOSUPPORT}},
    {"netlink audit", audit, WHERE_BUILT, {EPROTONOSUPPORT}},
    {"netlink generic", generic, EVERYWHERE, {EPROTONOSUPPORT}},
    {"netlink uevent", uevent, EVERYWHERE, {EPROTONOSUPPORT}},
    {"abstract socket of the host", abstract_socket, EVERYWHERE, {EPERM, ECONNREFUSED}},
    {"socket file of the host", file_socket, EVERYWHERE, {ENOENT}},
    {"ptrace process 1", trace_target, EVERYWHERE, {EPERM}},
    {"signal process 1", signal_target, EVERYWHERE, {EPERM}},
    {"take a descriptor of process 1", take_fd, EVERYWHERE, {EPERM}},
    {"read memory of process 1", read_target, EVERYWHERE, {EPERM}},
    {"open memory of process 1", target_memory, EVERYWHERE, {EACCES, EPERM}},
    {"environment of process 1", target_environment, EVERYWHERE, {EACCES, EPERM}},
    {"root of process 1", target_root, EVERYWHERE, {EACCES, EPERM}},
    {"descriptors of process 1", target_fd, EVERYWHERE, {EACCES, EPERM}},
    {"program of process 1", target_exe, EVERYWHERE, {EACCES, EPERM}},
    {"chmod set-uid", chmod_suid, EVERYWHERE, {EPERM}},
    {"chmod set-gid", chmod_sgid, EVERYWHERE, {EPERM}},
    {"fchmod set-uid", fchmod_suid, EVERYWHERE, {EPERM}},
    {"fchmodat set-uid", fchmodat_suid, EVERYWHERE, {EPERM}},
    {"fchmodat2 set-uid", fchmodat2_suid, EVERYWHERE, {EPERM}},
    {"open set-uid", open_suid, EVERYWHERE, {EPERM}},
    {"creat set-uid", creat_suid, EVERYWHERE, {EPERM}},
    {"O_TMPFILE set-uid", tmpfile_suid, EVERYWHERE, {EPERM}},
    {"mknod set-uid", mknod_suid, EVERYWHERE, {EPERM}},
    {"openat2 set-uid", openat2_suid, EVERYWHERE, {ENOSYS}},
    {"make a device", make_device, AS_ROOT, {EPERM}},
    {"write nixcage.toml", write_config, EVERYWHERE, {EROFS, ENOENT}},
    {"write nixcage.toml through /proc/self/root", write_config_alias, EVERYWHERE, {EROFS, ENOENT}},
    {"replace nixcage.toml", replace_config, EVERYWHERE, {EBUSY, EROFS, ENOENT}},
    {"truncate nixcage.toml", truncate_config, EVERYWHERE, {EROFS, ENOENT}},
    {"chmod nixcage.toml", chmod_config, EVERYWHERE, {EROFS, ENOENT}},
    {"hard link to nixcage.toml", link_config, EVERYWHERE, {EXDEV, EROFS, ENOENT}},
    {"plant a git hook", plant_hook, EVERYWHERE, {EROFS, ENOENT}},
    {"write .git/config", write_git_config, EVERYWHERE, {EROFS, ENOENT}},
    {"rename .git/hooks", move_hooks, EVERYWHERE, {EBUSY, EROFS, EXDEV, ENOENT}},
    {"rename .git", move_git, EVERYWHERE, {EBUSY, EROFS, EXDEV, ENOENT}},
    {"plant into .nixcage", plant_own, EVERYWHERE, {EROFS, ENOENT}},
    {"rename .nixcage", move_own, EVERYWHERE, {EBUSY, EROFS, EXDEV, ENOENT}},
    {"remove nixcage.toml", remove_config, EVERYWHERE, {EBUSY, EROFS, ENOENT}},
    {"read a blacklisted file", read_secret, EVERYWHERE, {ENOENT, EACCES}},
    {"write /usr", write_usr, AS_ROOT, {EROFS, EACCES}},
    {"write /", write_root, AS_ROOT, {EROFS, EACCES}},
    {"open core_pattern for writing", core_pattern, AS_ROOT, {EROFS, EACCES}},
    {"open a sysctl for writing", hostname_sysctl, AS_ROOT, {EROFS, EACCES}},
    {"lower the OOM score", oom_score, WHERE_BUILT, {EACCES}},
    {"see /sys", list_sys, EVERYWHERE, {ENOENT}},
    {"open /dev/kmsg", kernel_messages, AS_ROOT, {ENOENT}},
    {"see /etc/shadow", read_shadow, EVERYWHERE, {ENOENT}},
    {"see /var/log", host_logs, EVERYWHERE, {ENOENT}},
    {"gain privileges by exec", new_privileges, EVERYWHERE, {EPERM}},
    {"capabilities in the bounding set", bounding_set, EVERYWHERE, {EPERM}},
    {"a core dump", dump_core, EVERYWHERE, {EPERM}},
    {"raise the core limit", raise_core, AS_ROOT, {EPERM}},
};

/* In a process of its own: an attempt may change or end it. */
static int try(const struct attempt *attempt)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGHUP, SIG_IGN);
        _exit(attempt->run());
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status)             ? WEXITSTATUS(status)
           : WTERMSIG(status) == SIGSEGV ? EFAULT
                                         : 1000 + WTERMSIG(status);
}

/* For the attempts on sockets: listens on the file and on the abstract name until it is killed. */
static int serve(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(name), skip = strspn(name, "/");

    for (int abstract = 0; abstract < 2; abstract++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        memset(address.sun_path, 0, sizeof address.sun_path);
        memcpy(address.sun_path + abstract, name + (abstract ? skip : 0), n - (abstract ? skip : 0));
        if (bind(fd, (struct sockaddr *)&address,
                 (socklen_t)(sizeof address.sun_family + (size_t)abstract + n - (abstract ? skip : 0))) < 0 ||
            listen(fd, 100) < 0)
            return 1;
    }
    puts("ready");
    fflush(stdout);
    pause();
    return 0;
}

static int is_expected(const struct attempt *attempt, int result)
{
    for (size_t i = 0; i < sizeof attempt->expected / sizeof attempt->expected[0]; i++)
        if (result != 0 && attempt->expected[i] == result)
            return 1;
    return 0;
}

static int judge(const struct attempt *attempt, int inside, int result)
{
    int blocked = is_expected(attempt, result);

    if (inside)
        return blocked;
    if (attempt->control == WHERE_BUILT || (attempt->control == AS_ROOT && geteuid() != 0))
        return 1;
    return !blocked;
}

int main(int argc, char **argv)
{
    int inside, bad = 0;

    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    if (argc != 5)
        return 2;
    inside = strcmp(argv[1], "inside") == 0;
    project = argv[2];
    socket_name = argv[3];
    target = (pid_t)atoi(argv[4]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        int result = try(&attempts[i]), good = judge(&attempts[i], inside, result);

        printf("%s: %s: %s\n", good ? "as it must be" : "WRONG", attempts[i].name,
               result == 0     ? "open"
               : result > 1000 ? strsignal(result - 1000)
                               : strerror(result));
        bad += !good;
    }
    printf("%zu attempts, %d wrong\n", sizeof attempts / sizeof attempts[0], bad);
    return bad != 0;
}
