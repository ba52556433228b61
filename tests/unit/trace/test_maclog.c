/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What macOS would log about real programs in a cage, and the summary of it. The lines have the forms that
 * are public of macOS 12 to 15; nobody recorded these. UPDATE_GOLDEN=1 writes the summaries anew.
 */
#include "base/test.h"

#include "../backend/sbpl_eval.h"
#include "../plan/plan_fixture.h"
#include "backend/seatbelt_job.h"
#include "base/fs.h"
#include "base/mem.h"
#include "trace/maclog.h"
#include "trace/maclog_trace.h"
#include "trace/summary.h"

#include <fcntl.h>
#include <unistd.h>

#define GOLDEN TEST_SRCDIR "/../../golden/maclog/"
#define TAG "nixcage-0123456789abcdef"
#define NET "[sandbox.network]\n"
#define FS "[sandbox.filesystem]\n"

/* What the programs asked for and the Mac has, beside what it always has. */
static const char machine[] = "f /Users/ada/.ssh/id_ed25519 mode=0600\n"
                              "f /Users/ada/.ssh/config\n"
                              "f /Users/ada/.ssh/known_hosts\n"
                              "f /Users/ada/.npmrc\n"
                              "d /Users/ada/.npm/_cacache/tmp\n"
                              "f /Users/ada/Library/Keychains/login.keychain-db\n"
                              "f /Users/ada/Library/Preferences/com.apple.dt.Xcode.plist\n"
                              "f /Users/ada/.CFUserTextEncoding\n"
                              "f /Users/ada/data/part1.bin\n"
                              "f /Users/ada/data/part2.bin\n"
                              "f /Users/ada/data/part3.bin\n"
                              "f /Users/ada/data/part4.bin\n"
                              "f /Users/ada/data/part5.bin\n"
                              "f /Users/ada/ro/in.csv\n"
                              "s /Users/ada/work/app.sock\n"
                              "f /Users/ada/work/src/main.c\n"
                              "f /Users/ada/work/secret/key\n"
                              "f /opt/homebrew/bin/python3 mode=0755\n"
                              "f /opt/homebrew/etc/openssl@3/openssl.cnf\n"
                              "d /opt/homebrew/lib/node_modules\n"
                              "f /Library/Preferences/com.apple.networkd.plist\n"
                              "f /Library/Developer/CommandLineTools/usr/bin/clang mode=0755\n"
                              "f /Library/Developer/CommandLineTools/usr/lib/libxcrun.dylib\n"
                              "f /Applications/Xcode.app/Contents/Info.plist\n"
                              "l /private/var/db/xcode_select_link /Library/Developer/CommandLineTools\n"
                              "d /private/var/folders/zz/abc/T\n";

static const struct {
    const char *name, *toml;
} logs[] = {
    {"cat", ""},
    {"git", ""},
    {"node", NET "allow = false\n"},
    {"npm", NET "hosts = [\"registry.npmjs.org\"]\n"},
    {"python", FS "ro_bind = [\"~/ro\"]\n"},
    {"curl", NET "allow = false\n"},
    {"ssh", NET "hosts = [\"github.com:22\"]\n"},
    {"clang", ""},
    {"duplicates", ""},
    {"sugid", ""},
    {"hidden", "[sandbox]\nlevel = \"relaxed\"\n" FS "blacklist = [\"~/.ssh\", \"~/work/secret\"]\n"},
    {"strict", "[sandbox]\nlevel = \"strict\"\n"},
    {"stream", ""},
};

struct fixture {
    struct plan_fixture plan;
    struct cage_maclog_trace trace;
};

static void finish(struct fixture *f)
{
    cage_maclog_trace_finish(&f->trace);
    plan_fixture_finish(&f->plan);
}

static void start_with(struct fixture *f, const char *more, const char *toml, int events)
{
    struct cage_judge judge = {.plan = &f->plan.plan, .config = &f->plan.config, .host = &f->plan.host};

    plan_fixture_init(&f->plan, "mac", "/Users/ada/work", more);
    if (plan_fixture_build(&f->plan, toml) < 0)
        fail_msg("%s", f->plan.err.message);
    free(f->plan.config.file);
    f->plan.config.file = cage_strdup("/Users/ada/work/nixcage.toml");
    assert_true(f->plan.plan.in_place);
    cage_maclog_trace_init(&f->trace, &judge, events);
}

