/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "init/spec.h"
#include "run/launch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void make_plan(struct cage_plan *plan)
{
    static char root[] = "/work/p";
    struct cage_reason reason = {.rule = "test"};
    struct cage_op *op;

    cage_plan_init(plan);
    cage_strv_add(&plan->argv, "make");
    cage_strv_add(&plan->argv, "");
    cage_strv_add(&plan->argv, "--all targets");
    cage_plan_setenv(plan, "HOME", "/home/u", false, reason);
    cage_plan_setenv(plan, "EMPTY", "", false, reason);
    plan->cwd = cage_strdup("/work/p/sub");
    plan->path_value = cage_strdup("/bin:/usr/bin");
    op = cage_plan_add(plan, CAGE_OP_BIND, root, root, reason);
    op->verify = true;
    op->dev = 7;
    op->ino = 123456789012;
    cage_plan_add(plan, CAGE_OP_TMPFS, NULL, "/tmp", reason);
    plan->limit_store = true;
    plan->scope_signal = true;
    cage_strv_add(&plan->store_paths, "/nix/store/aaa-bash");
}

static void write_spec(struct cage_strbuf *out)
{
    struct cage_plan plan;
    sigset_t mask;

    make_plan(&plan);
    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, 64);
    cage_strbuf_init(out);
    cage_spec_write(&plan, &(struct cage_spec_extra){.keep_fd = 42, .mask = &mask}, out);
    cage_plan_finish(&plan);
}

static void expect(const struct cage_strbuf *spec, size_t *offset, uint32_t tag, const void *data,
                   size_t size)
{
    struct cage_spec_record record;

    assert_int_equal(cage_spec_next(spec->buf, spec->len, offset, &record), 1);
    assert_int_equal(record.tag, tag);
    assert_int_equal(record.length, size);
    assert_memory_equal(record.data, data, size);
    assert_int_equal(record.data[size], 0);
}

static void expect_text(const struct cage_strbuf *spec, size_t *offset, uint32_t tag, const char *text)
{
    expect(spec, offset, tag, text, strlen(text));
}

static void test_round_trip(void **state)
{
    uint32_t flags = CAGE_SPEC_LIMIT_STORE | CAGE_SPEC_SCOPE_SIGNAL, fd = 42;
    uint64_t mask = 1ULL << (SIGINT - 1) | 1ULL << 63;
    char verify[sizeof(struct cage_spec_verify) + 7];
    struct cage_spec_verify want = {.dev = 7, .ino = 123456789012};
    struct cage_spec_record record;
    struct cage_strbuf spec;
    size_t at = 0;

    (void)state;
    memcpy(verify, &want, sizeof want);
    memcpy(verify + sizeof want, "/work/p", 7);
    write_spec(&spec);
    expect_text(&spec, &at, CAGE_SPEC_MAGIC, CAGE_SPEC_VERSION);
    expect(&spec, &at, CAGE_SPEC_FLAGS, &flags, sizeof flags);
    expect(&spec, &at, CAGE_SPEC_SIGMASK, &mask, sizeof mask);
    expect(&spec, &at, CAGE_SPEC_KEEP_FD, &fd, sizeof fd);
    expect_text(&spec, &at, CAGE_SPEC_ARG, "make");
    expect_text(&spec, &at, CAGE_SPEC_ARG, "");
    expect_text(&spec, &at, CAGE_SPEC_ARG, "--all targets");
    expect_text(&spec, &at, CAGE_SPEC_ENV, "HOME=/home/u");
    expect_text(&spec, &at, CAGE_SPEC_ENV, "EMPTY=");
    expect_text(&spec, &at, CAGE_SPEC_PATH, "/bin:/usr/bin");
    expect_text(&spec, &at, CAGE_SPEC_CWD, "/work/p/sub");
    expect(&spec, &at, CAGE_SPEC_VERIFY, verify, sizeof verify);
    expect_text(&spec, &at, CAGE_SPEC_STORE, "/nix/store/aaa-bash");
    assert_int_equal(cage_spec_next(spec.buf, spec.len, &at, &record), 0);
    assert_int_equal(record.tag, CAGE_SPEC_END);
    cage_strbuf_finish(&spec);
}

