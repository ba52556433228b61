/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What nixcage-init uses of libc, for a program that starts without one. libc's own start asks the processor
 * for its features some thirty times, which in a virtual machine takes a fifth of a millisecond, and touches
 * forty pages more; the init is started on every run. The functions are as the C library documents them, as
 * far as the init needs them; the headers are libc's.
 *
 * Compiled without stack protector, which does not work before start() has run, nor fortification.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's headers have names of their own */

int main(int argc, char **argv);
void cage_bare_start(const uintptr_t *stack) __attribute__((noreturn, used));
void __stack_chk_fail(void) __attribute__((noreturn));
/* What fortified code calls instead: which of them depends on the compiler and on libc's headers. */
void *__memcpy_chk(void *to, const void *from, size_t n, size_t room);
ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t room);
int __openat64_2(int dirfd, const char *path, int flags);
int *__errno_location(void);

enum { KERNEL_SIGSET = 8 };

#if defined(__x86_64__)
/* The stack pointer as the kernel set it is the argument. */
__asm__(".globl _start\n"
        "_start:\n"
        "xor %ebp, %ebp\n"
        "mov %rsp, %rdi\n"
        "and $-16, %rsp\n"
        "call cage_bare_start\n");

/* The child runs on the parent's stack, so the return address is kept in a register meanwhile. */
__asm__(".globl vfork\n"
        "vfork:\n"
        "endbr64\n"
        "pop %rdx\n"
        "mov $58, %eax\n" /* SYS_vfork */
        "syscall\n"
        "push %rdx\n"
        "ret\n");

static long call(long n, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

enum { SET_FS = 0x1002 /* ARCH_SET_FS, arch_prctl(2) */, CANARY_WORD = 5 };
static uintptr_t thread[8]; /* the thread control block: compilers look for the canary at %fs:40 */

static void set_canary(uintptr_t canary)
{
    thread[CANARY_WORD] = canary;
    (void)call(SYS_arch_prctl, SET_FS, (long)(uintptr_t)thread, 0, 0, 0, 0);
}
#else
#error "not written for this architecture"
#endif

static int error; /* the init has one thread; the vfork child uses it while the parent waits */

int *__errno_location(void)
{
    return &error;
}

/* As libc returns it: -1 and errno. */
static long done(long result)
{
    if (result >= 0 || result < -4095)
        return result;
    error = (int)-result;
    return -1;
}

#define sys(n, a, b, c, d) done(call((n), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0))

void __stack_chk_fail(void)
{
    __builtin_trap();
}

void _exit(int status)
{
    for (;;)
        (void)call(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

void cage_bare_start(const uintptr_t *stack)
{
    const uintptr_t *at = stack + 1 + stack[0] + 1; /* after argc and argv with its NULL: the environment */
    uintptr_t canary = 0;

    while (*at)
        at++;
    for (at++; at[0] != AT_NULL; at += 2)
        if (at[0] == AT_RANDOM)
            memcpy(&canary, (const void *)at[1], sizeof canary);
    set_canary(canary & ~(uintptr_t)0xff); /* a string cannot contain the zero byte */
    _exit(main((int)stack[0], (char **)(uintptr_t)(stack + 1)));
}

/* --- strings */

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    while (n--)
        *t++ = *f++;
    return to;
}

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room)
{
    if (n > room)
        __builtin_trap();
    return memcpy(to, from, n);
}

void *memset(void *to, int c, size_t n)
{
    unsigned char *t = to;

    while (n--)
        *t++ = (unsigned char)c;
    return to;
}

/* In parentheses, as strchr below: it may be a macro, too, whose result is as constant as its argument. */
void *(memchr)(const void *s, int c, size_t n)
{
    const unsigned char *at = s;

    for (; n--; at++)
        if (*at == (unsigned char)c)
            return (void *)(uintptr_t)at;
    return NULL;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++)
        b++;
    return (unsigned char)*a - (unsigned char)*b;
}

char *(strchr)(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)(uintptr_t)s;
        if (!*s)
            return NULL;
    }
}

size_t strcspn(const char *s, const char *reject)
{
    size_t n = 0;

    while (s[n] && !strchr(reject, s[n]))
        n++;
    return n;
}

/* --- signal sets: the kernel's 64 signals, all of them */

int sigemptyset(sigset_t *set)
{
    memset(set, 0, sizeof *set);
    return 0;
}