static void start(struct fixture *f, const char *toml, int events)
{
    start_with(f, machine, toml, events);
}

static size_t feed(struct fixture *f, const char *text, const char *tag)
{
    size_t found = 0;

    while (*text) {
        size_t n = strcspn(text, "\n");

        found += f->trace.denials.take(f->trace.denials.context, text, n, tag);
        text += n + (text[n] == '\n');
    }
    return found;
}

static void one_message(struct fixture *f, const char *message)
{
    cage_autofree char *line = cage_format("{\"eventMessage\":\"%s\"}\n", message);

    if (feed(f, line, NULL) != 1)
        fail_msg("not a denial: %s", message);
}

/* The decision of the profile that the plan makes; *known: whether the model knows the operation. */
static bool profile_allows(struct fixture *f, const struct cage_event *event, bool *known)
{
    const struct cage_seatbelt_session session = {
        .dir = "/private/tmp/nixcage-501-Ab12Cd", .tag = TAG, .gate_port = 8118};
    CAGE_CLEANUP(cage_seatbelt_job_finish) struct cage_seatbelt_job job = {0};
    CAGE_STRBUF_AUTO text = {0};
    bool is_path = event->kind == CAGE_EVENT_FILE || event->kind == CAGE_EVENT_UNIX;
    /* "*" is what the kernel logs for localhost, too. */
    bool own = strcmp(event->target, "::1") == 0 || strncmp(event->target, "127.", 4) == 0 ||
               (event->write && strcmp(event->target, "*") == 0);
    cage_autofree char *address = cage_format("%s:%u", own ? "localhost" : "203.0.113.1", event->port);
    struct sbpl_query query = {.operation = event->call, .target = "others"};
    struct sbpl_profile profile = {0};
    char why[256];
    bool allowed;

    *known = sbpl_known_operation(event->call);
    if (!*known)
        return false;
    if (is_path)
        query.path = event->target;
    else if (event->kind == CAGE_EVENT_NET && event->write)
        query.local = address;
    else if (event->kind == CAGE_EVENT_NET)
        query.remote = address;
    else
        query.name = event->target;
    cage_strbuf_init(&text);
    if (cage_seatbelt_job_make(&job, &f->plan.plan, &f->plan.host, &session, &f->plan.err) < 0 ||
        cage_seatbelt_render(&job.input, &text, &f->plan.err) < 0)
        fail_msg("%s", f->plan.err.message);
    if (!sbpl_parse(text.buf, &profile, why, sizeof why))
        fail_msg("%s", why);
    allowed = sbpl_allowed(&profile, &query);
    sbpl_finish(&profile);
    return allowed;
}

static void compare(const char *file, const struct cage_strbuf *got)
{
    cage_autofree char *path = cage_format(GOLDEN "%s", file);
    CAGE_STRBUF_AUTO want = {0};
    struct cage_error err;

    cage_strbuf_init(&want);
    if (getenv("UPDATE_GOLDEN"))
        assert_int_equal(cage_fs_write_atomic(AT_FDCWD, path, got->buf, got->len, 0644, &err), 0);
    if (cage_fs_read(AT_FDCWD, path, 1 << 20, &want, &err) < 0)
        fail_msg("%s: %s", file, err.message);
    if (strcmp(want.buf, got->buf) != 0)
        fail_msg("%s differs; it is now:\n%s", file, got->buf);
}

static void check_log(const char *name, const char *toml)
{
    cage_autofree char *recorded = cage_format(GOLDEN "%s.ndjson", name);
    cage_autofree char *summary = cage_format("%s.golden", name), *lines = cage_format("%s.jsonl", name);
    CAGE_STRBUF_AUTO text = {0}, got = {0}, json = {0};
    CAGE_CLEANUP(finish) struct fixture f = {0};
    int events = cage_fs_memfd("events", "", 0, &(struct cage_error){0});
    struct cage_error err;

    cage_strbuf_init(&text);
    cage_strbuf_init(&got);
    cage_strbuf_init(&json);
    assert_true(events >= 0);
    assert_int_equal(cage_fs_read(AT_FDCWD, recorded, 1 << 20, &text, &err), 0);
    start(&f, toml, events);
    assert_true(feed(&f, text.buf, TAG) > 0);
    cage_maclog_trace_end(&f.trace, &got);
    compare(summary, &got);
    assert_int_equal(lseek(events, 0, SEEK_SET), 0);
    assert_int_equal(cage_fs_read_fd(events, 1 << 20, &json, &err), 0);
    close(events);
    compare(lines, &json);
}

