/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why, and what would allow it, for every kind of denial. */
#include "base/mem.h"
#include "trace/summary.h"
#include "trace_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char machine[] = "f /data/models/x\n"
                              "d /data/ro\n"
                              "f /data/ro/x\n"
                              "l /data/ro/link /data/models/x\n"
                              "f /home/u/proj/private/key\n"
                              "f /home/u/.netrc\n"
                              "f /home/u/.ssh/id_x mode=0600\n"
                              "f /home/u/.ssh/id_x.pub\n"
                              "f /etc/ssh/ssh_host_rsa_key mode=0600\n"
                              "f /etc/ssh/ssh_config\n"
                              "f /usr/bin/perl mode=0755\n"
                              "f /nix/store/ccc-other/bin/x\n"
                              "d /home/u/proj/.git/hooks\n"
                              "f /home/u/proj/.git/config\n";

#define FS "[sandbox.filesystem]\n"
#define NET "[sandbox.network]\n"

static const struct {
    const char *toml, *call;
    enum cage_why why;
    const char *fix, *secret;
} rows[] = {
    {"", "open(\"/data/models/x\", O_RDONLY) = -1 ENOENT", CAGE_WHY_NOT_MOUNTED,
     "ro_bind = [\"/data/models/x\"] in [sandbox.filesystem]", NULL},
    {FS "ro_bind = [\"/data/ro\"]\n", "open(\"/data/models/x\", O_RDONLY) = -1 ENOENT", CAGE_WHY_NOT_MOUNTED,
     "add \"/data/models/x\" to ro_bind (nixcage.toml:2)", NULL},
    {FS "ro_bind = [\"/data/ro\"]\n", "open(\"/data/ro/link\", O_RDONLY) = -1 ENOENT", CAGE_WHY_NOT_MOUNTED,
     "add \"/data/models/x\" to ro_bind (nixcage.toml:2)", NULL},
    {FS "ro_bind = [\"/data/ro\"]\n", "open(\"/data/ro/x\", O_RDWR) = -1 EROFS", CAGE_WHY_READ_ONLY,
     "rw_bind = [\"/data/ro\"] in [sandbox.filesystem]", NULL},
    {FS "ro_bind = [\"/data/ro\"]\n", "open(\"/data/ro/none\", O_RDONLY) = -1 ENOENT", CAGE_WHY_ABSENT, NULL,
     NULL},
    {"", "open(\"/data/none\", O_RDONLY) = -1 ENOENT", CAGE_WHY_ABSENT, NULL, NULL},
    {"", "open(\"/data/models/new\", O_WRONLY|O_CREAT, 0666) = -1 ENOENT", CAGE_WHY_NOT_MOUNTED,
     "rw_bind = [\"/data/models\"] in [sandbox.filesystem]", NULL},
    {"", "mkdir(\"/data/models/new\", 0777) = -1 EROFS", CAGE_WHY_NOT_MOUNTED,
     "rw_bind = [\"/data/models\"] in [sandbox.filesystem]", NULL},
    {"", "mkdir(\"/new\", 0777) = -1 EROFS", CAGE_WHY_NOT_MOUNTED, NULL, NULL},
    {"", "open(\"/usr/bin/new\", O_WRONLY|O_CREAT, 0666) = -1 ENOENT", CAGE_WHY_NOT_MOUNTED, NULL, NULL},
    {"", "open(\"/home/u/.gitconfig\", O_RDONLY) = -1 ENOENT", CAGE_WHY_NOT_MOUNTED,
     "ro_bind = [\"~/.gitconfig\"] in [sandbox.filesystem]", NULL},
    {"", "open(\"/home/u/.netrc\", O_RDONLY) = -1 ENOENT", CAGE_WHY_NOT_MOUNTED,
     "ro_bind = [\"~/.netrc\"] in [sandbox.filesystem]", "passwords of hosts"},
    {"", "open(\"/home/u/.ssh/id_x\", O_RDONLY) = -1 ENOENT", CAGE_WHY_NOT_MOUNTED,
     "ro_bind = [\"~/.ssh/id_x\"] in [sandbox.filesystem]", "SSH keys"},
    {"", "open(\"/home/u/.ssh/id_x.pub\", O_RDONLY) = -1 ENOENT", CAGE_WHY_NOT_MOUNTED,
     "ro_bind = [\"~/.ssh/id_x.pub\"] in [sandbox.filesystem]", NULL},
    {"", "open(\"/etc/ssh/ssh_host_rsa_key\", O_RDONLY) = -1 ENOENT", CAGE_WHY_NOT_MOUNTED,
     "ro_bind = [\"/etc/ssh/ssh_host_rsa_key\"] in [sandbox.filesystem]", "the host's keys"},
    {"", "open(\"/etc/ssh/ssh_config\", O_RDONLY) = -1 ENOENT", CAGE_WHY_NOT_MOUNTED,
     "ro_bind = [\"/etc/ssh/ssh_config\"] in [sandbox.filesystem]", NULL},
    {"", "open(\"/home/u/.ssh/known_hosts.new\", O_WRONLY|O_CREAT, 0600) = -1 ENOENT", CAGE_WHY_NOT_MOUNTED,
     "rw_bind = [\"~/.ssh\"] in [sandbox.filesystem]", "SSH keys"},
    {"", "connect(3<s>, {sa_family=AF_UNIX, sun_path=\"/tmp/ssh-XXX/agent.1\"}, 9) = -1 ENOENT",
     CAGE_WHY_NOT_MOUNTED, "ssh_agent = true in [cage]", NULL},
    {FS "blacklist = [\"~/proj/private\"]\n", "open(\"/home/u/proj/private/key\", O_RDONLY) = -1 ENOENT",
     CAGE_WHY_MASKED, "take it out of blacklist, nixcage.toml:2", NULL},
    {"", "open(\"/home/u/proj/nixcage.toml\", O_RDWR) = -1 EROFS", CAGE_WHY_PROTECTED, NULL, NULL},
    {"", "open(\"/home/u/proj/.git/hooks/x\", O_RDWR|O_CREAT, 0777) = -1 EROFS", CAGE_WHY_PROTECTED,
     "unprotect = [\".git/hooks\"] in [sandbox.filesystem]", NULL},
    {"", "rename(\"/home/u/proj/.git\", \"/home/u/proj/g2\") = -1 EBUSY", CAGE_WHY_PROTECTED,
     "unprotect = [\".git/hooks\"] in [sandbox.filesystem]", NULL},
    /* git, npm and editors write a file beside the old one and move it there. */
    {"", "rename(\"/home/u/proj/a\", \"/home/u/proj/nixcage.toml\") = -1 EBUSY", CAGE_WHY_PROTECTED, NULL,
     NULL},
    {"", "renameat2(AT_FDCWD</home/u/proj>, \"a\", AT_FDCWD</home/u/proj>, \".git/config\", 0) = -1 EBUSY",
     CAGE_WHY_PROTECTED, "unprotect = [\".git/config\"] in [sandbox.filesystem]", NULL},
    {"", "rename(\"/home/u/proj/a\", \"/home/u/proj/b\") = -1 EBUSY", CAGE_WHY_OUTSIDE, NULL, NULL},
    {FS "rw_bind = [\"~/.netrc\"]\n", "rename(\"/home/u/a\", \"/home/u/.netrc\") = -1 EBUSY",
     CAGE_WHY_NOT_GRANTED, NULL, "passwords of hosts"},
    {FS "rw_bind = [\"/data/ro/x\"]\n", "rename(\"/data/ro/y\", \"/data/ro/x\") = -1 EBUSY",
     CAGE_WHY_NOT_GRANTED, "add \"/data/ro\" to rw_bind (nixcage.toml:2)", NULL},
    {FS "ro_bind = [\"/data/ro\"]\n", "rename(\"/home/u/a\", \"/data/ro\") = -1 EBUSY", CAGE_WHY_READ_ONLY,
     NULL, NULL},
    {"", "open(\"/nix/store/ccc-other/bin/x\", O_RDONLY) = -1 EACCES", CAGE_WHY_STORE_VIEW,
     "store_view = \"full\" in [nix]", NULL},
    {"", "mkdir(\"/nix/store/x\", 0777) = -1 EROFS", CAGE_WHY_READ_ONLY, NULL, NULL},
    {"", "execve(\"/usr/bin/perl\", [\"perl\"], 0x1) = -1 ENOENT", CAGE_WHY_PROGRAM,
     "packages = [\"perl\"] in [nix]", NULL},
    {"", "chmod(\"/home/u/proj/f\", 04755) = -1 EPERM", CAGE_WHY_FILTER, NULL, NULL},
    {"", "mount(\"a\", \"/mnt\", \"tmpfs\", 0, NULL) = -1 EPERM", CAGE_WHY_FILTER,
     "nested = true in [sandbox]", NULL},
    {"", "unshare(0) = -1 EPERM", CAGE_WHY_FILTER, "nested = true in [sandbox]", NULL},
    {"", "clone(0) = -1 EPERM", CAGE_WHY_FILTER, "nested = true in [sandbox]", NULL},
    {"", "socket(AF_VSOCK, SOCK_STREAM, 0) = -1 EAFNOSUPPORT", CAGE_WHY_FILTER, NULL, NULL},
    {"", "open(\"/usr/lib/locale/locale-archive\", O_RDONLY) = -1 ENOENT", CAGE_WHY_PROBING, NULL, NULL},
    {"", "open(\"/proc/1/mem\", O_RDONLY) = -1 EACCES", CAGE_WHY_KERNEL, NULL, NULL},
    {NET "allow = false\n",
     "connect(3<s>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"1.2.3.4\")}, 16) = -1 "
     "ENETUNREACH",
     CAGE_WHY_NETWORK, "allow = true (nixcage.toml:2)", NULL},
    {NET "hosts = [\"a.example\"]\n",
     "connect(3<s>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"1.2.3.4\")}, 16) = -1 "
     "ECONNREFUSED",
     CAGE_WHY_HOST, "add \"1.2.3.4:80\" to hosts (nixcage.toml:2)", NULL},
    {NET "hosts = [\"a.example\"]\n",
     "connect(3<s>, {sa_family=AF_INET, sin_port=htons(5432), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = -1 "
     "ECONNREFUSED",
     CAGE_WHY_LOCALHOST, "host_ports = [5432] in [sandbox.network]", NULL},
    {"",
     "connect(3<s>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"1.2.3.4\")}, 16) = -1 "
     "ENETUNREACH",
     CAGE_WHY_OUTSIDE, NULL, NULL},
    {"[sandbox]\nlevel = \"strict\"\n",
     "connect(3<s>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"1.2.3.4\")}, 16) = -1 "
     "ENETUNREACH",
     CAGE_WHY_NETWORK, "level = \"standard\" (nixcage.toml:2)", NULL},
    {"[sandbox]\nlevel = \"relaxed\"\n", "open(\"/home/u/.gitconfig\", O_RDWR) = -1 EROFS",
     CAGE_WHY_READ_ONLY, "rw_bind = [\"~/.gitconfig\"] in [sandbox.filesystem]", NULL},
};

