/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From nixcage.toml to the profile and the session directory, on a described Mac. */
#include "base/test.h"

#include "backend/seatbelt_job.h"
#include "base/mem.h"
#include "plan/plan_fixture.h"
#include "sbpl_eval.h"
#include "seatbelt_cases.h"

struct fixture {
    struct plan_fixture plan;
    struct cage_seatbelt_job job;
    struct sbpl_profile profile;
    char *text;
};

static const struct cage_seatbelt_session session = {.dir = CASE_SESSION, .gate_port = 8118};

static void finish(struct fixture *f)
{
    sbpl_finish(&f->profile);
    cage_seatbelt_job_finish(&f->job);
    plan_fixture_finish(&f->plan);
    free(f->text);
}

/* Returns -1 where the configuration is refused; the error is in f->plan.err. */
static int make(struct fixture *f, const char *toml, const char *more)
{
    char why[256];

    plan_fixture_init(&f->plan, "mac", CASE_PROJECT, more);
    if (plan_fixture_build(&f->plan, toml) < 0 ||
        cage_seatbelt_job_make(&f->job, &f->plan.plan, &f->plan.host, &session, &f->plan.err) < 0)
        return -1;
    f->text = seatbelt_render(&f->job.input);
    if (!sbpl_parse(f->text, &f->profile, why, sizeof why))
        fail_msg("%s\n%s", why, f->text);
    return 0;
}

#define MAC(toml, more)                                                                                      \
    CAGE_CLEANUP(finish) struct fixture f = {0};                                                             \
    (void)state;                                                                                             \
    if (make(&f, toml, more) < 0)                                                                            \
    fail_msg("%s", f.plan.err.message)

#define MAY(op, path) assert_true(sbpl_file(&f.profile, op, path))
#define MAY_NOT(op, path) assert_false(sbpl_file(&f.profile, op, path))
#define STANDARD "[sandbox]\nlevel = \"standard\"\n"

/* What the configuration decides about: everything after the system's own rules, and the session. */
static void golden(const char *name, const struct fixture *f)
{
    CAGE_STRBUF_AUTO out = {0};
    const char *own = strstr(f->text, "\n; nix\n");

    cage_strbuf_init(&out);
    cage_strbuf_add(&out, own ? own + 1 : f->text);
    cage_strbuf_add(&out, "\n--- environment\n");
    for (size_t i = 0; i < f->job.env.n; i++)
        cage_strbuf_addf(&out, "%s\n", f->job.env.items[i]);
    cage_strbuf_addf(&out, "\n--- session\nin %s:", f->job.cwd);
    for (size_t i = 0; i < f->job.argv.n; i++)
        cage_strbuf_addf(&out, " %s", f->job.argv.items[i]);
    cage_strbuf_addc(&out, '\n');
    for (size_t i = 0; i < f->job.n_entries; i++)
        cage_strbuf_addf(&out, "%s%s%s\n", f->job.entries[i].path, f->job.entries[i].target ? " -> " : ":\n",
                         f->job.entries[i].target ? f->job.entries[i].target : f->job.entries[i].content);
    cage_strbuf_add(&out, "\n--- warnings\n");
    for (size_t i = 0; i < f->plan.plan.warnings.n; i++)
        cage_strbuf_addf(&out, "%s\n", f->plan.plan.warnings.items[i]);
    for (size_t i = 0; i < f->job.warnings.n; i++)
        cage_strbuf_addf(&out, "%s\n", f->job.warnings.items[i]);
    seatbelt_golden(name, out.buf);
}