static void logs_are_summed_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAGE_LEN(logs); i++)
        check_log(logs[i].name, logs[i].toml);
}

/* Nobody recorded the logs, but they could have come about: what they say was denied, the profile denies. */
static void logs_are_possible(void **state)
{
    size_t asked = 0;

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(logs); i++) {
        cage_autofree char *recorded = cage_format(GOLDEN "%s.ndjson", logs[i].name);
        CAGE_CLEANUP(finish) struct fixture f = {0};
        CAGE_STRBUF_AUTO text = {0};
        struct cage_error err;

        cage_strbuf_init(&text);
        assert_int_equal(cage_fs_read(AT_FDCWD, recorded, 1 << 20, &text, &err), 0);
        start(&f, logs[i].toml, -1);
        feed(&f, text.buf, TAG);
        /* Made up to be odd, not to be possible. */
        for (size_t k = 0; k < f.trace.log.n && strcmp(logs[i].name, "stream") != 0; k++) {
            const struct cage_event *event = &f.trace.log.entries[k].event;
            bool known;

            if (profile_allows(&f, event, &known))
                fail_msg("%s: %s %s is allowed", logs[i].name, event->call, event->target);
            asked += known;
        }
    }
    assert_true(asked > 80);
}

static void messages(void **state)
{
    const struct {
        const char *message, *program;
        long pid;
        const char *operation, *target;
        size_t count;
    } cases[] = {
        {"Sandbox: cat(1234) deny(1) file-read-data /Users/x/.ssh/id", "cat", 1234, "file-read-data",
         "/Users/x/.ssh/id", 1},
        {"3 duplicate reports for Sandbox: git(5678) deny(1) file-read-data /etc/gitconfig", "git", 5678,
         "file-read-data", "/etc/gitconfig", 3},
        {"Sandbox: bash(80139) deny(1) forbidden-exec-sugid", "bash", 80139, "forbidden-exec-sugid", "", 1},
        {"Sandbox: a b(1) deny(1) file-read-data /with two  spaces ", "a b", 1, "file-read-data",
         "/with two  spaces ", 1},
        {"Sandbox: a) deny(1) x(2) deny(1) file-read-data /x", "a) deny(1) x", 2, "file-read-data", "/x", 1},
        {"Sandbox: a(9)(2) deny(1) y", "a(9)", 2, "y", "", 1},
        {"System Policy: Sandbox: x(1) deny(1) y z", "x", 1, "y", "z", 1},
        {"99999999999999999999 duplicate reports for Sandbox: x(1) deny(1) y", "x", 1, "y", "", 1000000},
        {"Sandbox: x(1) allow file-read-data /x", NULL, 0, NULL, NULL, 0},
        {"Sandbox: x(1) deny(1) ", NULL, 0, NULL, NULL, 0},
        {"Sandbox: ", NULL, 0, NULL, NULL, 0},
        {"", NULL, 0, NULL, NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        struct cage_maclog_denial denial;
        bool found = cage_maclog_message(cases[i].message, &denial);

        assert_int_equal(found, cases[i].operation != NULL);
        if (!found)
            continue;
        assert_string_equal(denial.program, cases[i].program);
        assert_int_equal(denial.pid, cases[i].pid);
        assert_string_equal(denial.operation, cases[i].operation);
        assert_string_equal(denial.target, cases[i].target);
        assert_int_equal(denial.count, cases[i].count);
        cage_maclog_denial_finish(&denial);
    }
}

static void events(void **state)
{
    const struct {
        const char *what;
        enum cage_event_kind kind;
        const char *target;
        unsigned port;
        bool write, execute;
    } cases[] = {
        {"file-read-data /x/../y", CAGE_EVENT_FILE, "/y", 0, false, false},
        {"file-write-create /x", CAGE_EVENT_FILE, "/x", 0, true, false},
        {"file-link /x", CAGE_EVENT_FILE, "/x", 0, true, false},
        {"process-exec* /x", CAGE_EVENT_FILE, "/x", 0, false, true},
        {"file-read-data", CAGE_EVENT_SYSTEM, "", 0, false, false},
        {"network-outbound remote:*:443", CAGE_EVENT_NET, "*", 443, false, false},
        {"network-outbound 192.0.2.1:80", CAGE_EVENT_NET, "192.0.2.1", 80, false, false},
        {"network-outbound remote:[::1]:80", CAGE_EVENT_NET, "::1", 80, false, false},
        {"network-outbound remote:::1:80", CAGE_EVENT_NET, "::1", 80, false, false},
        {"network-bind local:*:0", CAGE_EVENT_NET, "*", 0, true, false},
        {"network-outbound remote:*:65536", CAGE_EVENT_SYSTEM, "remote:*:65536", 0, false, false},
        {"network-outbound remote:*:", CAGE_EVENT_SYSTEM, "remote:*:", 0, false, false},
        {"network-outbound :1", CAGE_EVENT_SYSTEM, ":1", 0, false, false},
        {"network-outbound", CAGE_EVENT_SYSTEM, "", 0, false, false},
        {"network-outbound /private/var/run/x", CAGE_EVENT_UNIX, "/private/var/run/x", 0, false, false},
        {"mach-lookup com.apple.x (xpc)", CAGE_EVENT_SYSTEM, "com.apple.x (xpc)", 0, false, false},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        cage_autofree char *message = cage_format("Sandbox: x(1) deny(1) %s", cases[i].what);
        struct cage_maclog_denial denial;
        struct cage_event event;

        assert_true(cage_maclog_message(message, &denial));
        cage_maclog_event(&denial, &event);
        assert_null(denial.program);
        if (event.kind != cases[i].kind || strcmp(event.target, cases[i].target) != 0 ||
            event.port != cases[i].port || event.write != cases[i].write || event.execute != cases[i].execute)
            fail_msg("%s: %d %s %u", cases[i].what, (int)event.kind, event.target, (unsigned)event.port);
        cage_event_finish(&event);
    }
}

/* The line that would allow it, taken at its word: with it the plan grants what was denied. */
static void advice_is_true(void **state)
{
    const struct {
        const char *denied, *toml, *fix, *fixed;
    } cases[] = {
        {"file-read-data /Users/ada/data/part1.bin", "",
         "ro_bind = [\"~/data/part1.bin\"] in [sandbox.filesystem]", FS "ro_bind = [\"~/data/part1.bin\"]\n"},
        {"file-write-create /Users/ada/data/new", "", "rw_bind = [\"~/data\"] in [sandbox.filesystem]",
         FS "rw_bind = [\"~/data\"]\n"},
        {"network-outbound /private/var/run/com.apple.launchd.abc/Listeners", "",
         "ssh_agent = true in [cage]", "[cage]\nssh_agent = true\n"},
        {"network-bind local:*:8080", NET "allow = false\n",
         "expose = [8080] in [sandbox.network], if it listens on localhost",
         NET "allow = false\nexpose = [8080]\n"},
        {"network-outbound remote:127.0.0.1:5432", NET "allow = false\n",
         "host_ports = [5432] in [sandbox.network]", NET "allow = false\nhost_ports = [5432]\n"},
        {"file-read-data /opt/homebrew/etc/openssl@3/openssl.cnf", "",
         "system = true in [sandbox.filesystem]", FS "system = true\n"},
        {"process-exec* /Library/Developer/CommandLineTools/usr/bin/clang", "",
         "system = true in [sandbox.filesystem]", FS "system = true\n"},
        {"file-write-create /Users/ada/work/.git/hooks/pre-commit", "",
         "unprotect = [\".git/hooks\"] in [sandbox.filesystem]", FS "unprotect = [\".git/hooks\"]\n"},
        {"file-read-data /Users/ada/work/secret/key", FS "blacklist = [\"~/work/secret\"]\n",
         "take it out of blacklist, nixcage.toml:2", FS "blacklist = []\n"},
        {"file-write-data /Users/ada/ro/in.csv", FS "ro_bind = [\"~/ro\"]\n",
         "rw_bind = [\"~/ro\"] in [sandbox.filesystem]", FS "rw_bind = [\"~/ro\"]\n"},
        {"network-outbound /private/var/run/docker.sock", "",
         "ro_bind = [\"/private/var/run/docker.sock\"] in [sandbox.filesystem]",
         FS "ro_bind = [\"/private/var/run/docker.sock\"]\n"},
        {"network-outbound /private/var/run/mDNSResponder", NET "allow = false\n",
         "allow = true (nixcage.toml:2)", ""},
        {"network-outbound remote:203.0.113.1:443", NET "allow = false\n", "allow = true (nixcage.toml:2)",
         ""},
        {"mach-lookup com.apple.trustd.agent", NET "allow = false\n", "allow = true (nixcage.toml:2)", ""},
        {"file-read-data /Users/ada/work/src/main.c", "[sandbox]\nlevel = \"strict\"\n",
         "level = \"standard\" (nixcage.toml:2)", ""},
        {"ipc-posix-shm-write-create /psm_1", "[sandbox]\nlevel = \"strict\"\n",
         "level = \"standard\" (nixcage.toml:2)", ""},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        cage_autofree char *message = cage_format("Sandbox: x(1) deny(1) %s", cases[i].denied);
        CAGE_CLEANUP(finish) struct fixture f = {0}, fixed = {0};
        const struct cage_trace_entry *entry;
        bool known;

        start(&f, cases[i].toml, -1);
        one_message(&f, message);
        entry = &f.trace.log.entries[0];
        if (!entry->verdict.fix)
            fail_msg("%s: nothing would allow it", cases[i].denied);
        assert_string_equal(entry->verdict.fix, cases[i].fix);
        if (profile_allows(&f, &entry->event, &known) || !known)
            fail_msg("%s: was not denied", cases[i].denied);
        start(&fixed, cases[i].fixed, -1);
        if (!profile_allows(&fixed, &entry->event, &known))
            fail_msg("%s: is still denied", cases[i].denied);
    }
}

/* Protected, but not in the project: no line of unprotect can name it. */
static void a_worktree_has_its_hooks_elsewhere(void **state)
{
    static const char repository[] =
        "f /Users/ada/work/.git text=gitdir: /Users/ada/main/.git/worktrees/w\\n\n"
        "d /Users/ada/main/.git/hooks\nf /Users/ada/main/.git/config\n"
        "f /Users/ada/main/.git/worktrees/w/commondir text=../..\\n\n";
    CAGE_CLEANUP(finish) struct fixture f = {0};
    const struct cage_verdict *verdict;

    (void)state;
    start_with(&f, repository, FS "rw_bind = [\"/Users/ada/main/.git\"]\n", -1);
    one_message(&f, "Sandbox: git(1) deny(1) file-write-create /Users/ada/main/.git/hooks/x");
    verdict = &f.trace.log.entries[0].verdict;
    assert_int_equal(verdict->why, CAGE_WHY_PROTECTED);
    assert_non_null(strstr(verdict->reason, "the host executes or trusts /Users/ada/main/.git/hooks"));
    assert_null(verdict->fix);
}

static void many_kinds_are_cut(void **state)
{
    CAGE_STRBUF_AUTO out = {0};
    CAGE_CLEANUP(finish) struct fixture f = {0};

    (void)state;
    cage_strbuf_init(&out);
    start(&f, "", -1);
    for (int i = 0; i < 9000; i++) {
        cage_autofree char *message = cage_format("Sandbox: x(1) deny(1) sysctl-read kern.%d", i);

        one_message(&f, message);
    }
    cage_maclog_trace_end(&f.trace, &out);
    assert_non_null(strstr(out.buf, "Sandbox access failures (8192 unique, 8192 total):\n"));
    assert_non_null(strstr(out.buf, "  ... and 8172 more\n"));
    assert_non_null(strstr(out.buf, "Not looked at, because there were too many kinds: 808\n"));
}

static void nothing_is_nothing(void **state)
{
    CAGE_STRBUF_AUTO out = {0};
    CAGE_CLEANUP(finish) struct fixture f = {0};

    (void)state;
    cage_strbuf_init(&out);
    start(&f, "", -1);
    assert_int_equal(feed(&f, "{}\n{\"eventMessage\":42}\n[1,2\nnothing\n\xff\n", NULL), 0);
    cage_maclog_trace_end(&f.trace, &out);
    assert_string_equal(out.buf, "No sandbox access failures detected\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_are_summed_up), cmocka_unit_test(logs_are_possible),
        cmocka_unit_test(messages),           cmocka_unit_test(events),
        cmocka_unit_test(advice_is_true),     cmocka_unit_test(a_worktree_has_its_hooks_elsewhere),
        cmocka_unit_test(many_kinds_are_cut), cmocka_unit_test(nothing_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
