/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * deny ERRNO CALL… -- CMD…: CMD with these system calls answered by ERRNO (ENOSYS, EPERM, EOPNOTSUPP), as on
 * a kernel or in a container that lacks them. `userns` stands for clone and unshare with CLONE_NEWUSER, and
 * clone3.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_CODE = 64, NEW_USER = 0x10000000, FAILED = 99 };

static const struct name {
    const char *name;
    uint32_t value;
} calls[] =
    {
        {"openat2", 437},
        {"close_range", 436},
        {"landlock", 444},
        {"seccomp", SYS_seccomp},
        {"open_tree", 428},
        {"move_mount", 429},
        {"mount_setattr", 442},
        {"pidfd_open", 434},
        {"memfd_create", SYS_memfd_create},
        {"renameat2", SYS_renameat2},
        {"statx", SYS_statx},
        {"ptrace", SYS_ptrace},
        {"fchmodat2", 452},
},
  errors[] = {{"ENOSYS", ENOSYS}, {"EPERM", EPERM}, {"EOPNOTSUPP", EOPNOTSUPP}};

static struct sock_filter code[MAX_CODE];
static unsigned n;

static void emit(uint16_t op, uint8_t jt, uint8_t jf, uint32_t k)
{
    if (n < MAX_CODE)
        code[n++] = (struct sock_filter){op, jt, jf, k};
}

static void deny(uint32_t call, uint32_t error)
{
    emit(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, call);
    emit(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | error);
}

static void deny_new_user(uint32_t call, uint32_t error)
{
    emit(BPF_JMP | BPF_JEQ | BPF_K, 0, 4, call);
    emit(BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args));
    emit(BPF_JMP | BPF_JSET | BPF_K, 0, 1, NEW_USER);
    emit(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | error);
    emit(BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
}

static int find(const struct name *table, size_t count, const char *name, uint32_t *value)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) != 0)
            continue;
        *value = table[i].value;
        return 0;
    }
    fprintf(stderr, "deny: unknown name %s\n", name);
    return -1;
}

int main(int argc, char **argv)
{
    struct sock_fprog program = {.filter = code};
    uint32_t error, call;
    int i = 2;

    if (argc < 4 || find(errors, sizeof errors / sizeof errors[0], argv[1], &error) < 0)
        return FAILED;
    emit(BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "userns") == 0) {
            deny_new_user(SYS_clone, error);
            deny_new_user(SYS_unshare, error);
            deny(SYS_clone3, ENOSYS);
        } else if (find(calls, sizeof calls / sizeof calls[0], argv[i], &call) < 0) {
            return FAILED;
        } else {
            deny(call, error);
        }
    }
    emit(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
    program.len = (unsigned short)n;
    if (n == MAX_CODE || i + 1 >= argc || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
        perror("deny");
        return FAILED;
    }
    execvp(argv[i + 1], argv + i + 1);
    perror(argv[i + 1]);
    return FAILED;
}
