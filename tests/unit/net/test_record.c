/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_test.h"

#include "base/fs.h"
#include "net/record.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A log in a directory of its own. */
struct place {
    char dir[64], log[80], old[90];
    struct cage_record *record;
};

static void start(struct place *place)
{
    struct cage_error err = {0};
    (void)snprintf(place->dir, sizeof(place->dir), "/tmp/test-record.XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->log, sizeof(place->log), "%s/log.jsonl", place->dir);
    (void)snprintf(place->old, sizeof(place->old), "%s.1", place->log);
    place->record = cage_record_new(place->log, 42, &err);
    assert_non_null(place->record);
}

static void finish(struct place *place)
{
    cage_record_free(place->record);
    (void)unlink(place->log);
    (void)unlink(place->old);
    assert_int_equal(rmdir(place->dir), 0);
}

/* The lines of a log, each of which must be JSON. */
static json_t *read_lines(const char *path)
{
    json_t *lines = json_array();
    FILE *file = fopen(path, "re");
    char line[4096];
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        assert_int_equal(line[strlen(line) - 1], '\n');
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(object);
        json_array_append_new(lines, object);
    }
    (void)fclose(file);
    return lines;
}

static size_t count_lines(const char *path)
{
    json_t *lines = read_lines(path);
    size_t n = json_array_size(lines);
    json_decref(lines);
    return n;
}

static void add_denied(struct cage_record *record, const char *name, uint16_t port, bool can_allow)
{
    static const char reason[] = "not in hosts";
    cage_record_add(record,
                    &(struct cage_record_entry){.kind = port ? CAGE_RECORD_CONNECTION : CAGE_RECORD_NAME,
                                                .verdict = CAGE_RECORD_DENIED,
                                                .name = name,
                                                .port = port,
                                                .reason = reason,
                                                .can_allow = can_allow});
}

static void add_allowed(struct cage_record *record, const char *name)
{
    cage_record_add(record, &(struct cage_record_entry){.kind = CAGE_RECORD_CONNECTION,
                                                        .verdict = CAGE_RECORD_ALLOWED,
                                                        .name = name,
                                                        .port = 443,
                                                        .reason = "",
                                                        .sent = 5000000000,
                                                        .received = 2,
                                                        .ms = 17});
}

static void expect_text(const json_t *line, const char *key, const char *text)
{
    assert_string_equal(json_string_value(json_object_get(line, key)), text);
}

