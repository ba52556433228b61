/* SPDX-License-Identifier: GPL-3.0-or-later */
/* docs/MACOS.md holds the decisions that the profiles make; this makes the page and compares. */
#include "base/test.h"

#include "backend/seatbelt_job.h"
#include "base/fs.h"
#include "base/mem.h"
#include "plan/plan_fixture.h"
#include "sbpl_eval.h"
#include "seatbelt_cases.h"

#include <fcntl.h>

#define ROOT TEST_SRCDIR "/../../.."

static const struct {
    const char *title, *toml;
} columns[] = {
    {"strict", "[sandbox]\nlevel = \"strict\"\n"},
    {"standard", "[sandbox]\nlevel = \"standard\"\n"},
    {"offline", "[sandbox.network]\nallow = false\n"},
    {"hosts", "[sandbox.network]\nhosts = [\"api.example.org\"]\n"},
    {"shared", "[nix]\nstore_mode = \"shared\"\n"},
    {"binds", "[sandbox.filesystem]\nrw_bind = [\"~/.claude\"]\nro_bind = [\"~/models\"]\n"},
    {"relaxed", "[sandbox]\nlevel = \"relaxed\"\n"},
    {"hidden",
     "[sandbox]\nlevel = \"relaxed\"\n[sandbox.filesystem]\nblacklist = [\"~/.ssh\", \"~/work/secret\"]\n"},
};

enum how { OPERATION, RENAME, LINK };

