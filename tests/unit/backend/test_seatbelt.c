/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a profile says: golden files for the whole text, decisions for what it means. */
#include "base/mem.h"
#include "sbpl_eval.h"
#include "seatbelt_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A rendered case and what it decides. */
struct fixture {
    struct cage_seatbelt_input in;
    char *text;
    struct sbpl_profile profile;
};

static void render(struct fixture *f)
{
    char why[256];

    f->text = seatbelt_render(&f->in);
    if (!sbpl_parse(f->text, &f->profile, why, sizeof why))
        fail_msg("%s\n%s", why, f->text);
}

static void finish(struct fixture *f)
{
    sbpl_finish(&f->profile);
    cage_seatbelt_input_finish(&f->in);
    free(f->text);
}

#define CASE(level, net)                                                                                     \
    CAGE_CLEANUP(finish) struct fixture f = {0};                                                             \
    seatbelt_case(&f.in, level, net)

#define MAY(op, path) assert_true(sbpl_file(&f.profile, op, path))
#define MAY_NOT(op, path) assert_false(sbpl_file(&f.profile, op, path))

static bool net(const struct fixture *f, const char *remote)
{
    return sbpl_allowed(&f->profile, &(struct sbpl_query){.operation = "network-outbound", .remote = remote});
}

static bool mach(const struct fixture *f, const char *name)
{
    return sbpl_allowed(&f->profile, &(struct sbpl_query){.operation = "mach-lookup", .name = name});
}

static void strict_sees_only_the_session(void **state)
{
    (void)state;
    CASE(CAGE_LEVEL_STRICT, CAGE_NET_HOST);
    render(&f);
    seatbelt_golden("strict.sb", f.text);
    assert_null(strstr(f.text, "network"));
    assert_null(strstr(f.text, CASE_PROJECT));
    MAY("file-read-data", CASE_SESSION "/home/x");
    MAY("file-write-create", CASE_SESSION "/tmp/x");
    MAY("file-read-data", "/nix/store/abc/bin/sh");
    MAY("process-exec", "/nix/store/abc/bin/sh");
    MAY_NOT("file-read-data", CASE_PROJECT "/main.c");
    MAY_NOT("file-read-metadata", CASE_HOME "/.ssh");
    MAY_NOT("file-write-create", "/nix/store/new");
    assert_false(net(&f, "192.0.2.1:443"));
}

static void standard_writes_the_project(void **state)
{
    (void)state;
    CASE(CAGE_LEVEL_STANDARD, CAGE_NET_HOST);
    render(&f);
    seatbelt_golden("standard.sb", f.text);
    MAY("file-read-data", CASE_PROJECT "/main.c");
    MAY("file-write-create", CASE_PROJECT "/new");
    MAY("file-write-unlink", CASE_PROJECT "/main.c");
    MAY("process-exec", CASE_PROJECT "/node_modules/.bin/x");
    MAY("file-map-executable", CASE_PROJECT "/build/x.dylib");
    MAY("file-read-metadata", CASE_HOME);
    MAY_NOT("file-read-data", CASE_HOME);
    MAY_NOT("file-read-data", CASE_HOME "/.ssh/id_ed25519");
    MAY_NOT("file-read-data", "/System/Volumes/Data" CASE_HOME "/.ssh/id_ed25519");
    MAY("file-read-data", "/System/Library/Frameworks/x");
    MAY("file-read-data", "/System/Volumes/Preboot/Cryptexes/OS/x");
    MAY_NOT("file-write-setugid", CASE_PROJECT "/new");
}

static void relaxed_reads_the_home(void **state)
{
    (void)state;
    CASE(CAGE_LEVEL_RELAXED, CAGE_NET_HOST);
    render(&f);
    seatbelt_golden("relaxed.sb", f.text);
    MAY("file-read-data", CASE_HOME "/.gitconfig");
    MAY_NOT("file-write-data", CASE_HOME "/.gitconfig");
    MAY_NOT("file-write-create", CASE_HOME "/.bashrc");
    MAY("file-write-create", CASE_PROJECT "/new");
    assert_false(sbpl_can_link(&f.profile, CASE_HOME "/.gitconfig", CASE_PROJECT "/g"));
    assert_true(sbpl_can_link(&f.profile, CASE_PROJECT "/a", CASE_PROJECT "/b"));
    assert_false(sbpl_can_rename(&f.profile, CASE_HOME "/.bashrc", CASE_PROJECT "/b"));
}