static void levels(void **state)
{
    const char *const names[] = {"strict", "standard", "relaxed"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(names); i++) {
        cage_autofree char *toml = cage_format("[sandbox]\nlevel = \"%s\"\n", names[i]);
        cage_autofree char *file = cage_format("job-%s.txt", names[i]);
        MAC(toml, NULL);

        golden(file, &f);
        MAY("file-read-data", "/nix/store/aaa-bash/bin/bash");
        MAY("file-write-create", CASE_SESSION "/tmp/x");
        assert_int_equal(sbpl_file(&f.profile, "file-write-create", CASE_PROJECT "/x"), i > 0);
        assert_int_equal(sbpl_file(&f.profile, "file-read-data", CASE_HOME "/.gitconfig"), i == 2);
        MAY_NOT("file-write-data", CASE_HOME "/.gitconfig");
        assert_string_equal(cage_env_get(&f.job.env, "HOME"), i == 2 ? CASE_HOME : CASE_SESSION "/home");
        assert_string_equal(cage_env_get(&f.job.env, "TMPDIR"), CASE_SESSION "/tmp");
        assert_string_equal(cage_env_get(&f.job.env, "CLAUDE_CODE_TMPDIR"), CASE_SESSION "/tmp");
        assert_string_equal(f.job.cwd, i == 0 ? CASE_SESSION "/home" : CASE_PROJECT "/src");
        if (i == 0) {
            assert_null(strstr(f.text, CASE_PROJECT));
            assert_null(strstr(f.text, "network"));
        }
    }
}

static void binds(void **state)
{
    MAC(STANDARD "[sandbox.filesystem]\nro_bind = [\"src\", \"~/sets\", \"~/current\"]\n"
                 "rw_bind = [\"src/gen\", \"/Volumes/data/sets\", \"~/.claude\", \"~/.claude.json\", "
                 "\"/tmp/shared\"]\n",
        "d /private/tmp/shared uid=501\nl /Users/ada/sets /Volumes/data/sets\n");
    golden("job-binds.txt", &f);
    MAY_NOT("file-write-create", CASE_PROJECT "/src/x");
    MAY("file-write-create", CASE_PROJECT "/src/gen/x");
    MAY("file-read-data", "/Volumes/data/sets/x");
    MAY_NOT("file-write-data", "/Volumes/data/sets/x"); /* read-only wins */
    MAY("file-read-data", CASE_HOME "/models/big/x");
    MAY("file-read-metadata", CASE_HOME "/current");   /* the symlink itself */
    MAY_NOT("file-read-data", CASE_HOME "/current/x"); /* no such path for the kernel */
    MAY("file-write-data", CASE_HOME "/.claude.json");
    MAY("file-write-create", "/tmp/shared/x");
    MAY("file-write-create", "/private/tmp/shared/x");
    MAY_NOT("file-write-create", "/private/tmp/other");
}

static void blacklist_in_relaxed_home(void **state)
{
    MAC("[sandbox]\nlevel = \"relaxed\"\n[sandbox.filesystem]\n"
        "blacklist = [\"~/.ssh\", \"~/absent/thing\", \"~/work/src/gen\", \"/etc/ssl\", \"~/.gitconfig\"]\n",
        "f /Users/ada/.gitconfig nlink=2\n");
    golden("job-blacklist.txt", &f);
    MAY("file-read-data", CASE_HOME "/.profile");
    MAY_NOT("file-read-data", CASE_HOME "/.ssh/id");
    MAY_NOT("file-read-data", CASE_HOME "/absent/thing");
    MAY_NOT("file-write-create", CASE_PROJECT "/src/gen/x");
    MAY_NOT("file-read-data", "/private/etc/ssl/cert.pem");
    MAY_NOT("file-read-data", "/etc/ssl/cert.pem");
    MAY_NOT("file-write-unlink", CASE_PROJECT "/src");
    assert_int_equal(f.plan.plan.warnings.n, 1); /* of its second name */
}