static const struct {
    const char *group, *access;
    enum how how;
    struct sbpl_query query; /* RENAME, LINK: path is the source, name the destination */
} rows[] = {
#define FILE_(access, op, where)                                                                             \
    {                                                                                                        \
        NULL, access, OPERATION,                                                                             \
        {                                                                                                    \
            .operation = op, .path = where                                                                   \
        }                                                                                                    \
    }
#define MOVE_(access, how, from, to)                                                                         \
    {                                                                                                        \
        NULL, access, how,                                                                                   \
        {                                                                                                    \
            .path = from, .name = to                                                                         \
        }                                                                                                    \
    }
    {"Project", NULL, OPERATION, {0}},
    FILE_("read a file", "file-read-data", CASE_PROJECT "/main.c"),
    FILE_("write a file", "file-write-data", CASE_PROJECT "/main.c"),
    FILE_("create a file", "file-write-create", CASE_PROJECT "/new"),
    FILE_("execute a program", "process-exec", CASE_PROJECT "/run.sh"),
    FILE_("load a library", "file-map-executable", CASE_PROJECT "/x.dylib"),
    FILE_("make a file set-uid", "file-write-setugid", CASE_PROJECT "/new"),
    MOVE_("hard-link a file", LINK, CASE_PROJECT "/a", CASE_PROJECT "/b"),
    MOVE_("rename the project", RENAME, CASE_PROJECT, CASE_SESSION "/home/x"),
    {"Protected files", NULL, OPERATION, {0}},
    FILE_("read nixcage.toml", "file-read-data", CASE_PROJECT "/nixcage.toml"),
    FILE_("write nixcage.toml", "file-write-data", CASE_PROJECT "/nixcage.toml"),
    FILE_("write .envrc", "file-write-data", CASE_PROJECT "/.envrc"),
    FILE_("create .git/hooks/pre-commit", "file-write-create", CASE_PROJECT "/.git/hooks/pre-commit"),
    FILE_("write .git/config", "file-write-data", CASE_PROJECT "/.git/config"),
    FILE_("write .git/index", "file-write-data", CASE_PROJECT "/.git/index"),
    MOVE_("rename .git", RENAME, CASE_PROJECT "/.git", CASE_PROJECT "/.g2"),
    FILE_("create .claude/settings.local.json", "file-write-create",
          CASE_PROJECT "/.claude/settings.local.json"),
    FILE_("create .mcp.json", "file-write-create", CASE_PROJECT "/.mcp.json"),
    FILE_("write in .nixcage", "file-write-create", CASE_PROJECT "/.nixcage/x"),
    FILE_("write in .nixcage/local", "file-write-create", CASE_PROJECT "/.nixcage/local/cache/x"),
    {"Home", NULL, OPERATION, {0}},
    FILE_("list the real home", "file-read-data", CASE_HOME),
    FILE_("read ~/.gitconfig", "file-read-data", CASE_HOME "/.gitconfig"),
    FILE_("write ~/.gitconfig", "file-write-data", CASE_HOME "/.gitconfig"),
    MOVE_("hard-link ~/.gitconfig into the project", LINK, CASE_HOME "/.gitconfig", CASE_PROJECT "/g"),
    FILE_("read ~/.ssh/id_ed25519", "file-read-data", CASE_HOME "/.ssh/id_ed25519"),
    FILE_("the same through /System/Volumes/Data", "file-read-data",
          "/System/Volumes/Data" CASE_HOME "/.ssh/id_ed25519"),
    FILE_("see that ~/.ssh exists", "file-read-metadata", CASE_HOME "/.ssh"),
    FILE_("read secret/ in the project", "file-read-data", CASE_PROJECT "/secret/x"),
    MOVE_("rename secret/ in the project", RENAME, CASE_PROJECT "/secret", CASE_PROJECT "/open"),
    FILE_("write ~/.claude/history", "file-write-create", CASE_HOME "/.claude/history"),
    FILE_("read ~/models/big", "file-read-data", CASE_HOME "/models/big/x"),
    FILE_("write ~/models/big", "file-write-create", CASE_HOME "/models/big/x"),
    FILE_("write in the session's home", "file-write-create", CASE_SESSION "/home/x"),
    {"System", NULL, OPERATION, {0}},
    FILE_("execute /usr/bin/env", "process-exec", "/usr/bin/env"),
    FILE_("read /etc/hosts", "file-read-data", "/private/etc/hosts"),
    FILE_("read /etc/sudoers", "file-read-data", "/private/etc/sudoers"),
    FILE_("write in /tmp", "file-write-create", "/private/tmp/x"),
    FILE_("write in the session's tmp", "file-write-create", CASE_SESSION "/tmp/x"),
    FILE_("read /Library/Keychains", "file-read-data", "/Library/Keychains/System.keychain"),
    FILE_("write to another terminal", "file-write-data", "/dev/ttys009"),
    FILE_("read a raw disk", "file-read-data", "/dev/disk0"),
    {NULL, "read kern.procargs2", OPERATION, {.operation = "sysctl-read", .name = "kern.procargs2"}},
    {NULL, "signal a process outside", OPERATION, {.operation = "signal", .target = "others"}},
    {NULL, "open an application (open, osascript)", OPERATION, {.operation = "lsopen"}},
    {NULL, "send Apple events", OPERATION, {.operation = "appleevent-send"}},
    {NULL, "use the keychain", OPERATION, {.operation = "mach-lookup", .name = "com.apple.SecurityServer"}},
    {NULL, "use the clipboard", OPERATION, {.operation = "mach-lookup", .name = "com.apple.pasteboard.1"}},
    {NULL, "push characters into the terminal", OPERATION, {.operation = "hid-control"}},
    {"Nix", NULL, OPERATION, {0}},
    FILE_("read the store", "file-read-data", "/nix/store/aaa-bash/bin/bash"),
    FILE_("execute from the store", "process-exec", "/nix/store/aaa-bash/bin/bash"),
    FILE_("write to the store", "file-write-create", "/nix/store/new"),
    FILE_("talk to the daemon", "network-outbound", "/private/var/run/determinate-nixd.socket"),
    {"Network", NULL, OPERATION, {0}},
    {NULL, "connect to an address", OPERATION, {.operation = "network-outbound", .remote = "192.0.2.1:443"}},
    {NULL,
     "connect to the gate's port",
     OPERATION,
     {.operation = "network-outbound", .remote = "localhost:8118"}},
    {NULL,
     "connect to localhost:5432",
     OPERATION,
     {.operation = "network-outbound", .remote = "localhost:5432"}},
    {NULL, "listen", OPERATION, {.operation = "network-bind", .local = "localhost:3000"}},
    FILE_("resolve names", "network-outbound", "/private/var/run/mDNSResponder"),
    {NULL,
     "check certificates (trustd)",
     OPERATION,
     {.operation = "mach-lookup", .name = "com.apple.trustd.agent"}},
    FILE_("talk to Docker", "network-outbound", "/private/var/run/docker.sock"),
    FILE_("talk to the SSH agent", "network-outbound", "/private/var/run/com.apple.launchd.abc/Listeners"),
};

