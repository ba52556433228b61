/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of strace, whole, broken and hostile, and what becomes of them. */
#include "base/mem.h"
#include "trace/event.h"
#include "tracer/calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

static char *here(void *context, long pid)
{
    (void)context;
    return pid == 7 ? cage_strdup("/cwd") : NULL;
}

static void test_events(void **state)
{
    static const struct {
        const char *line;
        const char *target; /* NULL: no event */
        enum cage_event_kind kind;
        int port;
        bool write;
    } rows[] = {
        {"7<cat> openat(AT_FDCWD</tmp>, \"/etc/shadow\", O_RDONLY) = -1 ENOENT (No such file or directory)",
         "/etc/shadow", CAGE_EVENT_FILE, 0, false},
        {"7<cat> openat(AT_FDCWD</tmp>, \"a\", O_RDWR|O_CREAT, 0666) = -1 EROFS (Read-only file system)",
         "/tmp/a", CAGE_EVENT_FILE, 0, true},
        {"7<c> openat(3</a\\76b>, \"../c\", O_RDONLY) = -1 ENOENT (x)", "/a>b/../c", CAGE_EVENT_FILE, 0,
         false},
        {"7<cat> mkdir(\"x\", 0777) = -1 EROFS (Read-only file system)", "/cwd/x", CAGE_EVENT_FILE, 0, true},
        {"8<cat> mkdir(\"x\", 0777) = -1 EROFS (Read-only file system)", NULL, CAGE_EVENT_FILE, 0, false},
        {"7 access(\"/\\303\\244\\n\", R_OK) = -1 EACCES (Permission denied)", "/\303\244\n", CAGE_EVENT_FILE,
         0, false},
        {"7 access(\"/a\\0b\", R_OK) = -1 EACCES (Permission denied)", NULL, CAGE_EVENT_FILE, 0, false},
        {"7 access(\"/long\"..., R_OK) = -1 ENOENT (x)", NULL, CAGE_EVENT_FILE, 0, false},
        {"7 rename(\"/a\", \"/b\") = -1 EROFS (x)", "/b", CAGE_EVENT_FILE, 0, true},
        {"7 rename(\"/a\", \"/b\") = -1 EBUSY (x)", "/a", CAGE_EVENT_FILE, 0, true},
        {"7 renameat2(AT_FDCWD</x>, \"a\", AT_FDCWD</y>, \"b\", RENAME_NOREPLACE) = -1 EROFS (x)", "/y/b",
         CAGE_EVENT_FILE, 0, true},
        {"7 access(\"/q\", R_OK) = 0", NULL, CAGE_EVENT_FILE, 0, false},
        {"7 access(\"/q\", R_OK) = ?", NULL, CAGE_EVENT_FILE, 0, false},
        {"7 access(\"/q\", R_OK) = -1 EINTR (x)", NULL, CAGE_EVENT_FILE, 0, false},
        {"7 +++ exited with 1 +++", NULL, CAGE_EVENT_FILE, 0, false},
        {"7<x> --- SIGCHLD {si_signo=SIGCHLD} ---", NULL, CAGE_EVENT_FILE, 0, false},
        {"7 connect(3<socket:[123]>, {sa_family=AF_INET, sin_port=htons(80), "
         "sin_addr=inet_addr(\"1.2.3.4\")}, "
         "16) = -1 ENETUNREACH (Network is unreachable)",
         "1.2.3.4", CAGE_EVENT_NET, 80, false},
        {"7 connect(3<socket:[1]>, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), "
         "inet_pton(AF_INET6, \"2606::1\", &sin6_addr), sin6_scope_id=0}, 28) = -1 ENETUNREACH (x)",
         "2606::1", CAGE_EVENT_NET, 443, false},
        {"7 connect(3<s>, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 15) = -1 ENOENT (x)", "/run/x",
         CAGE_EVENT_UNIX, 0, false},
        {"7 connect(3<s>, {sa_family=AF_UNIX, sun_path=@\"abc\"}, 7) = -1 ECONNREFUSED (x)", "@abc",
         CAGE_EVENT_UNIX, 0, false},
        {"7 socket(AF_PACKET, SOCK_RAW, 0) = -1 EAFNOSUPPORT (x)", "AF_PACKET", CAGE_EVENT_REFUSED, 0, false},
        {"", NULL, CAGE_EVENT_FILE, 0, false},
        {"7", NULL, CAGE_EVENT_FILE, 0, false},
        {"7 access(", NULL, CAGE_EVENT_FILE, 0, false},
        {"7 access(\"", NULL, CAGE_EVENT_FILE, 0, false},
        {"7 access(\"/q\\", NULL, CAGE_EVENT_FILE, 0, false},
        {"7 access() = -1 ENOENT", NULL, CAGE_EVENT_FILE, 0, false},
        {"strace: something", NULL, CAGE_EVENT_FILE, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(rows); i++) {
        struct cage_strace_line line;
        struct cage_event event = {0};
        struct cage_slice rest;
        bool made = cage_strace_read(rows[i].line, strlen(rows[i].line), &line, &rest) == CAGE_STRACE_CALL &&
                    cage_event_read(&line, here, NULL, &event);

        if (made != (rows[i].target != NULL))
            fail_msg("%s", rows[i].line);
        if (made) {
            cage_autofree char *want = rows[i].kind == CAGE_EVENT_FILE && strstr(rows[i].target, "..")
                                           ? cage_strdup("/c")
                                           : cage_strdup(rows[i].target);

            assert_string_equal(event.target, want);
            assert_int_equal(event.kind, rows[i].kind);
            assert_int_equal(event.port, rows[i].port);
            assert_int_equal(event.write, rows[i].write);
        }
        cage_event_finish(&event);
    }
}

static void test_parts(void **state)
{
    static const char first[] = "7<a> openat(AT_FDCWD</>, <unfinished ...>";
    static const char second[] = "7<a> <... openat resumed>\"/x\", O_RDONLY) = -1 ENOENT (x)";
    struct cage_strace_line line;
    struct cage_slice rest;

    (void)state;
    assert_int_equal(cage_strace_read(first, strlen(first), &line, &rest), CAGE_STRACE_UNFINISHED);
    assert_int_equal(line.pid, 7);
    assert_int_equal(rest.n, strlen("7<a> openat(AT_FDCWD</>,"));
    assert_int_equal(cage_strace_read(second, strlen(second), &line, &rest), CAGE_STRACE_RESUMED);
    assert_memory_equal(rest.at, "\"/x\", O_RDONLY)", 15);
    assert_int_equal(cage_strace_read("7<a> +++ exited with 0 +++", 26, &line, &rest), CAGE_STRACE_ENDED);
}

/* Every call that the tracer stops at is understood, and where its arguments stand. */
static void test_calls(void **state)
{
    const struct cage_call *call;

    (void)state;
    for (size_t i = 0; (call = cage_call_at(i)); i++) {
        static const char *const forms[] = {
            ['d'] = "AT_FDCWD</cwd>",
            ['s'] = "\"/right\"",
            ['f'] = "O_RDONLY",
            ['h'] = "O_RDONLY",
            ['a'] = "{sa_family=AF_UNIX, sun_path=\"/right\"}",
            ['n'] = "/right",
            ['-'] = "0",
        };
        CAGE_STRBUF_AUTO text = {0};
        struct cage_strace_line line;
        struct cage_event event = {0};
        struct cage_slice rest;

        cage_strbuf_init(&text);
        cage_strbuf_addf(&text, "7<x> %s(", call->name);
        for (size_t n = 0; call->args[n]; n++)
            cage_strbuf_addf(&text, "%s%s", n ? ", " : "", forms[(unsigned char)call->args[n]]);
        cage_strbuf_add(&text, ") = -1 EPERM");
        if (cage_strace_read(text.buf, text.len, &line, &rest) != CAGE_STRACE_CALL ||
            !cage_event_read(&line, NULL, NULL, &event) ||
            strcmp(event.target, call->args[0] == '-' && !call->args[1] ? "" : "/right") != 0)
            fail_msg("%s: %s", text.buf, event.target ? event.target : "no event");
        assert_string_equal(event.error, "EPERM");
        cage_event_finish(&event);
    }
    assert_ptr_equal(cage_call_find(cage_call_at(0)->nr), cage_call_at(0));
    assert_null(cage_call_find(SYS_read));
    assert_null(cage_call_find(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_events), cmocka_unit_test(test_parts),
                                       cmocka_unit_test(test_calls)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
