/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The capture of --debug on macOS, with a script in the place of log(1). */
#include "base/test.h"

#include "base/fs.h"
#include "base/mem.h"
#include "run/macos_log.h"

#include <fcntl.h>

static char *make_program(const char *dir, const char *text)
{
    struct cage_error err;
    char *path = cage_format("%s/log", dir);

    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, path, text, strlen(text), 0755, &err), 0);
    return path;
}

struct got {
    struct cage_strbuf lines;
    size_t all;
};

/* Keeps what is before the tag. */
static bool take(void *context, const char *line, size_t n, const char *tag)
{
    struct got *got = context;
    cage_autofree char *text = cage_strndup(line, n);
    char *at = strstr(text, tag);

    got->all++;
    if (!at)
        return false;
    *at = '\0';
    cage_strbuf_addf(&got->lines, "%s\n", text);
    return true;
}

/* The script learns the tag from a file, as the kernel would from the profile. */
static void capture(const char *dir, const char *text, const char *want, bool readable)
{
    cage_autofree char *program = make_program(dir, text);
    struct got got = {0};
    const struct cage_run_denials denials = {.take = take, .context = &got};
    struct cage_macos_log log;
    struct cage_error err = {0};

    cage_strbuf_init(&got.lines);
    assert_int_equal(cage_macos_log_start(&log, program, &denials, &err), 0);
    assert_int_equal(strlen(log.tag), 24);
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, "tag", log.tag, strlen(log.tag), 0600, &err), 0);
    for (int i = 0; i < 300 && !log.found && log.fd >= 0; i++) {
        usleep(10000);
        cage_macos_log_read(&log);
    }
    assert_int_equal(cage_macos_log_finish(&log, program), readable);
    assert_string_equal(got.lines.buf, want);
    cage_strbuf_finish(&got.lines);
}

#define DENIAL "echo denied $(cat tag)\n"

static void a_stream_is_read(void **state)
{
    capture(*state,
            "#!/bin/sh\n[ \"$1\" = stream ] || exit 1\nPATH=/usr/bin:/bin\necho 'Filtering the log data "
            "using x'\n"
            "while [ ! -e tag ]; do sleep 0.01; done\n" DENIAL "echo junk\nexec sleep 100\n",
            "denied \n", true);
}

static void what_the_stream_missed_is_asked_for(void **state)
{
    capture(*state,
            "#!/bin/sh\nPATH=/usr/bin:/bin\n"
            "if [ \"$1\" = stream ]; then echo 'Filtering the log data using x'; exit 0; fi\n" DENIAL,
            "denied \n", true);
}

/* A line of any length arrives whole, or not at all; a NUL in it is nothing special. */
static void long_lines_are_left_out(void **state)
{
    capture(*state,
            "#!/bin/sh\nPATH=/usr/bin:/bin\n[ \"$1\" = stream ] || exit 1\n"
            "echo 'Filtering the log data using x'\nwhile [ ! -e tag ]; do sleep 0.01; done\n"
            "head -c 100000 /dev/zero | tr '\\0' a; echo \"$(cat tag)\"\nprintf 'a\\0b\\n'\n" DENIAL
            "exec sleep 100\n",
            "denied \n", true);
}

static void a_log_that_is_closed_to_the_user_is_noticed(void **state)
{
    capture(*state, "#!/bin/sh\necho 'must be admin' >&2; exit 77\n", "", false);
    capture(*state, "#!/bin/sh\n[ \"$1\" = show ] || exit 77\n", "", true);
}

static void without_the_program_nothing_starts(void **state)
{
    struct cage_macos_log log;
    struct cage_error err = {0};

    (void)state;
    assert_int_equal(cage_macos_log_start(&log, "/nowhere/log", NULL, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
        T(a_stream_is_read),
        T(what_the_stream_missed_is_asked_for),
        T(long_lines_are_left_out),
        T(a_log_that_is_closed_to_the_user_is_noticed),
        T(without_the_program_nothing_starts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
