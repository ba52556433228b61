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

/* The script learns the tag from a file, as the kernel would from the profile. */
static void capture(const char *dir, const char *text, const char *want)
{
    CAGE_STRBUF_AUTO out = {0};
    cage_autofree char *program = make_program(dir, text);
    struct cage_macos_log log;
    struct cage_error err = {0};

    cage_strbuf_init(&out);
    assert_int_equal(cage_macos_log_start(&log, program, &err), 0);
    assert_int_equal(strlen(log.tag), 24);
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, "tag", log.tag, strlen(log.tag), 0600, &err), 0);
    for (int i = 0; i < 300 && log.found.n == 0 && log.fd >= 0; i++) {
        usleep(10000);
        cage_macos_log_read(&log);
    }
    cage_macos_log_finish(&log, program, &out);
    assert_string_equal(out.buf, want);
}

#define DENIAL                                                                                               \
    "printf '{\"eventMessage\":\"Sandbox: cat(1) deny(1) file-read-data /x\\\\n%s\"}\\n' \"$(cat tag)\"\n"

static void a_stream_is_read(void **state)
{
    capture(*state,
            "#!/bin/sh\n[ \"$1\" = stream ] || exit 1\nPATH=/usr/bin:/bin\necho 'Filtering the log data "
            "using x'\n"
            "while [ ! -e tag ]; do sleep 0.01; done\n" DENIAL "echo junk\nexec sleep 100\n",
            "Sandbox denials (1 unique, 1 total):\n      1  file-read-data  /x\n");
}

static void what_the_stream_missed_is_asked_for(void **state)
{
    capture(*state,
            "#!/bin/sh\nPATH=/usr/bin:/bin\n"
            "if [ \"$1\" = stream ]; then echo 'Filtering the log data using x'; exit 0; fi\n" DENIAL,
            "Sandbox denials (1 unique, 1 total):\n      1  file-read-data  /x\n");
}

static void without_the_program_nothing_starts(void **state)
{
    struct cage_macos_log log;
    struct cage_error err = {0};

    (void)state;
    assert_int_equal(cage_macos_log_start(&log, "/nowhere/log", &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
        T(a_stream_is_read),
        T(what_the_stream_missed_is_asked_for),
        T(without_the_program_nothing_starts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