static void the_network_off_leaves_nothing(void **state)
{
    (void)state;
    CASE(CAGE_LEVEL_STANDARD, CAGE_NET_NONE);
    render(&f);
    seatbelt_golden("no-network.sb", f.text);
    assert_null(strstr(f.text, "mDNSResponder"));
    assert_null(strstr(f.text, "trustd"));
    assert_null(strstr(f.text, "dnssd"));
    assert_null(strstr(f.text, "(allow network"));
    assert_false(net(&f, "192.0.2.1:443"));
    assert_false(net(&f, "localhost:8118"));
    MAY_NOT("network-outbound", "/private/var/run/mDNSResponder");
}

static void the_network_on_opens_no_sockets_of_other_programs(void **state)
{
    (void)state;
    CASE(CAGE_LEVEL_STANDARD, CAGE_NET_HOST);
    render(&f);
    assert_null(strstr(f.text, "network*"));
    assert_true(net(&f, "192.0.2.1:443"));
    assert_true(mach(&f, "com.apple.trustd.agent"));
    MAY("network-outbound", "/private/var/run/mDNSResponder");
    MAY_NOT("network-outbound", "/private/var/run/docker.sock");
    MAY_NOT("network-outbound", CASE_HOME "/.docker/run/docker.sock");
    MAY_NOT("network-outbound", "/private/tmp/com.apple.launchd.x/Listeners");
}

static void by_name_only_the_gate_is_reached(void **state)
{
    (void)state;
    CASE(CAGE_LEVEL_STANDARD, CAGE_NET_GATE);
    render(&f);
    seatbelt_golden("gate.sb", f.text);
    assert_true(net(&f, "localhost:8118"));
    assert_false(net(&f, "localhost:8119"));
    assert_false(net(&f, "192.0.2.1:8118"));
    assert_false(mach(&f, "com.apple.dnssd.service"));
    assert_null(strstr(f.text, "(local ip"));
}

static void ports_are_opened_one_by_one(void **state)
{
    uint16_t in_ports[] = {5432}, out_ports[] = {3000, 3000, 80};

    (void)state;
    CASE(CAGE_LEVEL_STANDARD, CAGE_NET_NONE);
    f.in.host_ports = memcpy(cage_alloc(sizeof in_ports), in_ports, sizeof in_ports);
    f.in.n_host_ports = 1;
    f.in.expose = memcpy(cage_alloc(sizeof out_ports), out_ports, sizeof out_ports);
    f.in.n_expose = 3;
    render(&f);
    seatbelt_golden("ports.sb", f.text);
    assert_true(net(&f, "localhost:5432"));
    assert_false(net(&f, "localhost:3000"));
    assert_true(sbpl_allowed(&f.profile,
                             &(struct sbpl_query){.operation = "network-bind", .local = "localhost:3000"}));
    assert_false(sbpl_allowed(&f.profile,
                              &(struct sbpl_query){.operation = "network-bind", .local = "localhost:3001"}));
}

static void read_only_inside_writable_inside_read_only(void **state)
{
    (void)state;
    CASE(CAGE_LEVEL_STANDARD, CAGE_NET_NONE);
    cage_seatbelt_grant(&f.in, "/Volumes/d/a/b/c", true, CAGE_FILE_DIR);
    cage_seatbelt_grant(&f.in, "/Volumes/d/a", true, CAGE_FILE_DIR);
    cage_seatbelt_grant(&f.in, "/Volumes/d/a/b", false, CAGE_FILE_DIR);
    render(&f);
    seatbelt_golden("nested-binds.sb", f.text);
    MAY("file-write-data", "/Volumes/d/a/x");
    MAY_NOT("file-write-data", "/Volumes/d/a/b/x");
    MAY_NOT("file-write-unlink", "/Volumes/d/a/b");
    MAY("file-read-data", "/Volumes/d/a/b/x");
    MAY("file-write-data", "/Volumes/d/a/b/c/x");
    assert_false(sbpl_can_link(&f.profile, "/Volumes/d/a/b/x", "/Volumes/d/a/x"));
    assert_true(sbpl_can_link(&f.profile, "/Volumes/d/a/b/c/x", "/Volumes/d/a/x"));
}