static void test_lines(void **state)
{
    (void)state;
    struct place place;
    struct stat st;
    start(&place);
    add_allowed(place.record, "api.test");
    add_denied(place.record, "evil\"}\n{\"x\":\"\x01", 0, false);
    json_t *lines = read_lines(place.log);
    assert_int_equal(json_array_size(lines), 2);
    const json_t *first = json_array_get(lines, 0), *second = json_array_get(lines, 1);
    expect_text(first, "kind", "connection");
    expect_text(first, "verdict", "allowed");
    expect_text(first, "name", "api.test");
    expect_text(first, "reason", "");
    assert_int_equal(json_integer_value(json_object_get(first, "run")), 42);
    assert_int_equal(json_integer_value(json_object_get(first, "port")), 443);
    assert_int_equal(json_integer_value(json_object_get(first, "sent")), 5000000000);
    assert_int_equal(json_integer_value(json_object_get(first, "received")), 2);
    assert_int_equal(json_integer_value(json_object_get(first, "ms")), 17);
    assert_int_equal(strlen(json_string_value(json_object_get(first, "time"))),
                     strlen("2026-01-01T00:00:00.000Z"));
    expect_text(second, "kind", "name");
    expect_text(second, "verdict", "denied");
    expect_text(second, "name", "evil\"}\n{\"x\":\"\x01"); /* a name cannot make a line of its own */
    json_decref(lines);
    assert_int_equal(stat(place.log, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    finish(&place);
}

static void test_denied_once(void **state)
{
    (void)state;
    struct place place;
    start(&place);
    for (int i = 0; i < 100; i++) {
        add_denied(place.record, "a.test", 0, true);
        add_denied(place.record, "a.test", 22, true);
        add_allowed(place.record, "b.test");
    }
    assert_int_equal(count_lines(place.log), 102);
    finish(&place);
}

static void test_appends(void **state)
{
    (void)state;
    struct place place;
    struct cage_error err = {0};
    start(&place);
    add_allowed(place.record, "a.test");
    struct cage_record *second = cage_record_new(place.log, 43, &err);
    assert_non_null(second);
    add_allowed(second, "b.test");
    add_allowed(place.record, "c.test");
    cage_record_free(second);
    assert_int_equal(count_lines(place.log), 3);
    finish(&place);
}

static void test_bad_files(void **state)
{
    (void)state;
    struct place place;
    struct cage_error err = {0};
    start(&place);
    assert_int_equal(symlink("target", place.old), 0); /* a link put in the log's place is not followed */
    assert_null(cage_record_new(place.old, 1, &err));
    assert_non_null(strstr(err.message, place.old));
    assert_null(cage_record_new("/tmp/no-such-directory/log", 1, &err));
    struct cage_record *none = cage_record_new(NULL, 1, &err);
    assert_non_null(none);
    add_denied(none, "a.test", 0, true);
    cage_record_free(none);
    finish(&place);
}

static off_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

/* Two gates write the same file: whichever sees the limit sets it aside, once, and both go on in the new one.
 */
static void test_rotation(void **state)
{
    (void)state;
    struct place place;
    struct cage_error err = {0};
    start(&place);
    struct cage_record *other = cage_record_new(place.log, 43, &err);
    assert_non_null(other);
    add_allowed(place.record, "before.test");
    assert_int_equal(truncate(place.log, CAGE_RECORD_MAX_BYTES - 1), 0);
    add_allowed(place.record, "last.test");
    assert_int_equal(size_of(place.old), -1);
    assert_true(size_of(place.log) > CAGE_RECORD_MAX_BYTES);
    off_t full = size_of(place.log);
    add_allowed(place.record, "new.test");
    assert_int_equal(size_of(place.old), full);
    assert_int_equal(count_lines(place.log), 1);
    add_allowed(other, "newer.test");
    assert_int_equal(size_of(place.old), full);
    assert_int_equal(count_lines(place.log), 2);
    cage_record_free(other);
    finish(&place);
}

/* Where the file cannot be set aside it grows no further than twice the limit. */
static void test_no_rotation(void **state)
{
    (void)state;
    struct place place;
    char inside[100];
    start(&place);
    (void)snprintf(inside, sizeof(inside), "%s/x", place.old);
    assert_int_equal(mkdir(place.old, 0700), 0);
    assert_int_equal(mkdir(inside, 0700), 0);
    assert_int_equal(truncate(place.log, 2 * CAGE_RECORD_MAX_BYTES - 1), 0);
    add_allowed(place.record, "last.test");
    off_t full = size_of(place.log);
    assert_true(full > 2 * CAGE_RECORD_MAX_BYTES);
    add_allowed(place.record, "more.test");
    assert_int_equal(size_of(place.log), full);
    assert_int_equal(rmdir(inside), 0);
    assert_int_equal(rmdir(place.old), 0);
    finish(&place);
}

static void expect_summary(const struct cage_record *record, const char *const *hosts, size_t n,
                           const char *text)
{
    struct cage_strbuf out;
    cage_strbuf_init(&out);
    cage_record_summary(record, hosts, n, &out);
    assert_string_equal(out.buf ? out.buf : "", text);
    cage_strbuf_finish(&out);
}

static void test_summary(void **state)
{
    (void)state;
    static const char *const hosts[] = {"api.test", "b.test:22"};
    struct place place;
    start(&place);
    add_allowed(place.record, "api.test");
    expect_summary(place.record, hosts, 2, "");
    add_denied(place.record, "other.test", 0, true);
    add_denied(place.record, "other.test", 0, true);
    cage_record_add(place.record, &(struct cage_record_entry){.kind = CAGE_RECORD_NAME,
                                                              .verdict = CAGE_RECORD_DENIED,
                                                              .name = "other.test",
                                                              .reason = "not in hosts",
                                                              .can_allow = true,
                                                              .echo = true});
    add_denied(place.record, "b.test", 22, true);  /* is there already */
    add_denied(place.record, "b.test", 443, true); /* a usual port needs no number */
    add_denied(place.record, "b.test", 80, true);  /* nor twice */
    add_denied(place.record, "b.test", 8443, true);
    add_denied(place.record, "2001:db8::1", 443, true);
    add_denied(place.record, "192.0.2.1", 80, true);
    add_denied(place.record, "od\x1b[31md\"", 0, false);
    expect_summary(
        place.record, hosts, 2,
        "network requests were denied:\n"
        "  other.test: not in hosts (2 times)\n"
        "  b.test port 22: not in hosts (1 time)\n"
        "  b.test port 443: not in hosts (1 time)\n"
        "  b.test port 80: not in hosts (1 time)\n"
        "  b.test port 8443: not in hosts (1 time)\n"
        "  2001:db8::1 port 443: not in hosts (1 time)\n"
        "  192.0.2.1 port 80: not in hosts (1 time)\n"
        "  od\\x1b[31md\": not in hosts (1 time)\n"
        "to allow: hosts = [\"api.test\", \"b.test:22\", \"other.test\", \"b.test\", \"b.test:8443\", "
        "\"[2001:db8::1]:443\", \"192.0.2.1\"]\n");
    finish(&place);
}

/* A cage that asks for ever new names grows neither the table nor the log without end. */
static void test_limits(void **state)
{
    (void)state;
    struct place place;
    struct cage_strbuf out;
    enum { MORE = 300, SHOWN = 10 };
    char name[32], expected[64];
    start(&place);
    for (int i = 0; i < CAGE_RECORD_MAX_DENIED + MORE; i++) {
        (void)snprintf(name, sizeof(name), "n%d.test", i);
        add_denied(place.record, name, 0, false);
    }
    assert_int_equal(count_lines(place.log), CAGE_RECORD_MAX_DENIED);
    cage_strbuf_init(&out);
    cage_record_summary(place.record, NULL, 0, &out);
    (void)snprintf(expected, sizeof(expected), "  and %d more, see `nixcage log`\n",
                   CAGE_RECORD_MAX_DENIED + MORE - SHOWN);
    assert_non_null(strstr(out.buf, expected));
    assert_non_null(strstr(out.buf, "n9.test"));
    assert_null(strstr(out.buf, "n10.test"));
    cage_strbuf_finish(&out);
    finish(&place);
}

static void test_path(void **state)
{
    (void)state;
    char *a = cage_record_path("/state", "/home/u/a"), *b = cage_record_path("/state", "/home/u/b");
    assert_true(strncmp(a, "/state/log/network-", 19) == 0);
    assert_string_not_equal(a, b);
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),    cmocka_unit_test(test_denied_once),
        cmocka_unit_test(test_appends),  cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_rotation), cmocka_unit_test(test_no_rotation),
        cmocka_unit_test(test_summary),  cmocka_unit_test(test_limits),
        cmocka_unit_test(test_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