static void refused(void **state)
{
    const struct {
        const char *toml, *more, *message;
    } cases[] = {
        {"[sandbox.filesystem]\nblacklist = [\"~/.ssh\"]\nro_bind = [\"~/.ssh\"]\n", NULL, "blacklist"},
        {"[sandbox.filesystem]\nblacklist = [\"~/.claude\"]\nrw_bind = [\"~/.claude/x\"]\n",
         "d /Users/ada/.claude/x\n", "blacklist"},
        {"[sandbox.filesystem]\nro_bind = [\"/Users/eve/secret/file\"]\n", "x /Users/eve/secret\n",
         "Permission denied"},
        {"[sandbox.filesystem]\nro_bind = [\"/missing\"]\n", NULL, "is not there"},
        {"[sandbox.filesystem]\nro_bind = [\"/\"]\n", NULL, "the root directory itself"},
        {"[sandbox.resources]\nmemory = \"1G\"\n", NULL, "memory: macOS has no way"},
        {"[sandbox.resources]\ncpus = 2\n", NULL, "cpus: macOS has no way"},
        {"[sandbox]\nnested = true\n[nix]\nstore_view = \"full\"\n", NULL, "cannot be nested"},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        CAGE_CLEANUP(finish) struct fixture f = {0};

        if (make(&f, cases[i].toml, cases[i].more) == 0)
            fail_msg("accepted: %s", cases[i].toml);
        if (!strstr(f.plan.err.message, cases[i].message))
            fail_msg("\"%s\" instead of \"%s\"", f.plan.err.message, cases[i].message);
    }
}

static void limits_may_be_only_wished_for(void **state)
{
    MAC("[sandbox.resources]\ncpus = 2\nmemory = \"1G\"\nenforce = \"warn\"\n", NULL);
    assert_int_equal(f.plan.plan.warnings.n, 2);
    assert_non_null(strstr(f.plan.plan.warnings.items[0], "not in force"));
}

static void networks(void **state)
{
    MAC("[sandbox.network]\nallow = false\nhost_ports = [5432]\nexpose = [3000]\n", NULL);
    golden("job-offline.txt", &f);
    assert_null(strstr(f.text, "mDNSResponder"));
    assert_true(sbpl_allowed(
        &f.profile, &(struct sbpl_query){.operation = "network-outbound", .remote = "localhost:5432"}));
    assert_false(sbpl_allowed(
        &f.profile, &(struct sbpl_query){.operation = "network-outbound", .remote = "192.0.2.1:443"}));
}

static bool may_connect(const struct fixture *f, const char *remote)
{
    return sbpl_allowed(&f->profile, &(struct sbpl_query){.operation = "network-outbound", .remote = remote});
}

static void names_lead_to_the_gate(void **state)
{
    MAC("[sandbox.network]\nhosts = [\"example.org\"]\nhost_ports = [5432]\n"
        "[cage]\nenv = [\"http_proxy=http://GATE_PORT/\"]\n",
        NULL);
    golden("job-hosts.txt", &f);
    assert_true(may_connect(&f, "localhost:8118"));
    assert_true(may_connect(&f, "localhost:5432"));
    assert_false(may_connect(&f, "localhost:8119"));
    assert_false(may_connect(&f, "192.0.2.1:8118"));
    assert_null(strstr(f.text, "mDNSResponder"));
    assert_string_equal(cage_env_get(&f.job.env, "HTTPS_PROXY"), "http://127.0.0.1:8118");
    assert_string_equal(cage_env_get(&f.job.env, "all_proxy"), "socks5h://127.0.0.1:8118");
    assert_string_equal(cage_env_get(&f.job.env, "http_proxy"),
                        "http://GATE_PORT/"); /* the user's own words */
}

static void no_names_are_no_network(void **state)
{
    MAC("[sandbox.network]\nhosts = []\n", NULL);
    assert_false(may_connect(&f, "localhost:8118"));
    assert_null(cage_env_get(&f.job.env, "HTTPS_PROXY"));
}

static void repositories(void **state)
{
    MAC(STANDARD, "d /Users/ada/work/.git/modules/lib/hooks\nf /Users/ada/work/.git/modules/lib/HEAD\n"
                  "f /Users/ada/work/.git/modules/lib/config text=[core]\\n\\tworktree = ../../../lib\\n\n"
                  "f /Users/ada/work/.git/worktrees/two/gitdir\n");
    golden("job-git.txt", &f);
    MAY_NOT("file-write-create", CASE_PROJECT "/.git/modules/lib/hooks/pre-commit");
    MAY_NOT("file-write-data", CASE_PROJECT "/.git/modules/lib/config");
    MAY_NOT("file-write-data", CASE_PROJECT "/.git/worktrees/two/gitdir");
    MAY_NOT("file-write-unlink", CASE_PROJECT "/.git/modules");
    MAY("file-write-data", CASE_PROJECT "/.git/modules/lib/index");
}