static const char begin[] = "1<bwrap> execve(\"/run/nixcage/init\", [\"init\"], 0x1 /* vars */) = 0\n"
                            "2<init> execve(\"/bin/prog\", [\"prog\"], 0x1 /* vars */) = 0\n";

static void feed(struct trace_fixture *f, const char *call)
{
    cage_autofree char *line = cage_format("2<x> %s (text)\n", call);

    trace_fixture_feed(f, begin, strlen(begin));
    trace_fixture_feed(f, line, strlen(line));
}

static void test_reasons(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAGE_LEN(rows); i++) {
        const struct cage_verdict *verdict;
        struct trace_fixture f;

        trace_fixture_init(&f, rows[i].toml, machine, false);
        feed(&f, rows[i].call);
        if (f.log.n != 1)
            fail_msg("no event: %s", rows[i].call);
        verdict = &f.log.entries[0].verdict;
        if (verdict->why != rows[i].why)
            fail_msg("%s: %s (%s)", rows[i].call, cage_why_text(verdict->why), verdict->reason);
        if (strcmp(verdict->fix ? verdict->fix : "", rows[i].fix ? rows[i].fix : "") != 0)
            fail_msg("%s: %s", rows[i].call, verdict->fix);
        if (strcmp(verdict->secret ? verdict->secret : "", rows[i].secret ? rows[i].secret : "") != 0)
            fail_msg("%s: %s", rows[i].call, verdict->secret);
        assert_string_equal(f.log.entries[0].event.program, "prog");
        trace_fixture_finish(&f);
    }
}