static void of_the_same_path_read_only_wins(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        CASE(CAGE_LEVEL_STANDARD, CAGE_NET_NONE);
        cage_seatbelt_grant(&f.in, "/Volumes/d", i == 0, CAGE_FILE_DIR);
        cage_seatbelt_grant(&f.in, "/Volumes/d", i != 0, CAGE_FILE_DIR);
        render(&f);
        MAY_NOT("file-write-data", "/Volumes/d/x");
        MAY("file-read-data", "/Volumes/d/x");
    }
}

static void the_blacklist_wins(void **state)
{
    (void)state;
    CASE(CAGE_LEVEL_RELAXED, CAGE_NET_HOST);
    cage_strv_add(&f.in.deny, CASE_HOME "/.ssh");
    cage_strv_add(&f.in.deny, CASE_PROJECT "/secret");
    render(&f);
    seatbelt_golden("blacklist.sb", f.text);
    MAY("file-read-data", CASE_HOME "/.profile");
    MAY_NOT("file-read-data", CASE_HOME "/.ssh/id_ed25519");
    MAY_NOT("file-read-metadata", CASE_HOME "/.ssh");
    MAY_NOT("file-read-data", CASE_HOME "/.SSH/id_ed25519");
    MAY_NOT("file-read-xattr", CASE_PROJECT "/secret");
    MAY_NOT("file-write-create", CASE_PROJECT "/secret/x");
    MAY_NOT("process-exec", CASE_PROJECT "/secret/x");
    MAY_NOT("file-map-executable", CASE_PROJECT "/secret/x");
    MAY_NOT("network-outbound", CASE_PROJECT "/secret/socket");
    MAY_NOT("file-read-data", "/System/Volumes/Data" CASE_HOME "/.ssh/id_ed25519");
    assert_false(sbpl_can_link(&f.profile, CASE_PROJECT "/secret/x", CASE_PROJECT "/x"));
    /* Moving it or its parents away would leave the rule behind. */
    assert_false(sbpl_can_rename(&f.profile, CASE_PROJECT "/secret", CASE_PROJECT "/x"));
    assert_false(sbpl_can_rename(&f.profile, CASE_PROJECT, CASE_SESSION "/home/x"));
    assert_false(sbpl_can_rename(&f.profile, CASE_HOME, "/Users/eve"));
}

static void a_grant_under_the_blacklist_is_an_error(void **state)
{
    const char *const denied[] = {CASE_PROJECT, CASE_HOME, "/users/ADA/work", "/"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(denied); i++) {
        CAGE_STRBUF_AUTO out = {0};
        struct cage_error err = {0};
        CASE(CAGE_LEVEL_STANDARD, CAGE_NET_NONE);

        cage_strbuf_init(&out);
        cage_strv_add(&f.in.deny, denied[i]);
        assert_int_equal(cage_seatbelt_render(&f.in, &out, &err), -1);
        assert_int_equal(err.code, CAGE_ERR_CONFIG);
        assert_int_equal(out.len, 0);
    }
}

static void the_whole_machine_cannot_be_granted(void **state)
{
    const char *const all[] = {"/", "/System", "/system/volumes/data", "/dev", "/Volumes"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(all); i++) {
        CAGE_STRBUF_AUTO out = {0};
        struct cage_error err = {0};
        CASE(CAGE_LEVEL_STANDARD, CAGE_NET_NONE);

        cage_strbuf_init(&out);
        cage_seatbelt_grant(&f.in, all[i], false, CAGE_FILE_DIR);
        assert_int_equal(cage_seatbelt_render(&f.in, &out, &err), -1);
        assert_int_equal(err.code, CAGE_ERR_CONFIG);
    }
}