static void a_linked_worktree(void **state)
{
    MAC(STANDARD "[sandbox.filesystem]\nrw_bind = [\"/Users/ada/main/.git\"]\n",
        "f /Users/ada/work/.git text=gitdir: /Users/ada/main/.git/worktrees/w\\n\n"
        "d /Users/ada/main/.git/hooks\nf /Users/ada/main/.git/config\n"
        "f /Users/ada/main/.git/worktrees/w/commondir text=../..\\n\n");
    MAY("file-write-data", "/Users/ada/main/.git/index");
    MAY_NOT("file-write-create", "/Users/ada/main/.git/hooks/x");
    MAY_NOT("file-write-data", "/Users/ada/main/.git/config");
    MAY_NOT("file-write-data", "/Users/ada/main/.git/worktrees/w/commondir");
    MAY_NOT("file-write-data", CASE_PROJECT "/.git");
}

static void shared_opens_the_socket_where_it_is(void **state)
{
    MAC("[nix]\nstore_mode = \"shared\"\npackages = [\"jq\"]\n[sandbox.network]\nallow = false\n", NULL);
    golden("job-shared.txt", &f);
    MAY("network-outbound", "/private/var/run/determinate-nixd.socket");
    MAY_NOT("network-outbound", "/nix/var/nix/daemon-socket/socket");
    MAY("file-read-metadata", "/nix/var/nix/daemon-socket/socket");
    MAY_NOT("network-outbound", "/private/var/run/docker.sock");
    MAY_NOT("file-write-create", "/nix/store/x");
    assert_string_equal(cage_env_get(&f.job.env, "NIX_REMOTE"), "daemon");
}

static void a_copied_store_needs_linux(void **state)
{
    MAC("[nix]\nstore_mode = \"copy\"\npackages = [\"jq\"]\n", NULL);
    assert_int_equal(f.plan.plan.warnings.n, 1);
    assert_non_null(strstr(f.plan.plan.warnings.items[0], "readonly is used instead"));
    assert_string_equal(cage_env_get(&f.job.env, "NIX_REMOTE"), "unix:///nixcage-store-is-readonly");
}

static void the_agent_is_only_there_when_asked_for(void **state)
{
    const char socket[] = "/private/var/run/com.apple.launchd.abc/Listeners";

    (void)state;
    {
        MAC(STANDARD, NULL);
        MAY_NOT("network-outbound", socket);
        assert_null(cage_env_get(&f.job.env, "SSH_AUTH_SOCK"));
    }
    {
        MAC("[cage]\nssh_agent = true\n", NULL);
        MAY("network-outbound", socket);
        assert_string_equal(cage_env_get(&f.job.env, "SSH_AUTH_SOCK"),
                            "/var/run/com.apple.launchd.abc/Listeners");
    }
}

static void a_shell_finds_its_start_up_file(void **state)
{
    CAGE_CLEANUP(finish) struct fixture f = {0};

    (void)state;
    f.plan.interactive = true;
    plan_fixture_init(&f.plan, "mac", CASE_PROJECT, NULL);
    f.plan.interactive = true;
    assert_int_equal(plan_fixture_build(&f.plan, STANDARD), 0);
    assert_int_equal(cage_seatbelt_job_make(&f.job, &f.plan.plan, &f.plan.host, &session, &f.plan.err), 0);
    f.text = seatbelt_render(&f.job.input);
    golden("job-shell.txt", &f);
    assert_true(cage_strv_has(&f.job.argv, CASE_SESSION "/run/rc"));
}