/* Reads to the end; returns what the last call returned. */
static int read_all(const char *buf, size_t size)
{
    struct cage_spec_record record;
    size_t at = 0;
    int rc;

    while ((rc = cage_spec_next(buf, size, &at, &record)) > 0)
        assert_true(at <= size);
    return rc;
}

/* Cut anywhere, it is refused; a copy of the exact size lets a sanitizer see a read past the end. */
static void test_truncated(void **state)
{
    struct cage_strbuf spec;

    (void)state;
    write_spec(&spec);
    for (size_t n = 0; n < spec.len; n++) {
        char *part = cage_alloc(n);

        memcpy(part, spec.buf, n);
        assert_int_equal(read_all(part, n), -1);
        free(part);
    }
    assert_int_equal(read_all(spec.buf, spec.len), 0);
    cage_strbuf_finish(&spec);
}

static void put(struct cage_strbuf *out, uint32_t tag, uint32_t length, const void *payload, size_t n)
{
    uint32_t head[2] = {tag, length};

    cage_strbuf_add_bytes(out, head, sizeof head);
    cage_strbuf_add_bytes(out, payload, n);
}

static void test_malformed(void **state)
{
    static const struct {
        uint32_t tag, length;
        char payload[24];
        size_t n;
    } bad[] = {
        {CAGE_SPEC_MAGIC, 14, "nixcage-spec-1\0", 16},  /* a second one */
        {0, 0, "", 8},                                  /* no tag */
        {CAGE_SPEC_TAG_END_, 0, "", 8},                 /* unknown tag */
        {CAGE_SPEC_ARG, 3, "a\0b", 8},                  /* NUL in a string */
        {CAGE_SPEC_ARG, 3, "abcX", 8},                  /* padding that is not zero */
        {CAGE_SPEC_ARG, 8, "abcdefgh", 8},              /* no padding */
        {CAGE_SPEC_ARG, 0xffffffff, "a", 8},            /* longer than everything */
        {CAGE_SPEC_FLAGS, 3, "abc", 8},                 /* not a word */
        {CAGE_SPEC_SIGMASK, 4, "abcd", 8},              /* not a long */
        {CAGE_SPEC_VERIFY, 16, "0123456789abcdef", 24}, /* no path */
        {CAGE_SPEC_END, 1, "x", 8},                     /* payload */
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(bad); i++) {
        struct cage_strbuf buf;

        cage_strbuf_init(&buf);
        put(&buf, CAGE_SPEC_MAGIC, 14, "nixcage-spec-1\0", 16);
        put(&buf, bad[i].tag, bad[i].length, bad[i].payload, bad[i].n);
        put(&buf, CAGE_SPEC_END, 0, "\0\0\0\0\0\0\0", 8);
        if (read_all(buf.buf, buf.len) != -1)
            fail_msg("accepted malformed record %zu", i);
        cage_strbuf_finish(&buf);
    }
}

static void test_magic_first(void **state)
{
    struct cage_strbuf buf;

    (void)state;
    cage_strbuf_init(&buf);
    put(&buf, CAGE_SPEC_ARG, 1, "x\0\0\0\0\0\0", 8);
    put(&buf, CAGE_SPEC_END, 0, "\0\0\0\0\0\0\0", 8);
    assert_int_equal(read_all(buf.buf, buf.len), -1);
    cage_strbuf_reset(&buf);
    put(&buf, CAGE_SPEC_MAGIC, 14, "nixcage-spec-2\0", 16);
    put(&buf, CAGE_SPEC_END, 0, "\0\0\0\0\0\0\0", 8);
    assert_int_equal(read_all(buf.buf, buf.len), -1);
    cage_strbuf_finish(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_magic_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
