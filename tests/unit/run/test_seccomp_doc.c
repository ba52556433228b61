/* SPDX-License-Identifier: GPL-3.0-or-later */
/* docs/SECCOMP.md is the filter's table in words; this makes the page and compares. UPDATE_GOLDEN=1 writes
 * it. */
#include "base/test.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "run/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define PAGE TEST_SRCDIR "/../../../docs/SECCOMP.md"

enum { MAX_PAGE = 1 << 20 };
static const uint64_t low32 = 0xffffffff;

static const char head[] =
    "# System calls that a cage refuses\n\n"
    "This page is made of the table in `src/run/seccomp_rules.c`, of which the filter is made, too; a test "
    "compares "
    "them.\n\n"
    "Everything that is not here is allowed: the cage holds by namespaces, mounts and missing capabilities. "
    "The filter "
    "takes away what reaches around those, and kernel code that ordinary work does not need. Arguments are "
    "counted from "
    "0; those that the kernel reads as 32 bits are compared by their low 32 bits.\n\n"
    "A call of another architecture or ABI (i386, x32) and one that is newer than number ";

static const char *answer(int number)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{EPERM, "EPERM"},
                 {ENOSYS, "ENOSYS"},
                 {EAFNOSUPPORT, "EAFNOSUPPORT"},
                 {EPROTONOSUPPORT, "EPROTONOSUPPORT"}};

    for (size_t i = 0; i < CAGE_LEN(names); i++)
        if (names[i].number == number)
            return names[i].name;
    fail_msg("an answer without a name: %d", number);
    return "";
}

static void add_condition(struct cage_strbuf *out, const struct cage_seccomp_rule *rule)
{
    for (unsigned i = 0; i < rule->n_only; i++)
        cage_strbuf_addf(out, "%s%#x", i ? ", " : "argument is none of ", (unsigned)rule->only[i]);
    for (size_t i = 0; i < CAGE_SECCOMP_MAX_TESTS && rule->tests[i].mask; i++) {
        const struct cage_seccomp_test *test = &rule->tests[i];

        cage_strbuf_addf(out, "%sargument %u %s %#llx", i ? " and " : "", test->arg,
                         test->mask == low32 ? "is" : "has", (unsigned long long)test->value);
    }
}

static bool is_same_row(const struct cage_seccomp_rule *a, const struct cage_seccomp_rule *b)
{
    return strcmp(a->group, b->group) == 0 && strcmp(a->syscalls, b->syscalls) == 0 &&
           strcmp(a->reason, b->reason) == 0 && a->answer == b->answer && a->nested == b->nested;
}

static void add_row(struct cage_strbuf *out, const struct cage_seccomp_rule *rules, size_t n)
{
    cage_strbuf_addf(out, "| `%s` | ", rules[0].syscalls);
    for (size_t i = 0; i < n; i++) {
        if (i)
            cage_strbuf_add(out, "; ");
        add_condition(out, &rules[i]);
    }
    cage_strbuf_addf(out, " | %s | %s | %s |\n", answer(rules[0].answer),
                     rules[0].nested ? "refused" : "allowed", rules[0].reason);
}

static void make_page(struct cage_strbuf *out)
{
    size_t n, same;
    const struct cage_seccomp_rule *rules = cage_seccomp_rules(&n);
    const char *group = "";

    cage_strbuf_add(out, head);
    cage_strbuf_addf(out, "%d are answered with ENOSYS.\n", (int)CAGE_SECCOMP_LAST_KNOWN);
    for (size_t i = 0; i < n; i += same) {
        if (strcmp(rules[i].group, group) != 0) {
            group = rules[i].group;
            cage_strbuf_addf(out,
                             "\n## %s\n\n| calls | when | answer | with `nested = true` | reason |\n"
                             "|---|---|---|---|---|\n",
                             group);
        }
        for (same = 1; i + same < n && is_same_row(&rules[i], &rules[i + same]);)
            same++;
        add_row(out, &rules[i], same);
    }
}

static void test_page(void **state)
{
    CAGE_STRBUF_AUTO page = {0}, now = {0};
    struct cage_error err;

    (void)state;
    cage_strbuf_init(&page);
    cage_strbuf_init(&now);
    make_page(&page);
    if (getenv("UPDATE_GOLDEN"))
        assert_int_equal(cage_fs_write_atomic(AT_FDCWD, PAGE, page.buf, page.len, 0644, &err), 0);
    assert_int_equal(cage_fs_read(AT_FDCWD, PAGE, MAX_PAGE, &now, &err), 0);
    if (strcmp(now.buf, page.buf) != 0)
        fail_msg("docs/SECCOMP.md is not the table; UPDATE_GOLDEN=1 test-run-seccomp_doc makes it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_page)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
