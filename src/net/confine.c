/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/confine.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#else
#error "the system calls of this architecture were not checked"
#endif

/*
 * Refused with EPERM. What is not here stays, since look-ups run whatever modules nsswitch.conf(5) names.
 * Numbers instead of names: calls that are newer than the C library's headers; the same everywhere.
 */
static const unsigned short refused[] = {
    /* other programs and processes */
    __NR_execveat, /* execve(2) is for nixcage-nss; Landlock knows which file that is */
    __NR_ptrace,
    __NR_process_vm_readv,
    __NR_process_vm_writev,
    __NR_kcmp,
    438 /* pidfd_getfd */,
    440 /* process_madvise */,
    /* mounts and namespaces */
    __NR_mount,
    __NR_umount2,
    __NR_pivot_root,
    __NR_chroot,
    __NR_unshare,
    428 /* open_tree */,
    429 /* move_mount */,
    430 /* fsopen */,
    431 /* fsconfig */,
    432 /* fsmount */,
    433 /* fspick */,
    442 /* mount_setattr */,
    467 /* open_tree_attr */,
    /* parts of the kernel with a history */
    __NR_bpf,
    __NR_perf_event_open,
    __NR_userfaultfd,
    __NR_keyctl,
    __NR_add_key,
    __NR_request_key,
    __NR_io_setup,
    425 /* io_uring_setup */,
    426 /* io_uring_enter */,
    427 /* io_uring_register */,
    __NR_init_module,
    __NR_finit_module,
    __NR_delete_module,
    __NR_kexec_load,
    __NR_reboot,
    __NR_swapon,
    __NR_swapoff,
    __NR_acct,
    __NR_quotactl,
    __NR_syslog,
    __NR_settimeofday,
    __NR_clock_settime,
    __NR_adjtimex,
    __NR_clock_adjtime,
    __NR_personality,
    __NR_vhangup,
    __NR_name_to_handle_at,
    __NR_open_by_handle_at,
    __NR_fanotify_init,
    /* changes to files; Landlock knows nothing of modes, owners and attributes */
    __NR_fchmod,
    __NR_fchmodat,
    452 /* fchmodat2 */,
    __NR_fchown,
    __NR_fchownat,
    __NR_unlinkat,
    __NR_linkat,
    __NR_symlinkat,
    __NR_mkdirat,
    __NR_mknodat,
    __NR_truncate,
    __NR_utimensat,
    __NR_setxattr,
    __NR_lsetxattr,
    __NR_fsetxattr,
    __NR_removexattr,
    __NR_lremovexattr,
    __NR_fremovexattr,
    463 /* setxattrat */,
    466 /* removexattrat */,
    469 /* file_setattr */,
#ifdef __NR_open /* older spellings, where there are any */
    __NR_chmod,
    __NR_chown,
    __NR_lchown,
    __NR_unlink,
    __NR_rmdir,
    __NR_link,
    __NR_symlink,
    __NR_mkdir,
    __NR_mknod,
    __NR_creat,
    __NR_utime,
    __NR_utimes,
    __NR_futimesat,
#endif
};

enum { LAST_KNOWN = 469, MAX_FILTER = 3 * CAGE_LEN(refused) };
enum {
    CLONE_NAMESPACES = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                       CLONE_NEWUTS | CLONE_NEWCGROUP
};

struct filter {
    struct sock_filter code[MAX_FILTER];
    unsigned short n;
};

static void emit(struct filter *filter, unsigned short code, unsigned char yes, unsigned char no, uint32_t k)
{
    filter->code[filter->n++] = (struct sock_filter){code, yes, no, k};
}

static void emit_answer(struct filter *filter, uint32_t error)
{
    emit(filter, BPF_RET | BPF_K, 0, 0, error ? SECCOMP_RET_ERRNO | error : SECCOMP_RET_ALLOW);
}

/* With the number in the accumulator. */
static void emit_refusal(struct filter *filter, uint32_t nr, uint32_t error)
{
    emit(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, nr);
    emit_answer(filter, error);
}