/* Before the command runs, everything is nixcage's own; where it was looked for is forgotten once it is
 * found. */
static void test_before(void **state)
{
    static const char text[] = "1<bwrap> open(\"/data/models/x\", O_RDONLY) = -1 ENOENT (x)\n"
                               "1<bwrap> execve(\"/run/nixcage/init\", [\"init\"], 0x1) = 0\n"
                               "1<init> open(\"/data/models/x\", O_RDONLY) = -1 ENOENT (x)\n"
                               "2<init> execve(\"/usr/bin/perl\", [\"perl\"], 0x1) = -1 ENOENT (x)\n"
                               "2<init> execve(\"/nix/store/aaa-bash/bin/perl\", [\"perl\"], 0x1) = 0\n";
    CAGE_STRBUF_AUTO out = {0};
    struct trace_fixture f;

    (void)state;
    trace_fixture_init(&f, "", machine, false);
    trace_fixture_feed(&f, text, strlen(text));
    assert_int_equal(f.log.total, 0);
    cage_strbuf_init(&out);
    cage_trace_summary(&f.log, &out);
    assert_string_equal(out.buf, "No sandbox access failures detected\n");
    trace_fixture_finish(&f);
}

/* gcc looks for gnm and does without; what else is looked for in vain is wanted. */
static void test_searches(void **state)
{
    static const struct {
        const char *program, *name;
        bool told;
    } searches[] = {{"collect2", "gnm", false},
                    {"collect2", "ld", true},
                    {"docker", "docker-credential-osxkeychain", false},
                    {"sh", "gnm", true}};
    static const char *const dirs[] = {"/nix/store/aaa-bash/bin", "/nix/store/bbb-coreutils/bin"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(searches); i++) {
        cage_autofree char *execve =
            cage_format("2<init> execve(\"/bin/%s\", [\"x\"], 0x1) = 0\n", searches[i].program);
        CAGE_STRBUF_AUTO out = {0};
        struct trace_fixture f;

        trace_fixture_init(&f, "", machine, false);
        trace_fixture_feed(&f, begin, strlen(begin));
        trace_fixture_feed(&f, execve, strlen(execve));
        for (size_t k = 0; k < CAGE_LEN(dirs); k++) {
            cage_autofree char *line =
                cage_format("2<x> stat(\"%s/%s\", 0x1) = -1 ENOENT (x)\n", dirs[k], searches[i].name);

            trace_fixture_feed(&f, line, strlen(line));
        }
        cage_strbuf_init(&out);
        cage_trace_summary(&f.log, &out);
        if ((strstr(out.buf, "missing program") != NULL) != searches[i].told)
            fail_msg("%s, %s: %s", searches[i].program, searches[i].name, out.buf);
        trace_fixture_finish(&f);
    }
}

