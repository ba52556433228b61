/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Build time only: compiles the table of seccomp_rules.c into two filters and writes them as a C file.
 *
 *     seccomp-gen ARCH OUTPUT      (ARCH as libseccomp names it: x86_64, aarch64 …)
 *
 * libseccomp compiles "refuse if" rules into a search tree. It has no "refuse unless one of these values" and
 * no "every later system call", so those are written here by hand and put in front.
 */
#include "run/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_INSTRUCTIONS = 4096, ARG0 = 16, X32_BIT = 0x40000000 };

struct program {
    struct sock_filter code[MAX_INSTRUCTIONS];
    size_t n;
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("seccomp-gen: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

static void emit(struct program *p, unsigned code, unsigned jt, unsigned jf, uint32_t k)
{
    if (p->n == MAX_INSTRUCTIONS || jt > 255 || jf > 255)
        die("the filter is too long");
    p->code[p->n++] =
        (struct sock_filter){.code = (uint16_t)code, .jt = (uint8_t)jt, .jf = (uint8_t)jf, .k = k};
}

static void emit_refusal(struct program *p, int answer)
{
    emit(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | (uint32_t)answer);
}

/* With the number in the accumulator: refuses unless the argument is listed; else falls through, number lost.
 */
static void emit_only(struct program *p, const struct cage_seccomp_rule *rule, uint32_t nr)
{
    /* load, n comparisons, refusal, reload of the number */
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, rule->n_only + 3, nr);
    emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, ARG0 + 8 * rule->only_arg);
    for (unsigned i = 0; i < rule->n_only; i++)
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, rule->n_only - i, 0, rule->only[i]);
    emit_refusal(p, rule->answer);
    emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, 0);
}

/* The number of a call; a negative one where this architecture does not have it. */
static int number_of(uint32_t arch, const char *name, const struct cage_seccomp_rule *rule)
{
    int nr = seccomp_syscall_resolve_name_arch(arch, name);

    if (nr == __NR_SCMP_ERROR && rule->number == 0)
        die("%s: no such system call", name);
    return nr == __NR_SCMP_ERROR ? rule->number : nr;
}

/* Calls fn for every name of the rule. */
static void each_call(uint32_t arch, const struct cage_seccomp_rule *rule,
                      void (*fn)(void *context, const struct cage_seccomp_rule *, int nr), void *context)
{
    char names[512], *save = NULL;

    if (strlen(rule->syscalls) >= sizeof names)
        die("a list of names is too long");
    memcpy(names, rule->syscalls, strlen(rule->syscalls) + 1);
    for (char *name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save))
        fn(context, rule, number_of(arch, name, rule));
}

static void add_only(void *context, const struct cage_seccomp_rule *rule, int nr)
{
    if (rule->n_only && nr >= 0)
        emit_only(context, rule, (uint32_t)nr);
}

static void add_rule(void *context, const struct cage_seccomp_rule *rule, int nr)
{
    struct scmp_arg_cmp cmp[CAGE_SECCOMP_MAX_TESTS];
    unsigned n = 0;
    int rc;

    if (rule->n_only || nr < 0)
        return;
    for (unsigned i = 0; i < CAGE_SECCOMP_MAX_TESTS; i++)
        if (rule->tests[i].mask)
            cmp[n++] =
                SCMP_CMP(rule->tests[i].arg, SCMP_CMP_MASKED_EQ, rule->tests[i].mask, rule->tests[i].value);
    rc = seccomp_rule_add_array(context, SCMP_ACT_ERRNO((unsigned)rule->answer), nr, n, cmp);
    if (rc < 0)
        die("%s: %s", rule->syscalls, strerror(-rc));
}

/* Appends what libseccomp makes of the table. */
static void append_compiled(struct program *p, uint32_t arch, bool nested)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    FILE *file = tmpfile();
    size_t n_rules, n;
    const struct cage_seccomp_rule *rules = cage_seccomp_rules(&n_rules);

    if (!ctx || !file)
        die("cannot start");
    if (arch != seccomp_arch_native() &&
        (seccomp_arch_remove(ctx, seccomp_arch_native()) < 0 || seccomp_arch_add(ctx, arch) < 0))
        die("libseccomp does not know this architecture");
    if (seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)) < 0 ||
        seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0)
        die("libseccomp is too old");
    for (size_t i = 0; i < n_rules; i++)
        if (!nested || rules[i].nested)
            each_call(arch, &rules[i], add_rule, ctx);
    if (seccomp_export_bpf(ctx, fileno(file)) < 0 || fseek(file, 0, SEEK_SET) != 0)
        die("cannot export the filter");
    n = fread(p->code + p->n, sizeof p->code[0], MAX_INSTRUCTIONS - p->n, file);
    p->n += n;
    if (p->n == MAX_INSTRUCTIONS)
        die("the filter is too long");
    fclose(file);
    seccomp_release(ctx);
}

static uint32_t audit_arch(uint32_t arch)
{
    switch (arch) {
    case SCMP_ARCH_X86_64:
        return AUDIT_ARCH_X86_64;
    case SCMP_ARCH_AARCH64:
        return AUDIT_ARCH_AARCH64;
    case SCMP_ARCH_RISCV64:
        return AUDIT_ARCH_RISCV64;
    default:
        die("this architecture is not supported yet: its system calls were not checked");
    }
}

static void build(struct program *p, uint32_t arch, bool nested)
{
    size_t n_rules;
    const struct cage_seccomp_rule *rules = cage_seccomp_rules(&n_rules);

    /* A foreign architecture or x32 goes on to libseccomp's part, which refuses it: but here, first. */
    emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, 4);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, audit_arch(arch));
    emit_refusal(p, ENOSYS);
    emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, 0);
    /* x32 numbers have a high bit, so they are "later" as well. */
    emit(p, BPF_JMP | BPF_JGT | BPF_K, 0, 1, CAGE_SECCOMP_LAST_KNOWN);
    emit_refusal(p, ENOSYS);
    for (size_t i = 0; i < n_rules; i++)
        if (!nested || rules[i].nested)
            each_call(arch, &rules[i], add_only, p);
    append_compiled(p, arch, nested);
}

static void print(FILE *out, const char *name, const struct program *p)
{
    fprintf(out, "static const struct sock_filter %s[] = {\n", name);
    for (size_t i = 0; i < p->n; i++)
        fprintf(out, "    {0x%02x, %u, %u, 0x%08x},\n", p->code[i].code, p->code[i].jt, p->code[i].jf,
                p->code[i].k);
    fprintf(out, "};\n\n");
}

int main(int argc, char **argv)
{
    static struct program normal, nested;
    uint32_t arch;
    FILE *out;

    if (argc != 3)
        die("usage: seccomp-gen ARCH OUTPUT");
    arch = seccomp_arch_resolve_name(argv[1]);
    build(&normal, arch, false);
    build(&nested, arch, true);
    out = fopen(argv[2], "w");
    if (!out)
        die("cannot write %s", argv[2]);
    fprintf(out,
            "/* Made by seccomp-gen from seccomp_rules.c for %s. */\n#include \"run/seccomp.h\"\n\n"
            "#include <linux/filter.h>\n\n",
            argv[1]);
    print(out, "normal", &normal);
    print(out, "within", &nested);
    fprintf(out, "void cage_seccomp_bpf(bool nested, const void **data, size_t *size)\n{\n"
                 "    *data = nested ? within : normal;\n"
                 "    *size = nested ? sizeof within : sizeof normal;\n}\n");
    if (fclose(out) != 0)
        die("cannot write %s", argv[2]);
    return 0;
}
