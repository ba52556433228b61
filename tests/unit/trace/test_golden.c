/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What strace 6.1 wrote about real programs in a real cage, and the summary of it. The recordings begin with
 * the exec of the cage's init; paths of the machine they were made on became those of the described one.
 * UPDATE_GOLDEN=1 writes the summaries anew.
 */
#include "base/fs.h"
#include "base/mem.h"
#include "trace/summary.h"
#include "trace_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN TEST_SRCDIR "/../../golden/trace"

static const char toml[] = "[sandbox.filesystem]\nsystem = true\nblacklist = [\"~/proj/private\"]\n\n"
                           "[sandbox.network]\nallow = false\n";

/* What the recorded programs asked for and the machine had. */
static const char machine[] = "f /home/u/notes.txt\n"
                              "f /home/u/models/part1.bin\n"
                              "f /home/u/models/part2.bin\n"
                              "f /home/u/models/part3.bin\n"
                              "f /home/u/models/part4.bin\n"
                              "f /home/u/models/part5.bin\n"
                              "f /home/u/include/x.h\n"
                              "f /home/u/.npmrc\n"
                              "f /home/u/.ssh/config\n"
                              "f /home/u/.ssh/id_ed25519 mode=0600\n"
                              "f /home/u/.ssh/known_hosts\n"
                              "f /home/u/proj/private/key\n"
                              "d /home/u/proj/.vscode\n"
                              "d /home/u/proj/.git/hooks\n"
                              "f /home/u/proj/.git/config\n"
                              "f /home/u/proj/script mode=0755 text=#!/opt/tool/bin/tool\\n\n"
                              "f /opt/tool/bin/tool mode=0755\n"
                              "f /etc/shadow mode=0640\n"
                              "s /run/docker.sock\n"
                              "d /opt/data\n"
                              "f /opt/data/x\n";

static const char *const names[] = {
    "cat",  "git",  "git-config", "node",  "npm",    "python", "gcc",
    "ssh",  "curl", "ls",         "touch", "mkdir",  "rm",     "sh",
    "make", "tar",  "perl",       "mv",    "script", "chmod",  "python-socket",
};

static void check(const char *name)
{
    cage_autofree char *recorded = cage_format("%s/%s.strace", GOLDEN, name);
    cage_autofree char *path = cage_format("%s/%s.golden", GOLDEN, name);
    CAGE_STRBUF_AUTO text = {0}, want = {0}, got = {0};
    struct trace_fixture f;
    struct cage_error err;

    cage_strbuf_init(&text);
    cage_strbuf_init(&want);
    cage_strbuf_init(&got);
    assert_return_code(cage_fs_read(AT_FDCWD, recorded, 1 << 20, &text, &err), 0);
    trace_fixture_init(&f, toml, machine, true);
    trace_fixture_feed(&f, text.buf, text.len);
    cage_trace_summary(&f.log, &got);
    trace_fixture_finish(&f);
    if (getenv("UPDATE_GOLDEN")) {
        assert_return_code(cage_fs_write_atomic(AT_FDCWD, path, got.buf, got.len, 0644, &err), 0);
        return;
    }
    if (cage_fs_read(AT_FDCWD, path, 1 << 20, &want, &err) < 0)
        fail_msg("%s: %s", name, err.message);
    if (strcmp(want.buf, got.buf) != 0) {
        print_error("%s differs; it is now:\n%s\n", path, got.buf);
        fail_msg("%s", name);
    }
}

static void test_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAGE_LEN(names); i++)
        check(names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