static void both_spellings_of_private_are_there(void **state)
{
    (void)state;
    CASE(CAGE_LEVEL_STANDARD, CAGE_NET_NONE);
    cage_seatbelt_grant(&f.in, "/private/tmp/shared", true, CAGE_FILE_NONE);
    cage_strv_add(&f.in.deny, "/private/var/db/secret");
    render(&f);
    seatbelt_golden("private.sb", f.text);
    MAY("file-write-create", "/private/tmp/shared/x");
    MAY("file-write-create", "/tmp/shared/x");
    MAY("file-read-metadata", "/tmp");
    MAY_NOT("file-read-data", "/tmp");
    MAY_NOT("file-read-metadata", "/var/db/secret");
    MAY_NOT("file-read-metadata", "/private/var/db/secret");
}

static void protected_files_stay_in_every_writable_level(void **state)
{
    const enum cage_level levels[] = {CAGE_LEVEL_STANDARD, CAGE_LEVEL_RELAXED};
    const char *const files[] = {
        "/nixcage.toml",
        "/.envrc",
        "/.nixcage/cages",
        "/.git/hooks",
        "/.git/hooks/pre-commit",
        "/.git/config",
        "/.nixcage",
        "/.claude/settings.json",
        "/.claude/Settings.Local.JSON",
        "/NIXCAGE.TOML",
    };

    (void)state;
    for (size_t l = 0; l < CAGE_LEN(levels); l++) {
        CASE(levels[l], CAGE_NET_NONE);
        render(&f);
        for (size_t i = 0; i < CAGE_LEN(files); i++) {
            cage_autofree char *path = cage_format("%s%s", CASE_PROJECT, files[i]);

            MAY("file-read-data", path);
            MAY_NOT("file-write-data", path);
            MAY_NOT("file-write-create", path);
            MAY_NOT("file-write-unlink", path);
            MAY_NOT("file-link", path);
        }
        MAY("file-write-create", CASE_PROJECT "/.nixcage/local/cache");
        MAY_NOT("file-write-unlink", CASE_PROJECT "/.nixcage/local");
        MAY("file-write-create", CASE_PROJECT "/.claude/notes.md");
        MAY("file-write-data", CASE_PROJECT "/.git/index");
        MAY_NOT("file-write-unlink", CASE_PROJECT "/.git");
        MAY_NOT("file-write-unlink", CASE_PROJECT "/.claude");
        MAY_NOT("file-write-unlink", CASE_PROJECT);
    }
}

static void only_the_launch_terminal_is_named(void **state)
{
    const char *at;

    (void)state;
    CASE(CAGE_LEVEL_STANDARD, CAGE_NET_NONE);
    render(&f);
    assert_null(strstr(f.text, "(literal \"/dev/tty"));
    MAY_NOT("file-read-data", "/dev/ttys003");
    finish(&f);
    f = (struct fixture){0};
    seatbelt_case(&f.in, CAGE_LEVEL_STANDARD, CAGE_NET_NONE);
    f.in.tty = cage_strdup("/dev/ttys003");
    render(&f);
    at = strstr(f.text, "(literal \"/dev/ttys");
    assert_non_null(at);
    assert_null(strstr(at + 1, "(literal \"/dev/ttys"));
    MAY("file-ioctl", "/dev/ttys003");
    MAY_NOT("file-read-data", "/dev/ttys004");
    assert_true(sbpl_allowed(&f.profile, &(struct sbpl_query){.operation = "file-read-data",
                                                              .path = "/dev/ttys004",
                                                              .extension = "com.apple.sandbox.pty"}));
    assert_false(sbpl_allowed(&f.profile, &(struct sbpl_query){.operation = "hid-control"}));
}

static void the_daemon_socket_is_all_that_shared_opens(void **state)
{
    (void)state;
    CASE(CAGE_LEVEL_STANDARD, CAGE_NET_NONE);
    cage_strv_add(&f.in.sockets, "/private/var/run/nix-daemon.socket");
    render(&f);
    seatbelt_golden("shared.sb", f.text);
    MAY("network-outbound", "/private/var/run/nix-daemon.socket");
    MAY_NOT("network-outbound", "/private/var/run/mDNSResponder");
    MAY("file-read-metadata", "/private/var/run");
    MAY_NOT("file-write-create", "/nix/store/x");
}

