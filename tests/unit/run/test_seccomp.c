/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The filter's decisions, by interpreting the instructions as the kernel does (seccomp(2), classic BPF): no
 * kernel and no privilege needed, and calls that would do harm can be asked about.
 */
#include "base/mem.h"
#include "run/seccomp.h"
#include "tracer/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define NATIVE AUDIT_ARCH_RISCV64
#endif

enum { ALLOW = 0, HIGH = 1 };

static uint32_t jump(const struct sock_filter *f, uint32_t a)
{
    bool yes = false;

    switch (BPF_OP(f->code)) {
    case BPF_JA:
        return f->k;
    case BPF_JEQ:
        yes = a == f->k;
        break;
    case BPF_JGT:
        yes = a > f->k;
        break;
    case BPF_JGE:
        yes = a >= f->k;
        break;
    case BPF_JSET:
        yes = (a & f->k) != 0;
        break;
    default:
        fail_msg("unknown jump %x", f->code);
    }
    return yes ? f->jt : f->jf;
}

/* What a filter of n instructions answers. */
static uint32_t interpret(const struct sock_filter *code, size_t n, const struct seccomp_data *data)
{
    size_t steps = 0;
    uint32_t a = 0;

    for (size_t pc = 0; pc < n; pc++) {
        assert_true(++steps <= n);
        switch (BPF_CLASS(code[pc].code)) {
        case BPF_LD:
            assert_int_equal(code[pc].code, BPF_LD | BPF_W | BPF_ABS);
            assert_true(code[pc].k + 4 <= sizeof *data);
            memcpy(&a, (const char *)data + code[pc].k, 4);
            break;
        case BPF_ALU:
            assert_int_equal(code[pc].code, BPF_ALU | BPF_AND | BPF_K);
            a &= code[pc].k;
            break;
        case BPF_JMP:
            pc += jump(&code[pc], a);
            break;
        case BPF_RET:
            return code[pc].k;
        default:
            fail_msg("unknown instruction %x", code[pc].code);
        }
    }
    fail_msg("ran off the end");
    return 0;
}