static void emit_load(struct filter *filter, size_t offset)
{
    emit(filter, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* The low half of the first argument: little-endian, and the kernel looks at no more of it. */
static void emit_arguments(struct filter *filter)
{
    static const uint32_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    const unsigned char n = CAGE_LEN(families);
    emit(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, n + 3, __NR_socket);
    emit_load(filter, offsetof(struct seccomp_data, args));
    for (unsigned char i = 0; i < n; i++)
        emit(filter, BPF_JMP | BPF_JEQ | BPF_K, n - i, 0, families[i]);
    emit_answer(filter, EAFNOSUPPORT);
    emit_answer(filter, 0);
    emit(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, __NR_clone);
    emit_load(filter, offsetof(struct seccomp_data, args));
    emit(filter, BPF_JMP | BPF_JSET | BPF_K, 0, 1, CLONE_NAMESPACES);
    emit_answer(filter, EPERM);
    emit_answer(filter, 0);
    /* getrlimit(2) of libraries is this, with process 0: oneself. */
    emit(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, __NR_prlimit64);
    emit_load(filter, offsetof(struct seccomp_data, args));
    emit(filter, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0);
    emit_answer(filter, EPERM);
    emit_answer(filter, 0);
}

static int set_filter(const struct cage_confine_options *options, struct cage_error *err)
{
    struct filter filter = {.n = 0};
    emit_load(&filter, offsetof(struct seccomp_data, arch));
    emit(&filter, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, NATIVE_ARCH);
    emit_answer(&filter, ENOSYS);
    emit_load(&filter, offsetof(struct seccomp_data, nr));
    emit(&filter, BPF_JMP | BPF_JGT | BPF_K, 0, 1, LAST_KNOWN); /* x32 has a high bit */
    emit_answer(&filter, ENOSYS);
    emit_arguments(&filter);
    emit_refusal(&filter, 435 /* clone3 */, ENOSYS); /* its flags cannot be seen; clone(2) is tried then */
    if (!options->enter_cage)
        emit_refusal(&filter, __NR_setns, EPERM);
    for (size_t i = 0; i < CAGE_LEN(refused); i++)
        emit_refusal(&filter, refused[i], EPERM);
    emit_answer(&filter, 0);
    struct sock_fprog program = {filter.n, filter.code};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return cage_error_sys(err, errno, "cannot filter the system calls of the network gate");
    return 0;
}

/* linux/landlock.h, of which building needs no recent copy. */
enum { NR_CREATE_RULESET = 444, NR_ADD_RULE = 445, NR_RESTRICT_SELF = 446 };
enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };
enum {
    FS_EXECUTE = 1 << 0,
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_REMOVE_FILE = 1 << 5
};
enum { FS_MAKE_REG = 1 << 8, NET_BIND_TCP = 1 << 0, SCOPE_ALL = 3 };

struct ruleset_attr {
    uint64_t handled_access_fs, handled_access_net, scoped;
};

struct path_beneath {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

/* What is missing needs no rule. A file has fewer rights than a directory. */
static void allow_beneath(int ruleset, const char *path, uint64_t rights)
{
    struct path_beneath rule = {.allowed_access = rights};
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return;
    (void)syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0);
    (void)close(rule.parent_fd);
}

static void add_rules(int ruleset, const struct cage_confine_options *options)
{
    /* Look-ups: configuration, libraries, sockets of the name service. */
    static const char *const readable[] = {"/etc", "/usr", "/lib", "/lib64", "/nix/store", "/run"};
    enum { READ = FS_READ_FILE | FS_READ_DIR, RECORD = FS_WRITE_FILE | FS_MAKE_REG | FS_REMOVE_FILE };
    /* Where the dynamic loader is, which nixcage-nss is started by. */
    static const char *const loaders[] = {"/usr/lib", "/usr/lib64", "/lib", "/lib64", "/nix/store"};
    for (size_t i = 0; i < CAGE_LEN(readable); i++)
        allow_beneath(ruleset, readable[i], READ);
    for (size_t i = 0; options->program && i < CAGE_LEN(loaders); i++)
        allow_beneath(ruleset, loaders[i], FS_EXECUTE);
    if (options->program)
        allow_beneath(ruleset, options->program, FS_EXECUTE | FS_READ_FILE);
    /* resolv.conf may be a link to anywhere. */
    cage_autofree char *conf = options->conf ? realpath(options->conf, NULL) : NULL;
    char *slash = conf ? strrchr(conf, '/') : NULL;
    if (slash && slash != conf) {
        *slash = '\0';
        allow_beneath(ruleset, conf, READ);
    }
    if (options->write_dir)
        allow_beneath(ruleset, options->write_dir, RECORD);
}

/* The second layer: a kernel without it, or with an older one, gives less. */
static void set_landlock(const struct cage_confine_options *options)
{
    enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_IOCTL = 5, ABI_SCOPE = 6, FIRST_RIGHTS = 13 };
    long abi = syscall(NR_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
    if (abi < 1)
        return;
    int rights = FIRST_RIGHTS + (abi >= ABI_REFER) + (abi >= ABI_TRUNCATE) + (abi >= ABI_IOCTL);
    struct ruleset_attr attr = {
        .handled_access_fs = (1ULL << rights) - 1,
        .handled_access_net = abi >= ABI_NET ? NET_BIND_TCP : 0, /* all listeners are there already */
        .scoped = abi >= ABI_SCOPE ? SCOPE_ALL : 0,
    };
    size_t size = abi >= ABI_SCOPE ? sizeof(attr) : abi >= ABI_NET ? 16 : 8;
    int ruleset = (int)syscall(NR_CREATE_RULESET, &attr, size, 0);
    if (ruleset < 0)
        return;
    add_rules(ruleset, options);
    (void)syscall(NR_RESTRICT_SELF, ruleset, 0);
    cage_close(&ruleset);
}

static int drop_caps(struct cage_error *err)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(__NR_capset, &header, none) != 0)
        return cage_error_sys(err, errno, "cannot drop the capabilities of the network gate");
    return 0;
}

int cage_confine(const struct cage_confine_options *options, struct cage_error *err)
{
    struct rlimit none = {0, 0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
        return cage_error_sys(err, errno, "cannot restrict the network gate");
    set_landlock(options);
    if (!options->keep_caps && drop_caps(err) != 0)
        return -1;
    return set_filter(options, err);
}
