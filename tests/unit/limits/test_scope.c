/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said to systemd, and what is made of its answers: whole, in pieces, cut off and wrong. */
#include "base/mem.h"
#include "bus_messages.h"
#include "limits/bus.h"
#include "limits/scope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define UNIT "nixcage-42.scope"
#define JOB "/org/freedesktop/systemd1/job/7"

static const char ok[] = "OK 0123456789abcdef0123456789abcdef\r\n";

/* Gives it all of that, n bytes at a time, until it has made up its mind. */
static int take(struct cage_scope_talk *talk, const struct cage_strbuf *said, size_t n,
                struct cage_error *err)
{
    int rc = 0;

    for (size_t at = 0; at < said->len && rc == 0; at += n)
        rc = cage_scope_talk_take(talk, said->buf + at, n < said->len - at ? n : said->len - at, err);
    return rc;
}

/* A whole conversation that ends with this result, the end of the job before or after the answer. */
static void say_all(struct cage_strbuf *said, bool big, bool early, const char *result)
{
    cage_strbuf_init(said);
    cage_strbuf_add(said, ok);
    test_add_noise(said, big);
    if (early)
        test_add_removed(said, big, JOB, UNIT, result);
    test_add_removed(said, big, "/org/freedesktop/systemd1/job/8", "other.scope", "failed");
    test_add_job(said, big, JOB);
    test_add_noise(said, big);
    if (!early)
        test_add_removed(said, big, JOB, UNIT, result);
}

static void test_done(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        for (size_t n = 1; n < 700; n += 13) {
            CAGE_STRBUF_AUTO said = {0};
            struct cage_scope_talk talk;
            struct cage_error err = {0};

            cage_scope_talk_init(&talk, UNIT);
            say_all(&said, i & 1, i & 2, "done");
            assert_int_equal(take(&talk, &said, n, &err), 1);
            cage_scope_talk_finish(&talk);
        }
}

/* However much of it is missing, it is not taken for a scope. */
static void test_cut_off(void **state)
{
    CAGE_STRBUF_AUTO said = {0};

    (void)state;
    say_all(&said, false, false, "done");
    for (size_t n = 0; n < said.len; n++) {
        struct cage_scope_talk talk;
        struct cage_error err = {0};

        cage_scope_talk_init(&talk, UNIT);
        assert_int_equal(cage_scope_talk_take(&talk, said.buf, n, &err), 0);
        cage_scope_talk_finish(&talk);
    }
}

/* A byte that is another one is never read past the end (sanitizers look), and never crashes. */
static void test_spoiled(void **state)
{
    CAGE_STRBUF_AUTO said = {0};

    (void)state;
    say_all(&said, false, false, "done");
    for (size_t n = 0; n < said.len; n++)
        for (int by = 1; by < 256; by <<= 1) {
            struct cage_scope_talk talk;
            struct cage_error err = {0};
            char was = said.buf[n];

            cage_scope_talk_init(&talk, UNIT);
            said.buf[n] = (char)(was ^ by);
            (void)!cage_scope_talk_take(&talk, said.buf, said.len, &err);
            said.buf[n] = was;
            cage_scope_talk_finish(&talk);
        }
}

static void expect_refusal(const struct cage_strbuf *said, const char *text)
{
    struct cage_scope_talk talk;
    struct cage_error err = {0};

    cage_scope_talk_init(&talk, UNIT);
    assert_int_equal(take(&talk, said, said->len, &err), -1);
    assert_non_null(strstr(err.message, text));
    cage_scope_talk_finish(&talk);
}

static void test_refusals(void **state)
{
    CAGE_STRBUF_AUTO said = {0};

    (void)state;
    say_all(&said, false, false, "failed");
    expect_refusal(&said, "made no scope for the limits: failed");
    cage_strbuf_reset(&said);
    cage_strbuf_add(&said, ok);
    test_add_error(&said, true, "Unit nixcage-42.scope already exists.");
    expect_refusal(&said, "Unit nixcage-42.scope already exists.");
    cage_strbuf_reset(&said);
    cage_strbuf_add(&said, ok);
    test_add_error(&said, false, NULL);
    expect_refusal(&said, "does not say why");
    cage_strbuf_reset(&said);
    cage_strbuf_add(&said, "REJECTED EXTERNAL\r\n");
    expect_refusal(&said, "does not let us in");
    cage_strbuf_reset(&said);
    for (int i = 0; i < 1000; i++)
        cage_strbuf_addc(&said, 'O');
    expect_refusal(&said, "not understood");
}

/* What is larger than anything that systemd says, and what is no message. */
static void test_sizes(void **state)
{
    unsigned char head[CAGE_BUS_HEAD] = {'l', 4, 0, 1, 8, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0};

    (void)state;
    assert_int_equal(cage_bus_size(head), 16 + 8 + 8);
    head[7] = 0xff;
    assert_int_equal(cage_bus_size(head), 0);
    head[7] = 0;
    head[15] = 0xff;
    assert_int_equal(cage_bus_size(head), 0);
    head[15] = 0;
    head[0] = 'x';
    assert_int_equal(cage_bus_size(head), 0);
    head[0] = 'B';
    assert_int_equal(cage_bus_size(head), 0); /* the numbers are now large */
    head[0] = 'l';
    head[3] = 2;
    assert_int_equal(cage_bus_size(head), 0);
}

