/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/test.h"

#include "base/fs.h"
#include "base/mem.h"
#include "run/maclog.h"

#include <fcntl.h>

#define GOLDEN TEST_SRCDIR "/../../golden/maclog/"
#define TAG "nixcage-0123456789abcdef"

static void feed(struct cage_maclog *log, const char *text, const char *tag)
{
    while (*text) {
        size_t n = strcspn(text, "\n");

        (void)cage_maclog_line(log, text, n, tag);
        text += n + (text[n] == '\n');
    }
}

static void a_recorded_stream_is_summed_up(void **state)
{
    CAGE_STRBUF_AUTO stream = {0};
    CAGE_STRBUF_AUTO want = {0};
    CAGE_STRBUF_AUTO got = {0};
    struct cage_maclog log;
    struct cage_error err;

    (void)state;
    cage_strbuf_init(&stream);
    cage_strbuf_init(&want);
    cage_strbuf_init(&got);
    assert_int_equal(cage_fs_read(AT_FDCWD, GOLDEN "stream.ndjson", 1 << 20, &stream, &err), 0);
    cage_maclog_init(&log);
    feed(&log, stream.buf, TAG);
    cage_maclog_summary(&log, &got);
    cage_maclog_finish(&log);
    if (getenv("UPDATE_GOLDEN"))
        assert_int_equal(cage_fs_write_atomic(AT_FDCWD, GOLDEN "summary.txt", got.buf, got.len, 0644, &err),
                         0);
    assert_int_equal(cage_fs_read(AT_FDCWD, GOLDEN "summary.txt", 1 << 20, &want, &err), 0);
    assert_string_equal(got.buf, want.buf);
}

static void messages(void **state)
{
    const struct {
        const char *message, *operation, *target;
        size_t count;
    } cases[] = {
        {"Sandbox: cat(1234) deny(1) file-read-data /Users/x/.ssh/id", "file-read-data", "/Users/x/.ssh/id",
         1},
        {"3 duplicate reports for Sandbox: git(5678) deny(1) file-read-data /etc/gitconfig", "file-read-data",
         "/etc/gitconfig", 3},
        {"Sandbox: bash(80139) deny(1) forbidden-exec-sugid", "forbidden-exec-sugid", "", 1},
        {"Sandbox: a b(1) deny(1) file-read-data /with two  spaces ", "file-read-data", "/with two  spaces ",
         1},
        {"Sandbox: a) deny(1) x(2) deny(1) file-read-data /x", "file-read-data", "/x", 1},
        {"System Policy: Sandbox: x(1) deny(1) y z", "y", "z", 1},
        {"99999999999999999999 duplicate reports for Sandbox: x(1) deny(1) y", "y", "", 1000000},
        {"Sandbox: x(1) allow file-read-data /x", NULL, NULL, 0},
        {"Sandbox: x(1) deny(1) ", NULL, NULL, 0},
        {"Sandbox: ", NULL, NULL, 0},
        {"", NULL, NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        char *operation = NULL, *target = NULL;
        size_t count = 0;
        bool found = cage_maclog_message(cases[i].message, &operation, &target, &count);

        assert_int_equal(found, cases[i].operation != NULL);
        if (!found)
            continue;
        assert_string_equal(operation, cases[i].operation);
        assert_string_equal(target, cases[i].target);
        assert_int_equal(count, cases[i].count);
        free(operation);
        free(target);
    }
}

static void many_kinds_are_cut(void **state)
{
    CAGE_STRBUF_AUTO out = {0};
    struct cage_maclog log;

    (void)state;
    cage_strbuf_init(&out);
    cage_maclog_init(&log);
    for (int i = 0; i < 5000; i++) {
        cage_autofree char *line =
            cage_format("{\"eventMessage\":\"Sandbox: x(1) deny(1) file-read-data /%04d\"}", i);

        assert_true(cage_maclog_line(&log, line, strlen(line), NULL));
    }
    cage_maclog_summary(&log, &out);
    assert_non_null(strstr(out.buf, "Sandbox denials (5000 unique, 5000 total):\n"));
    assert_non_null(strstr(out.buf, "... and 4980 more\n"));
    cage_maclog_finish(&log);
}

static void nothing_is_nothing(void **state)
{
    CAGE_STRBUF_AUTO out = {0};
    struct cage_maclog log;

    (void)state;
    cage_strbuf_init(&out);
    cage_maclog_init(&log);
    assert_false(cage_maclog_line(&log, "{}", 2, NULL));
    assert_false(cage_maclog_line(&log, "\0\xff", 2, NULL));
    assert_true(cage_maclog_is_ready("Filtering the log data using \"x\"", 32));
    assert_false(cage_maclog_is_ready("Filtering", 9));
    cage_maclog_summary(&log, &out);
    assert_string_equal(out.buf, "No sandbox denials detected\n");
    cage_maclog_finish(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_stream_is_summed_up),
        cmocka_unit_test(messages),
        cmocka_unit_test(many_kinds_are_cut),
        cmocka_unit_test(nothing_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
