/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The system call filter. One table says what is refused and why; a program linked with libseccomp makes the
 * filter of it when nixcage is built, and the documentation is made of the same table.
 */
#ifndef CAGE_RUN_SECCOMP_H
#define CAGE_RUN_SECCOMP_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAGE_SECCOMP_MAX_TESTS = 2, CAGE_SECCOMP_MAX_ONLY = 8 };

/* True when (argument & mask) == value. Arguments that the kernel takes as 32 bits have a mask of 32 bits. */
struct cage_seccomp_test {
    unsigned arg; /* from 0 */
    uint64_t mask, value;
};

struct cage_seccomp_rule {
    const char *group;    /* what the rule is about: "terminal" */
    const char *syscalls; /* names, separated by blanks; ones that an architecture lacks are skipped */
    int number;  /* for a single name that libseccomp may not know yet: its number everywhere; else 0 */
    bool nested; /* refused with nested = true as well */
    int answer;  /* errno the caller gets; ENOSYS where programs then take another way */
    const char *reason;
    /* Refused when all tests hold (mask 0: no test) … */
    struct cage_seccomp_test tests[CAGE_SECCOMP_MAX_TESTS];
    /* … or, with n_only, when the low 32 bits of argument only_arg are none of these. */
    unsigned only_arg, n_only;
    uint32_t only[CAGE_SECCOMP_MAX_ONLY];
};

/* The table, in the order of the documentation. */
const struct cage_seccomp_rule *cage_seccomp_rules(size_t *n);

/* The newest system call the table was checked against; later ones are answered with ENOSYS. */
enum { CAGE_SECCOMP_LAST_KNOWN = 469 /* file_setattr, Linux 6.17 */ };

/* Calls of another architecture or ABI (i386, x32) are answered with ENOSYS, as by a kernel built without
 * them. */

/* The compiled filter for bwrap --seccomp: struct sock_filter (linux/filter.h) instructions; static. */
void cage_seccomp_bpf(bool nested, const void **data, size_t *size);

/*
 * Appends to *out a filter that answers as the first one (of `size` bytes), but where that allows as the
 * second one: what is refused stays refused.
 */
void cage_seccomp_join(const void *first, size_t size, const void *then, size_t then_size,
                       struct cage_strbuf *out);

#endif