/* A listener in systemd's place. */
static int listen_at(struct sockaddr_un *addr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    *addr = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(addr->sun_path, sizeof addr->sun_path, "/tmp/nixcage-scope-%ld", (long)getpid());
    (void)unlink(addr->sun_path);
    assert_int_equal(bind(fd, (const struct sockaddr *)addr, sizeof *addr), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static bool has_text(const char *data, size_t n, const char *text)
{
    return memmem(data, n, text, strlen(text) + 1) != NULL; /* with its NUL */
}

/* Whether these bytes stand right behind a name: only the variant's signature and padding are between. */
static bool has_value(const char *data, size_t n, const char *name, const void *value, size_t size)
{
    const char *at = memmem(data, n, name, strlen(name) + 1);
    size_t left;

    if (!at)
        return false;
    at += strlen(name) + 1;
    left = n - (size_t)(at - data);
    return memmem(at, left < 12 + size ? left : 12 + size, value, size) != NULL;
}

static bool has_number(const char *data, size_t n, const char *name, uint64_t value)
{
    return has_value(data, n, name, &value, sizeof value);
}

/* One message and nothing else, well formed, about our unit and our limits. */
static void check_request(const char *message, size_t size)
{
    const char *texts[CAGE_BUS_MAX_TEXTS];
    struct cage_bus_message parsed;

    assert_int_equal(cage_bus_size((const unsigned char *)message), size);
    assert_true(cage_bus_parse((const unsigned char *)message, size, &parsed));
    assert_int_equal(parsed.type, CAGE_BUS_CALL);
    assert_string_equal(parsed.member, "StartTransientUnit");
    assert_string_equal(parsed.signature, "ssa(sv)a(sa(sv))");
    assert_true(cage_bus_texts(&parsed, "ss", texts));
    assert_string_equal(texts[0], UNIT);
    assert_string_equal(texts[1], "fail");
    assert_true(has_text(message, size, "inactive-or-failed"));
    assert_true(has_text(message, size, "user.slice"));
    assert_true(has_text(message, size, "Delegate"));
    assert_true(has_number(message, size, "CPUQuotaPerSecUSec", 1500000));
    assert_true(has_number(message, size, "MemoryMax", 64 << 20));
    assert_true(has_number(message, size, "MemorySwapMax", 0));
    assert_true(has_number(message, size, "TasksMax", 50));
    assert_true(
        has_value(message, size, "PIDs", (const uint32_t[]){8, 4242}, 8)); /* two, this one and who asks */
}

static void test_conversation(void **state)
{
    const struct cage_limits limits = {.cpus = 1.5, .memory = 64 << 20, .pids = 50};
    CAGE_STRBUF_AUTO said = {0};
    struct sockaddr_un addr;
    cage_autofd int listener = listen_at(&addr);
    cage_autofd int peer = -1;
    const struct cage_scope_request request = {.manager = addr.sun_path,
                                               .hurry = "/dev/null",
                                               .slice = "user.slice",
                                               .unit = UNIT,
                                               .pid = 4242,
                                               .limits = &limits};
    struct cage_scope *scope;
    struct cage_error err = {0};
    char data[4096], *message;
    ssize_t n;

    (void)state;
    scope = cage_scope_ask(&request, &err);
    assert_non_null(scope);
    peer = accept(listener, NULL, NULL);
    n = recv(peer, data, sizeof data, 0);
    assert_true(n > 0);
    assert_int_equal(data[0], 0);
    assert_int_equal(strncmp(data + 1, "AUTH EXTERNAL ", 14), 0);
    message = memmem(data, (size_t)n, "BEGIN\r\n", 7);
    assert_non_null(message);
    message += 7;
    check_request(message, (size_t)(data + n - message));
    say_all(&said, false, false, "done");
    assert_int_equal(send(peer, said.buf, said.len, 0), (ssize_t)said.len);
    assert_int_equal(cage_scope_wait(scope, &err), 0);
    cage_scope_free(scope);
    (void)unlink(addr.sun_path);
}

static void test_nobody(void **state)
{
    const struct cage_limits limits = {.pids = 50};
    struct sockaddr_un addr;
    int listener = listen_at(&addr);
    const struct cage_scope_request request = {
        .manager = addr.sun_path, .unit = UNIT, .pid = 4242, .limits = &limits};
    struct cage_scope *scope;
    struct cage_error err = {0};

    (void)state;
    scope = cage_scope_ask(&request, &err);
    assert_non_null(scope);
    close(accept(listener, NULL, NULL));
    close(listener);
    assert_int_equal(cage_scope_wait(scope, &err), -1);
    assert_non_null(strstr(err.message, "systemd"));
    cage_scope_free(scope);
    scope = cage_scope_ask(&request, &err);
    assert_non_null(scope);
    assert_int_equal(cage_scope_wait(scope, &err), -1);
    cage_scope_free(scope);
    assert_non_null(strstr(err.message, "cannot ask systemd for a scope on /tmp/nixcage-scope-"));
    (void)unlink(addr.sun_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_done),     cmocka_unit_test(test_cut_off), cmocka_unit_test(test_spoiled),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_sizes),   cmocka_unit_test(test_conversation),
        cmocka_unit_test(test_nobody),
    };

    return cmocka_run_group_tests_name("scope", tests, NULL, NULL);
}