/* The errno the filter answers with, 0 for "allowed". */
static int decide(bool nested, const struct seccomp_data *data)
{
    const void *program;
    size_t size;
    uint32_t answer;

    cage_seccomp_bpf(nested, &program, &size);
    answer = interpret(program, size / sizeof(struct sock_filter), data);
    if (answer == SECCOMP_RET_ALLOW)
        return ALLOW;
    assert_int_equal(answer & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
    return (int)(answer & SECCOMP_RET_DATA);
}

/* One row of the decision table. */
struct row {
    const char *what;
    int nr;
    uint64_t args[4];
    int normal, nested;
};

static const struct row rows[] = {
    {"read", SYS_read, {0}, ALLOW, ALLOW},
    {"execve", SYS_execve, {0}, ALLOW, ALLOW},
    {"ptrace", SYS_ptrace, {0}, ALLOW, ALLOW},
    {"process_vm_readv", SYS_process_vm_readv, {0}, ALLOW, ALLOW},
    {"landlock_restrict_self", 446, {0}, ALLOW, ALLOW},
    {"file_setattr", CAGE_SECCOMP_LAST_KNOWN, {0}, ALLOW, ALLOW},
    {"the next call", CAGE_SECCOMP_LAST_KNOWN + 1, {0}, ENOSYS, ENOSYS},
    {"number -1", -1, {0}, ENOSYS, ENOSYS},

    {"TIOCSTI", SYS_ioctl, {0, 0x5412}, EPERM, EPERM},
    {"TIOCSTI, high bits", SYS_ioctl, {0, 0x100005412}, EPERM, EPERM},
    {"TIOCSTI, all high bits", SYS_ioctl, {0, 0xffffffff00005412}, EPERM, EPERM},
    {"TIOCLINUX", SYS_ioctl, {0, 0x541c}, EPERM, EPERM},
    {"TIOCLINUX, high bits", SYS_ioctl, {0, 0x80000000541c}, EPERM, EPERM},
    {"TIOCSETD", SYS_ioctl, {0, 0x5423}, EPERM, EPERM},
    {"TIOCGWINSZ", SYS_ioctl, {0, 0x5413}, ALLOW, ALLOW},
    {"TIOCSPGRP", SYS_ioctl, {0, 0x5410}, ALLOW, ALLOW},

    {"fork", SYS_clone, {17}, ALLOW, ALLOW},
    {"thread", SYS_clone, {0x3d0f00}, ALLOW, ALLOW},
    {"clone NEWUSER", SYS_clone, {0x10000011}, EPERM, ALLOW},
    {"clone NEWNS", SYS_clone, {0x00020011}, EPERM, ALLOW},
    {"clone NEWPID|NEWNET", SYS_clone, {0x60000011}, EPERM, ALLOW},
    {"clone NEWUTS", SYS_clone, {0x04000011}, EPERM, ALLOW},
    {"clone NEWIPC", SYS_clone, {0x08000011}, EPERM, ALLOW},
    {"clone NEWCGROUP", SYS_clone, {0x02000011}, EPERM, ALLOW},
    {"clone3", SYS_clone3, {0}, ENOSYS, ALLOW},
    {"unshare NEWUSER", SYS_unshare, {0x10000000}, EPERM, ALLOW},
    {"unshare NEWTIME", SYS_unshare, {0x80}, EPERM, ALLOW},
    {"unshare FILES", SYS_unshare, {0x400}, ALLOW, ALLOW},
    {"setns", SYS_setns, {3, 0}, EPERM, ALLOW},

    {"mount", SYS_mount, {0}, EPERM, ALLOW},
    {"umount2", SYS_umount2, {0}, EPERM, ALLOW},
    {"pivot_root", SYS_pivot_root, {0}, EPERM, ALLOW},
    {"move_mount", SYS_move_mount, {0}, EPERM, ALLOW},
    {"open_tree", SYS_open_tree, {0}, EPERM, ALLOW},
    {"open_tree_attr", 467, {0}, EPERM, ALLOW},
    {"fsopen", SYS_fsopen, {0}, EPERM, ALLOW},
    {"fsconfig", SYS_fsconfig, {0}, EPERM, ALLOW},
    {"fsmount", SYS_fsmount, {0}, EPERM, ALLOW},
    {"fspick", SYS_fspick, {0}, EPERM, ALLOW},
    {"mount_setattr", SYS_mount_setattr, {0}, EPERM, ALLOW},
    {"open_by_handle_at", SYS_open_by_handle_at, {0}, EPERM, EPERM},
    {"name_to_handle_at", SYS_name_to_handle_at, {0}, ALLOW, ALLOW},

    {"add_key", SYS_add_key, {0}, EPERM, EPERM},
    {"keyctl", SYS_keyctl, {0}, EPERM, EPERM},
    {"request_key", SYS_request_key, {0}, EPERM, EPERM},
    {"bpf", SYS_bpf, {0}, EPERM, EPERM},
    {"perf_event_open", SYS_perf_event_open, {0}, EPERM, EPERM},
    {"userfaultfd", SYS_userfaultfd, {0}, EPERM, EPERM},
    {"io_uring_setup", SYS_io_uring_setup, {0}, ENOSYS, ENOSYS},
    {"io_uring_enter", SYS_io_uring_enter, {0}, ENOSYS, ENOSYS},
    {"io_uring_register", SYS_io_uring_register, {0}, ENOSYS, ENOSYS},
    {"init_module", SYS_init_module, {0}, EPERM, EPERM},
    {"finit_module", SYS_finit_module, {0}, EPERM, EPERM},
    {"kexec_load", SYS_kexec_load, {0}, EPERM, EPERM},
    {"reboot", SYS_reboot, {0}, EPERM, EPERM},
    {"syslog", SYS_syslog, {3}, EPERM, EPERM},
    {"settimeofday", SYS_settimeofday, {0}, EPERM, EPERM},
    {"fanotify_init", SYS_fanotify_init, {0}, EPERM, EPERM},
    {"inotify_init1", SYS_inotify_init1, {0}, ALLOW, ALLOW},

    {"personality: ask", SYS_personality, {0xffffffff}, ALLOW, ALLOW},
    {"personality: ask, sign-extended", SYS_personality, {0xffffffffffffffff}, ALLOW, ALLOW},
    {"personality: ADDR_NO_RANDOMIZE", SYS_personality, {0x40000}, ALLOW, ALLOW},
    {"personality: READ_IMPLIES_EXEC", SYS_personality, {0x400000}, EPERM, EPERM},
    {"personality: MMAP_PAGE_ZERO", SYS_personality, {0x100000}, EPERM, EPERM},

    {"socket unix", SYS_socket, {1, 1, 0}, ALLOW, ALLOW},
    {"socket inet", SYS_socket, {2, 1, 0}, ALLOW, ALLOW},
    {"socket inet6", SYS_socket, {10, 1, 0}, ALLOW, ALLOW},
    {"socket netlink route", SYS_socket, {16, 3, 0}, ALLOW, ALLOW},
    {"socket netlink sock_diag", SYS_socket, {16, 3, 4}, EPROTONOSUPPORT, ALLOW},
    {"socket netlink audit", SYS_socket, {16, 3, 9}, EPROTONOSUPPORT, ALLOW},
    {"socket netlink generic", SYS_socket, {16, 3, 16}, EPROTONOSUPPORT, ALLOW},
    {"socket packet", SYS_socket, {17, 3, 0}, EAFNOSUPPORT, EAFNOSUPPORT},
    {"socket packet, high bits", SYS_socket, {0x100000011, 3, 0}, EAFNOSUPPORT, EAFNOSUPPORT},
    {"socket netlink audit, high bits", SYS_socket, {0x100000010, 3, 9}, EPROTONOSUPPORT, ALLOW},
    {"socket vsock", SYS_socket, {40, 1, 0}, EAFNOSUPPORT, EAFNOSUPPORT},
    {"socket alg", SYS_socket, {38, 5, 0}, EAFNOSUPPORT, EAFNOSUPPORT},
    {"socket key", SYS_socket, {15, 3, 2}, EAFNOSUPPORT, EAFNOSUPPORT},
    {"socket 0", SYS_socket, {0, 1, 0}, EAFNOSUPPORT, EAFNOSUPPORT},
    {"socketpair unix", SYS_socketpair, {1, 1, 0}, ALLOW, ALLOW},
    {"socketpair tipc", SYS_socketpair, {30, 1, 0}, EAFNOSUPPORT, EAFNOSUPPORT},

    {"fchmod 0755", SYS_fchmod, {0, 0755}, ALLOW, ALLOW},
    {"fchmod 1777", SYS_fchmod, {0, 01777}, ALLOW, ALLOW},
    {"fchmod 4755", SYS_fchmod, {0, 04755}, EPERM, EPERM},
    {"fchmod 2755", SYS_fchmod, {0, 02755}, EPERM, EPERM},
    {"fchmodat 6755", SYS_fchmodat, {0, 0, 06755}, EPERM, EPERM},
    {"fchmodat 0644", SYS_fchmodat, {0, 0, 0644}, ALLOW, ALLOW},
    {"fchmodat2 4755", 452, {0, 0, 04755, 0}, EPERM, EPERM},
    {"fchmodat2 0755", 452, {0, 0, 0755, 0}, ALLOW, ALLOW},
    {"mknodat 4755", SYS_mknodat, {0, 0, 0104755}, EPERM, EPERM},
    {"openat creat 4755", SYS_openat, {0, 0, 0101, 04755}, EPERM, EPERM},
    {"openat creat 2644", SYS_openat, {0, 0, 0101, 02644}, EPERM, EPERM},
    {"openat tmpfile 4755", SYS_openat, {0, 0, 020200001, 04755}, EPERM, EPERM},
    {"openat creat 0644", SYS_openat, {0, 0, 0101, 0644}, ALLOW, ALLOW},
    {"openat without creat, mode is garbage", SYS_openat, {0, 0, 0, 04755}, ALLOW, ALLOW},
    {"openat2", SYS_openat2, {0}, ENOSYS, ENOSYS},
#ifdef __x86_64__
    {"chmod 4755", SYS_chmod, {0, 04755}, EPERM, EPERM},
    {"creat 4755", SYS_creat, {0, 04755}, EPERM, EPERM},
    {"mknod 2755", SYS_mknod, {0, 02755}, EPERM, EPERM},
    {"open creat 4755", SYS_open, {0, 0101, 04755}, EPERM, EPERM},
    {"open creat 0755", SYS_open, {0, 0101, 0755}, ALLOW, ALLOW},
    {"open without creat", SYS_open, {0, 0, 04755}, ALLOW, ALLOW},
    {"iopl", SYS_iopl, {3}, EPERM, EPERM},
    {"ioperm", SYS_ioperm, {0}, EPERM, EPERM},
    {"modify_ldt", SYS_modify_ldt, {0}, EPERM, EPERM},
    {"x32 read", 0x40000000, {0}, ENOSYS, ENOSYS},
    {"x32 ptrace", 0x40000000 + 521, {0}, ENOSYS, ENOSYS},
#endif
};

static void test_decisions(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAGE_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct seccomp_data data = {.nr = row->nr, .arch = NATIVE};

        memcpy(data.args, row->args, sizeof row->args);
        if (decide(false, &data) != row->normal)
            fail_msg("%s: %d, not %d", row->what, decide(false, &data), row->normal);
        if (decide(true, &data) != row->nested)
            fail_msg("%s (nested): %d, not %d", row->what, decide(true, &data), row->nested);
    }
}

