/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tracer/calls.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#if defined __x86_64__
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined __riscv && __riscv_xlen == 64
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#else
#error "this architecture is not supported yet"
#endif

/* The same number everywhere; headers may be older. */
enum { NR_OPENAT2 = 437, NR_FACCESSAT2 = 439, NR_FCHMODAT2 = 452 };

#ifdef SYS_open /* what only the older architectures have comes together */
#define OLD(name) SYS_##name
#else
#define OLD(name) -1
#endif

/*
 * The frequent ones first. Not in every trace is what programs ask for every part of a path (readlink) and
 * what is seldom the first to fail: each call that is traced stops the program twice. mount(2) and the like
 * are refused by the cage's own filter, whose errno goes before a stop (seccomp(2)).
 */
static const struct cage_call calls[] = {
    {"openat", SYS_openat, "dsf", true, 0},
#ifdef SYS_newfstatat
    {"newfstatat", SYS_newfstatat, "ds", true, 3},
#endif
    {"access", OLD(access), "s", true, 0},
    {"execve", SYS_execve, "s", true, 0},
    {"stat", OLD(stat), "s", true, 0},
    {"lstat", OLD(lstat), "s", true, 0},
    {"open", OLD(open), "sf", true, 0},
    {"statx", SYS_statx, "ds", true, 2},
    {"faccessat", SYS_faccessat, "ds", true, 0},
    {"faccessat2", NR_FACCESSAT2, "ds", true, 3},
    {"unlink", OLD(unlink), "s", true, 0},
    {"unlinkat", SYS_unlinkat, "ds", true, 0},
    {"openat2", NR_OPENAT2, "dsh", true, 0},
    {"creat", OLD(creat), "s", true, 0},
    {"chdir", SYS_chdir, "s", true, 0},
    {"execveat", SYS_execveat, "ds", true, 0},
    {"mkdir", OLD(mkdir), "s", true, 0},
    {"mkdirat", SYS_mkdirat, "ds", true, 0},
    {"rmdir", OLD(rmdir), "s", true, 0},
    {"truncate", SYS_truncate, "s", true, 0},
    {"chmod", OLD(chmod), "s", true, 0},
    {"fchmodat", SYS_fchmodat, "ds", true, 0},
    {"fchmodat2", NR_FCHMODAT2, "ds", true, 0},
    {"chown", OLD(chown), "s", true, 0},
    {"lchown", OLD(lchown), "s", true, 0},
    {"fchownat", SYS_fchownat, "ds", true, 0},
    {"utime", OLD(utime), "s", true, 0},
    {"utimes", OLD(utimes), "s", true, 0},
    {"utimensat", SYS_utimensat, "ds", true, 0},
    {"setxattr", SYS_setxattr, "s", true, 0},
    {"lsetxattr", SYS_lsetxattr, "s", true, 0},
    {"mknod", OLD(mknod), "s", true, 0},
    {"mknodat", SYS_mknodat, "ds", true, 0},
    {"symlink", OLD(symlink), "-s", true, 0},
    {"symlinkat", SYS_symlinkat, "-ds", true, 0},
    {"link", OLD(link), "ss", true, 0},
    {"linkat", SYS_linkat, "dsds", true, 0},
    {"rename", OLD(rename), "ss", true, 0},
#ifdef SYS_renameat
    {"renameat", SYS_renameat, "dsds", true, 0},
#endif
    {"renameat2", SYS_renameat2, "dsds", true, 0},
    {"connect", SYS_connect, "-a", true, 0},
    {"bind", SYS_bind, "-a", true, 0},
    {"socket", SYS_socket, "n", true, 0},
    {"socketpair", SYS_socketpair, "n", true, 0},
    {"readlink", OLD(readlink), "s", false, 0},
    {"readlinkat", SYS_readlinkat, "ds", false, 0},
    {"statfs", SYS_statfs, "s", false, 0},
    {"getxattr", SYS_getxattr, "s", false, 0},
    {"lgetxattr", SYS_lgetxattr, "s", false, 0},
    {"inotify_add_watch", SYS_inotify_add_watch, "-s", false, 0},
    {"mount", SYS_mount, "-s", false, 0},
    {"umount2", SYS_umount2, "s", false, 0},
    {"pivot_root", SYS_pivot_root, "s", false, 0},
    {"chroot", SYS_chroot, "s", false, 0},
    {"swapon", SYS_swapon, "s", false, 0},
    {"unshare", SYS_unshare, "-", false, 0},
    {"clone", SYS_clone, "-", false, 0},
};

static const struct {
    const char *name;
    int error;
} errors[] = {
    {"ENOENT", ENOENT},
    {"EACCES", EACCES},
    {"EPERM", EPERM},
    {"ENOTDIR", ENOTDIR},
    {"EROFS", EROFS},
    {"EBUSY", EBUSY},
    {"ECONNREFUSED", ECONNREFUSED},
    {"ENETUNREACH", ENETUNREACH},
    {"EHOSTUNREACH", EHOSTUNREACH},
    {"ENETDOWN", ENETDOWN},
    {"EAFNOSUPPORT", EAFNOSUPPORT},
    {"EPROTONOSUPPORT", EPROTONOSUPPORT},
    {"ENOSYS", ENOSYS},
    {"EHOSTDOWN", EHOSTDOWN},
    {"EADDRNOTAVAIL", EADDRNOTAVAIL},
};

const char *cage_call_error(long error)
{
    for (size_t i = 0; i < CAGE_LEN(errors); i++)
        if (errors[i].error == error)
            return errors[i].name;
    return NULL;
}

const struct cage_call *cage_call_at(size_t i)
{
    return i < CAGE_LEN(calls) ? &calls[i] : NULL;
}

const struct cage_call *cage_call_find(long nr)
{
    for (size_t i = 0; i < CAGE_LEN(calls) && nr >= 0; i++)
        if (calls[i].nr == nr)
            return &calls[i];
    return NULL;
}

struct program {
    struct sock_filter *code;
    size_t n;
};

static void emit(struct program *p, unsigned code, unsigned jt, unsigned jf, size_t k)
{
    p->code[p->n++] = (struct sock_filter){(uint16_t)code, (uint8_t)jt, (uint8_t)jf, (uint32_t)k};
}

static void emit_answer(struct program *p, unsigned answer)
{
    emit(p, BPF_RET | BPF_K, 0, 0, answer);
}

/* Falls through, number lost, only for another call. */
static void emit_call(struct program *p, const struct cage_call *call)
{
    if (!call->empty_flag) {
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (size_t)call->nr);
        emit_answer(p, SECCOMP_RET_TRACE);
        return;
    }
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, (size_t)call->nr);
    emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args[call->empty_flag]));
    emit(p, BPF_JMP | BPF_JSET | BPF_K, 0, 1, AT_EMPTY_PATH);
    emit_answer(p, SECCOMP_RET_ALLOW);
    emit_answer(p, SECCOMP_RET_TRACE);
}

size_t cage_call_filter(struct sock_filter filter[CAGE_CALL_MAX_FILTER])
{
    struct program p = {.code = filter};

    /* Other architectures' calls are refused by the cage's filter. */
    emit(&p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
    emit(&p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, NATIVE_ARCH);
    emit_answer(&p, SECCOMP_RET_ALLOW);
    emit(&p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < CAGE_LEN(calls); i++)
        if (calls[i].always && calls[i].nr >= 0)
            emit_call(&p, &calls[i]);
    emit_answer(&p, SECCOMP_RET_ALLOW);
    return p.n;
}