/* The command that cannot be executed is what its user asks about. */
static void test_not_started(void **state)
{
    static const char text[] = "1<bwrap> execve(\"/run/nixcage/init\", [\"init\"], 0x1) = 0\n"
                               "2<init> execve(\"/home/u/proj/script\", [\"script\"], 0x1) = -1 ENOENT (x)\n";
    CAGE_STRBUF_AUTO out = {0};
    struct trace_fixture f;

    (void)state;
    trace_fixture_init(&f, "", "f /home/u/proj/script mode=0755 text=#!/opt/tool\\n\nf /opt/tool mode=0755\n",
                       false);
    trace_fixture_feed(&f, text, strlen(text));
    cage_strbuf_init(&out);
    cage_trace_summary(&f.log, &out);
    assert_non_null(strstr(out.buf, "nixcage: execve /home/u/proj/script: ENOENT\n"));
    assert_non_null(strstr(out.buf, "its interpreter /opt/tool is not in the cage\n"));
    assert_non_null(strstr(out.buf, "ro_bind = [\"/opt/tool\"]"));
    trace_fixture_finish(&f);
}

/* Names that a program chose stay on their line, and the JSON lines are JSON. */
static void test_hostile(void **state)
{
    CAGE_STRBUF_AUTO out = {0};
    struct trace_fixture f;

    (void)state;
    trace_fixture_init(&f, "", "d /data/a\033]0;x\n", false);
    feed(&f, "mkdir(\"/data/a\\33]0;x/b\\n7 c\\377\", 0777) = -1 EROFS");
    cage_strbuf_init(&out);
    cage_trace_summary(&f.log, &out);
    assert_null(strchr(out.buf, '\033'));
    assert_non_null(strstr(out.buf, "b\\n7 c"));
    cage_strbuf_reset(&out);
    cage_trace_summary_json(&f.log, &out);
    assert_null(strchr(out.buf, '\033'));
    assert_non_null(strstr(out.buf, "\"type\":\"denial\""));
    assert_non_null(strstr(out.buf, "\"type\":\"end\""));
    trace_fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reasons), cmocka_unit_test(test_before),
                                       cmocka_unit_test(test_not_started), cmocka_unit_test(test_searches),
                                       cmocka_unit_test(test_hostile)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