static void test_foreign_architectures(void **state)
{
    static const uint32_t foreign[] = {AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64,
                                       0};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(foreign); i++) {
        struct seccomp_data data = {.nr = SYS_read, .arch = foreign[i]};

        if (foreign[i] != NATIVE)
            assert_int_equal(decide(false, &data), ENOSYS);
    }
}

/* Every row of the table has what the documentation needs, and a condition is never half written. */
static void test_table(void **state)
{
    size_t n;
    const struct cage_seccomp_rule *rules = cage_seccomp_rules(&n);

    (void)state;
    assert_true(n > 30);
    for (size_t i = 0; i < n; i++) {
        assert_non_null(rules[i].group);
        assert_true(strlen(rules[i].reason) > 10);
        assert_true(rules[i].answer > 0);
        assert_true(rules[i].n_only <= CAGE_SECCOMP_MAX_ONLY);
        for (size_t k = 0; k < CAGE_SECCOMP_MAX_TESTS; k++)
            assert_int_equal(rules[i].tests[k].value & ~rules[i].tests[k].mask, 0);
    }
}

/* No call that nothing is said about is refused, whatever its arguments: what a program may do does not
 * drift. */
static void test_unmentioned_calls_pass(void **state)
{
    static const int passing[] = {SYS_write,
                                  SYS_close,
                                  SYS_mmap,
                                  SYS_futex,
                                  SYS_epoll_wait,
                                  SYS_kill,
                                  SYS_prctl,
                                  SYS_seccomp,
                                  SYS_memfd_create,
                                  SYS_statx,
                                  SYS_renameat2,
                                  SYS_getrandom,
                                  SYS_prlimit64,
                                  SYS_linkat,
                                  SYS_fallocate,
                                  SYS_copy_file_range,
                                  SYS_pidfd_open,
                                  SYS_shmget,
                                  SYS_sched_setaffinity};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(passing); i++) {
        struct seccomp_data data = {.nr = passing[i], .arch = NATIVE};

        memset(data.args, 0xff, sizeof data.args);
        assert_int_equal(decide(false, &data), ALLOW);
        assert_int_equal(decide(true, &data), ALLOW);
    }
}