struct column {
    struct plan_fixture plan;
    struct cage_seatbelt_job job;
    struct sbpl_profile profile;
    char *text;
};

static void make(struct column *c, size_t i)
{
    const struct cage_seatbelt_session session = {.dir = CASE_SESSION, .gate_port = 8118};
    char why[256];

    plan_fixture_init(&c->plan, "mac", CASE_PROJECT, "d /Users/ada/work/secret\n");
    if (plan_fixture_build(&c->plan, columns[i].toml) < 0 ||
        cage_seatbelt_job_make(&c->job, &c->plan.plan, &c->plan.host, &session, &c->plan.err) < 0)
        fail_msg("%s: %s", columns[i].title, c->plan.err.message);
    c->text = seatbelt_render(&c->job.input);
    assert_true(sbpl_parse(c->text, &c->profile, why, sizeof why));
}

static void finish(struct column *c)
{
    sbpl_finish(&c->profile);
    cage_seatbelt_job_finish(&c->job);
    plan_fixture_finish(&c->plan);
    free(c->text);
}

static bool decide(const struct column *c, size_t row)
{
    const struct sbpl_query *q = &rows[row].query;

    if (rows[row].how == RENAME)
        return sbpl_can_rename(&c->profile, q->path, q->name);
    if (rows[row].how == LINK)
        return sbpl_can_link(&c->profile, q->path, q->name);
    return sbpl_allowed(&c->profile, q);
}

static void table(struct cage_strbuf *out)
{
    struct column made[CAGE_LEN(columns)] = {0};

    cage_strbuf_add(out, "| Access |");
    for (size_t i = 0; i < CAGE_LEN(columns); i++) {
        make(&made[i], i);
        cage_strbuf_addf(out, " %s |", columns[i].title);
    }
    cage_strbuf_add(out, "\n|---|");
    for (size_t i = 0; i < CAGE_LEN(columns); i++)
        cage_strbuf_add(out, ":-:|");
    cage_strbuf_addc(out, '\n');
    for (size_t row = 0; row < CAGE_LEN(rows); row++) {
        if (rows[row].group)
            cage_strbuf_addf(out, "| **%s** |", rows[row].group);
        else
            cage_strbuf_addf(out, "| %s |", rows[row].access);
        for (size_t i = 0; i < CAGE_LEN(columns); i++)
            cage_strbuf_add(out, rows[row].group ? " |" : decide(&made[i], row) ? " **yes** |" : " – |");
        cage_strbuf_addc(out, '\n');
    }
    for (size_t i = 0; i < CAGE_LEN(columns); i++)
        finish(&made[i]);
}

static void the_page_says_what_the_profiles_do(void **state)
{
    static const char mark[] = "@DECISIONS@\n";
    CAGE_STRBUF_AUTO source = {0};
    CAGE_STRBUF_AUTO page = {0};
    struct cage_error err = {0};
    const char *at;

    (void)state;
    cage_strbuf_init(&source);
    cage_strbuf_init(&page);
    if (cage_fs_read(AT_FDCWD, ROOT "/tests/golden/seatbelt/MACOS.md.in", 1 << 20, &source, &err) < 0)
        fail_msg("%s", err.message);
    at = strstr(source.buf, mark);
    assert_non_null(at);
    cage_strbuf_add_bytes(&page, source.buf, (size_t)(at - source.buf));
    table(&page);
    cage_strbuf_add(&page, at + strlen(mark));
    seatbelt_same_file(ROOT "/docs/MACOS.md", page.buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_page_says_what_the_profiles_do)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