/* Without the tags a debug profile is the ordinary one. */
static void debug_only_adds_tags(void **state)
{
    const char tag[] = "\n  (with message \"nixcage-0123456789abcdef\")";
    CAGE_STRBUF_AUTO stripped = {0};
    cage_autofree char *plain = NULL;

    (void)state;
    CASE(CAGE_LEVEL_RELAXED, CAGE_NET_HOST);
    cage_strv_add(&f.in.deny, CASE_HOME "/.ssh");
    plain = seatbelt_render(&f.in);
    f.in.tag = cage_strdup("nixcage-0123456789abcdef");
    render(&f);
    for (size_t i = 0; i < f.profile.n; i++)
        assert_int_equal(f.profile.rules[i].tagged, f.profile.rules[i].deny);
    cage_strbuf_init(&stripped);
    for (const char *p = f.text, *hit; *p; p = hit + strlen(tag)) {
        hit = strstr(p, tag);
        if (!hit) {
            cage_strbuf_add(&stripped, p);
            break;
        }
        cage_strbuf_add_bytes(&stripped, p, (size_t)(hit - p));
    }
    assert_string_equal(stripped.buf, plain);
}

static void services_that_lead_outside_are_closed(void **state)
{
    const char *const names[] = {
        "com.apple.SecurityServer",
        "com.apple.securityd.xpc",
        "com.apple.secd",
        "com.apple.lsd.mapdb",
        "com.apple.coreservices.launchservicesd",
        "com.apple.pasteboard.1",
        "com.apple.sysmond",
        "com.apple.coreservices.appleevents",
    };
    const char *const operations[] = {"lsopen",        "appleevent-send",     "hid-control",
                                      "mach-register", "mach-priv-task-port", "system-socket"};

    (void)state;
    CASE(CAGE_LEVEL_RELAXED, CAGE_NET_HOST);
    render(&f);
    assert_true(mach(&f, "com.apple.logd"));
    for (size_t i = 0; i < CAGE_LEN(names); i++)
        assert_false(mach(&f, names[i]));
    for (size_t i = 0; i < CAGE_LEN(operations); i++)
        assert_false(sbpl_allowed(&f.profile, &(struct sbpl_query){.operation = operations[i]}));
    assert_true(
        sbpl_allowed(&f.profile, &(struct sbpl_query){.operation = "sysctl-read", .name = "hw.ncpu"}));
    assert_false(
        sbpl_allowed(&f.profile, &(struct sbpl_query){.operation = "sysctl-read", .name = "kern.procargs2"}));
    assert_true(
        sbpl_allowed(&f.profile, &(struct sbpl_query){.operation = "signal", .target = "same-sandbox"}));
    assert_false(sbpl_allowed(&f.profile, &(struct sbpl_query){.operation = "signal", .target = "others"}));
    assert_false(sbpl_allowed(&f.profile,
                              &(struct sbpl_query){.operation = "process-info-pidinfo", .target = "others"}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_sees_only_the_session),
        cmocka_unit_test(standard_writes_the_project),
        cmocka_unit_test(relaxed_reads_the_home),
        cmocka_unit_test(the_network_off_leaves_nothing),
        cmocka_unit_test(the_network_on_opens_no_sockets_of_other_programs),
        cmocka_unit_test(by_name_only_the_gate_is_reached),
        cmocka_unit_test(ports_are_opened_one_by_one),
        cmocka_unit_test(read_only_inside_writable_inside_read_only),
        cmocka_unit_test(of_the_same_path_read_only_wins),
        cmocka_unit_test(the_blacklist_wins),
        cmocka_unit_test(a_grant_under_the_blacklist_is_an_error),
        cmocka_unit_test(the_whole_machine_cannot_be_granted),
        cmocka_unit_test(both_spellings_of_private_are_there),
        cmocka_unit_test(protected_files_stay_in_every_writable_level),
        cmocka_unit_test(only_the_launch_terminal_is_named),
        cmocka_unit_test(the_daemon_socket_is_all_that_shared_opens),
        cmocka_unit_test(debug_only_adds_tags),
        cmocka_unit_test(services_that_lead_outside_are_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