int sigfillset(sigset_t *set)
{
    memset(set, 0xff, sizeof *set);
    return 0;
}

int sigaddset(sigset_t *set, int sig)
{
    uint64_t bits;

    memcpy(&bits, set, sizeof bits);
    bits |= 1ULL << (sig - 1);
    memcpy(set, &bits, sizeof bits);
    return 0;
}

int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    return (int)sys(SYS_rt_sigprocmask, how, set, old, KERNEL_SIGSET);
}

int signalfd(int fd, const sigset_t *set, int flags)
{
    return (int)sys(SYS_signalfd4, fd, set, KERNEL_SIGSET, flags);
}

/* --- system calls */

long syscall(long n, ...)
{
    long args[6];
    va_list ap;

    va_start(ap, n);
    for (int i = 0; i < 6; i++)
        args[i] = va_arg(ap, long);
    va_end(ap);
    return done(call(n, args[0], args[1], args[2], args[3], args[4], args[5]));
}

int prctl(int option, ...)
{
    long args[4];
    va_list ap;

    va_start(ap, option);
    for (int i = 0; i < 4; i++)
        args[i] = va_arg(ap, long);
    va_end(ap);
    return (int)done(call(SYS_prctl, option, args[0], args[1], args[2], args[3], 0));
}

int fcntl(int fd, int command, ...)
{
    va_list ap;
    long argument;

    va_start(ap, command);
    argument = va_arg(ap, long);
    va_end(ap);
    return (int)sys(SYS_fcntl, fd, command, argument, 0);
}

int openat(int dirfd, const char *path, int flags, ...)
{
    return (int)sys(SYS_openat, dirfd, path, flags, 0); /* never O_CREAT */
}

/* Called where no mode is given. */
int __openat64_2(int dirfd, const char *path, int flags)
{
    if (flags & O_CREAT)
        __builtin_trap();
    return openat(dirfd, path, flags);
}

int close(int fd)
{
    return (int)sys(SYS_close, fd, 0, 0, 0);
}

ssize_t read(int fd, void *buf, size_t n)
{
    return sys(SYS_read, fd, buf, n, 0);
}

ssize_t __read_chk(int fd, void *buf, size_t n, size_t room)
{
    if (n > room)
        __builtin_trap();
    return read(fd, buf, n);
}

int dup2(int from, int to)
{
    return (int)sys(SYS_dup3, from, to, 0, 0); /* never the same number twice */
}

int fstat(int fd, struct stat *st)
{
    return (int)sys(SYS_fstat, fd, st, 0, 0);
}

int lstat(const char *restrict path, struct stat *restrict st)
{
    return (int)sys(SYS_newfstatat, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

int chdir(const char *path)
{
    return (int)sys(SYS_chdir, path, 0, 0, 0);
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    return (void *)done(call(SYS_mmap, (long)at, (long)n, protection, flags, fd, offset));
}

int execve(const char *path, char *const argv[], char *const envp[])
{
    return (int)sys(SYS_execve, path, argv, envp, 0);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    return (pid_t)sys(SYS_wait4, pid, status, options, NULL);
}

int kill(pid_t pid, int sig)
{
    return (int)sys(SYS_kill, pid, sig, 0, 0);
}

pid_t getpgid(pid_t pid)
{
    return (pid_t)sys(SYS_getpgid, pid, 0, 0, 0);
}

pid_t getpgrp(void)
{
    return getpgid(0);
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
    return (int)sys(SYS_prlimit64, 0, resource, NULL, limit);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    return (int)sys(SYS_prlimit64, 0, resource, limit, NULL);
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
    return (int)sys(SYS_clock_gettime, clock, ts, 0, 0);
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    struct timespec ts = {.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L};

    return (int)sys(SYS_ppoll, fds, n, timeout < 0 ? NULL : &ts, NULL);
}

int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t room)
{
    if (n > room / sizeof *fds)
        __builtin_trap();
    return poll(fds, n, timeout);
}

ssize_t send(int fd, const void *data, size_t n, int flags)
{
    return done(call(SYS_sendto, fd, (long)data, (long)n, flags, 0, 0));
}

ssize_t recv(int fd, void *data, size_t n, int flags)
{
    return done(call(SYS_recvfrom, fd, (long)data, (long)n, flags, 0, 0));
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
