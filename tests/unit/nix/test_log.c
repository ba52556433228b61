/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "nix/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_path(const char *message, const char *want)
{
    char *got = cage_nix_log_path(message);

    if (want)
        assert_string_equal(got, want);
    else
        assert_null(got);
    free(got);
}

static void test_paths(void **state)
{
    (void)state;
    assert_path("evaluating file '/a/b.nix'", "/a/b.nix");
    assert_path("evaluating file '/it's/b.nix'", "/it's/b.nix");
    assert_path("copied source '/a' -> '/nix/store/x'", "/a");
    assert_path("copying '/a b' to the store", "/a b");
    assert_path("evaluating file '<nix/derivation-internal.nix>'", NULL);
    assert_path("evaluating file ''", NULL);
    assert_path("evaluating file '", NULL);
    assert_path("building '/nix/store/x.drv'...", NULL);
    assert_path("", NULL);
}

static const char sample[] =
    "@nix {\"action\":\"msg\",\"level\":4,\"msg\":\"evaluating file '/pkgs/default.nix'\"}\n"
    "@nix {\"action\":\"msg\",\"level\":4,\"msg\":\"evaluating file '/nix/store/x-source/flake.nix'\"}\n"
    "@nix {\"action\":\"msg\",\"level\":5,\"msg\":\"copied source '/pkgs/a' -> '/nix/store/y'\"}\n"
    "@nix {\"action\":\"start\",\"id\":1,\"level\":3,\"text\":\"building 'x.drv'\",\"type\":105}\n"
    "@nix {\"action\":\"start\",\"id\":2,\"level\":6,\"text\":\"querying\",\"type\":0}\n"
    "@nix {\"action\":\"result\",\"fields\":[\"a log line\"],\"id\":1,\"type\":101}\n"
    "@nix {\"action\":\"result\",\"fields\":[1,2],\"id\":1,\"type\":105}\n"
    "plain text\n"
    "@nix {broken\n"
    "@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"\\u001b[31;1merror:\\u001b[0m no\"}";

static void check(struct cage_nix_log *log)
{
    cage_nix_log_end(log);
    assert_int_equal(log->files.n, 2);
    assert_string_equal(log->files.items[0], "/pkgs/default.nix");
    assert_string_equal(log->files.items[1], "/pkgs/a");
    assert_int_equal(log->store_files.n, 1);
    assert_string_equal(log->text.buf,
                        "building 'x.drv'...\na log line\nplain text\n@nix {broken\nerror: no\n");
}

static void test_feed_in_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < sizeof sample; piece = piece * 3 + 1) {
        struct cage_nix_log log;

        cage_nix_log_init(&log, -1, false);
        for (size_t at = 0; at < sizeof sample - 1; at += piece) {
            size_t left = sizeof sample - 1 - at;

            cage_nix_log_feed(&log, sample + at, left < piece ? left : piece);
        }
        check(&log);
        cage_nix_log_finish(&log);
    }
}

static void test_long_and_odd_input(void **state)
{
    struct cage_nix_log log;
    char chunk[4096];

    (void)state;
    memset(chunk, 'x', sizeof chunk);
    cage_nix_log_init(&log, -1, false);
    for (int i = 0; i < 1000; i++)
        cage_nix_log_feed(&log, chunk, sizeof chunk);
    cage_nix_log_feed(&log, "\n\0\n@nix []\n@nix 1\n@nix {\"action\":1}\n", 37);
    for (int i = 0; i < 400; i++) {
        cage_nix_log_feed(&log, chunk, sizeof chunk);
        cage_nix_log_feed(&log, "\n", 1);
    }
    cage_nix_log_feed(&log, "the end\n", 8);
    assert_true(log.text.len < (size_t)2 << 20);
    assert_non_null(strstr(log.text.buf, "the end\n"));
    cage_nix_log_finish(&log);
}

/* What was written to the pipe so far. */
static const char *written(int fd, char text[1024])
{
    ssize_t n = read(fd, text, 1023);

    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void test_patience(void **state)
{
    static const char warning[] =
        "@nix {\"action\":\"msg\",\"level\":1,\"msg\":\"\\u001b[35;1mwarning:\\u001b[0m old\"}\n";
    struct cage_nix_log log;
    char text[1024];
    int ends[2];

    (void)state;
    assert_return_code(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    cage_nix_log_init(&log, ends[1], false);
    log.patient = true;
    cage_nix_log_feed(&log, sample, sizeof sample - 1);
    cage_nix_log_feed(&log, "\n", 1);
    assert_string_equal(written(ends[0], text), "");
    cage_nix_log_feed(&log, warning, sizeof warning - 1);
    assert_string_equal(written(ends[0], text), "warning: old\n");
    cage_nix_log_release(&log);
    assert_string_equal(written(ends[0], text),
                        "building 'x.drv'...\na log line\nplain text\n@nix {broken\nerror: no\n");
    cage_nix_log_release(&log);
    assert_string_equal(written(ends[0], text), "");
    cage_nix_log_finish(&log);
    close(ends[0]);
    close(ends[1]);
}

static void test_progress(void **state)
{
    struct cage_nix_log log;
    char text[1024], wide[300];
    int ends[2];

    (void)state;
    assert_return_code(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    cage_nix_log_init(&log, ends[1], true);
    cage_nix_progress_begin(&log.progress, ends[1], "xterm", "asking for \033[2Jx");
    assert_string_equal(written(ends[0], text), "nixcage: asking for \\x1b[2Jx...");
    cage_nix_log_feed(&log, "text\n", 5);
    assert_string_equal(written(ends[0], text), "\r\033[Ktext\nnixcage: asking for \\x1b[2Jx...");
    cage_nix_progress_hide(&log.progress);
    cage_nix_progress_hide(&log.progress);
    assert_string_equal(written(ends[0], text), "\r\033[K");
    cage_nix_progress_end(&log.progress);
    assert_string_equal(written(ends[0], text), "");
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    cage_nix_progress_begin(&log.progress, ends[1], "xterm", wide);
    assert_int_equal(strlen(written(ends[0], text)), 79);
    cage_nix_progress_begin(&log.progress, ends[1], "dumb", "x");
    assert_string_equal(written(ends[0], text), "\r\033[Knixcage: x...\n");
    cage_nix_progress_begin(&log.progress, -1, "xterm", "x");
    cage_nix_log_finish(&log);
    assert_string_equal(written(ends[0], text), "");
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_feed_in_pieces),
        cmocka_unit_test(test_long_and_odd_input),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_progress),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