/* Under --debug: what is refused stays refused, and of the rest the tracer sees what it asked for. */
static void test_traced(void **state)
{
    static const struct row more[] = {
        {"openat", SYS_openat, {0}, 0, 0},
        {"connect", SYS_connect, {0}, 0, 0},
        {"renameat2", SYS_renameat2, {0}, 0, 0},
        {"newfstatat of a path", SYS_newfstatat, {0, 0, 0, AT_SYMLINK_NOFOLLOW}, 0, 0},
        {"statx of a path", SYS_statx, {0}, 0, 0},
        {"readlinkat", SYS_readlinkat, {0}, 0, 1},
        {"newfstatat of an open file", SYS_newfstatat, {0, 0, 0, AT_EMPTY_PATH}, 0, 1},
        {"statx of an open file", SYS_statx, {0, 0, AT_EMPTY_PATH}, 0, 1},
        {"write", SYS_write, {0}, 0, 1},
    };
    struct sock_filter filter[CAGE_CALL_MAX_FILTER];
    const size_t size = cage_call_filter(filter) * sizeof filter[0];

    (void)state;
    for (int nested = 0; nested < 2; nested++) {
        CAGE_STRBUF_AUTO joined = {0};
        const void *cage;
        size_t cage_size, n;

        cage_strbuf_init(&joined);
        cage_seccomp_bpf(nested, &cage, &cage_size);
        cage_seccomp_join(cage, cage_size, filter, size, &joined);
        n = joined.len / sizeof filter[0];
        for (size_t i = 0; i < CAGE_LEN(rows) + CAGE_LEN(more); i++) {
            const struct row *row = i < CAGE_LEN(rows) ? &rows[i] : &more[i - CAGE_LEN(rows)];
            struct seccomp_data data = {.nr = row->nr, .arch = NATIVE};
            const struct cage_call *call = cage_call_find(row->nr);
            uint32_t want = call && call->always ? SECCOMP_RET_TRACE : SECCOMP_RET_ALLOW, got;
            int refused;

            memcpy(data.args, row->args, sizeof row->args);
            refused = decide(nested, &data);
            if (refused)
                want = SECCOMP_RET_ERRNO | (uint32_t)refused;
            else if (i >= CAGE_LEN(rows))
                want = row->nested ? SECCOMP_RET_ALLOW : SECCOMP_RET_TRACE;
            got = interpret((const void *)joined.buf, n, &data);
            if (got != want)
                fail_msg("%s: %x, not %x", row->what, got, want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions), cmocka_unit_test(test_foreign_architectures),
        cmocka_unit_test(test_table),     cmocka_unit_test(test_unmentioned_calls_pass),
        cmocka_unit_test(test_traced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