static void package_attributes_are_linked_into_the_session(void **state)
{
    const char attrs[] = "/Users/ada/.cache/nixcage/v1/K/attrs";
    CAGE_CLEANUP(finish) struct fixture f = {0};
    const struct cage_seatbelt_entry *entry;

    (void)state;
    plan_fixture_init(&f.plan, "mac", CASE_PROJECT, "f /Users/ada/.cache/nixcage/v1/K/attrs/.attr-0\n");
    f.plan.nix.attrs_dir = cage_strdup(attrs);
    f.plan.nix.attrs_dest = cage_strdup("/run/nixcage/attrs");
    cage_strv_add(&f.plan.nix.env, "textPath=/run/nixcage/attrs/.attr-0");
    assert_int_equal(plan_fixture_build(&f.plan, STANDARD), 0);
    assert_int_equal(cage_seatbelt_job_make(&f.job, &f.plan.plan, &f.plan.host, &session, &f.plan.err), 0);
    assert_string_equal(cage_env_get(&f.job.env, "textPath"), CASE_SESSION "/run/attrs/.attr-0");
    entry = &f.job.entries[f.job.n_entries - 1];
    for (size_t i = 0; i < f.job.n_entries; i++)
        if (strcmp(f.job.entries[i].path, "run/attrs") == 0)
            entry = &f.job.entries[i];
    assert_string_equal(entry->path, "run/attrs");
    assert_string_equal(entry->target, attrs);
    f.text = seatbelt_render(&f.job.input);
    assert_non_null(strstr(f.text, attrs));
}

static void the_user_environment_is_not_rewritten(void **state)
{
    MAC("[cage]\nenv = [\"WHERE=/run/nixcage/x\", \"TMPDIR=/elsewhere\"]\n", NULL);
    assert_string_equal(cage_env_get(&f.job.env, "WHERE"), "/run/nixcage/x");
    assert_string_equal(cage_env_get(&f.job.env, "TMPDIR"), "/elsewhere");
}

static void paths_are_resolved_as_macos_does(void **state)
{
    const struct {
        const char *path, *real;
    } cases[] = {
        {"/tmp/x", "/private/tmp/x"},
        {"/etc/ssl/../hosts", "/private/etc/hosts"},
        {"/Users/ada/current/a", "/Users/ada/models/big/a"},
        {"/Users/ada/current/../x", "/Users/ada/models/x"},
        {"/System/Volumes/Data/Users/ada", "/Users/ada"},
        {"/System/Volumes/Data", "/System/Volumes/Data"},
        {"/no/such/thing", "/no/such/thing"},
        {"/", "/"},
        {"/..", "/"},
    };
    CAGE_CLEANUP(finish) struct fixture f = {0};
    CAGE_STRV_AUTO nodes = {0};
    struct cage_error err = {0};

    (void)state;
    plan_fixture_init(&f.plan, "mac", CASE_PROJECT,
                      "l /Users/ada/loop loop\nl /Users/ada/deep /tmp/../../Users/ada/current\n");
    for (size_t i = 0; i < CAGE_LEN(cases); i++)
        assert_owned_string(cage_seatbelt_resolve(&f.plan.host, cases[i].path, NULL, NULL, &err),
                            cases[i].real);
    assert_owned_string(cage_seatbelt_resolve(&f.plan.host, "/Users/ada/deep/z", &nodes, NULL, &err),
                        "/Users/ada/models/big/z");
    assert_int_equal(nodes.n, 3);
    assert_string_equal(nodes.items[0], "/Users/ada/deep");
    assert_string_equal(nodes.items[1], "/tmp");
    assert_string_equal(nodes.items[2], "/Users/ada/current");
    assert_null(cage_seatbelt_resolve(&f.plan.host, "/Users/ada/loop", NULL, NULL, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),
        cmocka_unit_test(binds),
        cmocka_unit_test(blacklist_in_relaxed_home),
        cmocka_unit_test(refused),
        cmocka_unit_test(limits_may_be_only_wished_for),
        cmocka_unit_test(networks),
        cmocka_unit_test(names_lead_to_the_gate),
        cmocka_unit_test(no_names_are_no_network),
        cmocka_unit_test(repositories),
        cmocka_unit_test(a_linked_worktree),
        cmocka_unit_test(shared_opens_the_socket_where_it_is),
        cmocka_unit_test(a_copied_store_needs_linux),
        cmocka_unit_test(the_agent_is_only_there_when_asked_for),
        cmocka_unit_test(a_shell_finds_its_start_up_file),
        cmocka_unit_test(package_attributes_are_linked_into_the_session),
        cmocka_unit_test(the_user_environment_is_not_rewritten),
        cmocka_unit_test(paths_are_resolved_as_macos_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
