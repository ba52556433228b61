/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The environment, the command and what `nixcage plan` says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "plan/explain.h"
#include "plan/planner.h"
#include "plan_fixture.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void build(struct plan_fixture *f, const char *more, const char *toml)
{
    plan_fixture_init(f, "debian", "/home/u/proj", more);
    if (plan_fixture_build(f, toml) < 0)
        fail_msg("%s (%s)", f->err.message, f->err.hint);
}

static void assert_env(const struct plan_fixture *f, const char *name, const char *value)
{
    const char *got = cage_plan_getenv(&f->plan, name);

    if (value ? !got || strcmp(got, value) != 0 : got != NULL)
        fail_msg("%s is %s, not %s", name, got ? got : "unset", value ? value : "unset");
}

static void test_pure(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, NULL, "[cage]\npassthrough_env = [\"ANTHROPIC_API_KEY\", \"NOT_THERE\"]\nenv = [\"A=b=c\"]\n");
    assert_env(&f, "EDITOR", NULL);
    assert_env(&f, "LD_PRELOAD", NULL);
    assert_env(&f, "ANTHROPIC_API_KEY", "sk-ant-secret");
    assert_env(&f, "NOT_THERE", NULL);
    assert_env(&f, "A", "b=c");
    assert_env(&f, "NIXCAGE_ACTIVE", "cage");
    assert_env(&f, "SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt");
    plan_fixture_finish(&f);
}

static void test_impure(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f,
          "env GOOD=yes\nenv DB=postgres://u:p@h/x\nenv MY_GH=ghp_abc\nenv DISPLAY=:0\nd /home/u/.local/bin",
          "[sandbox.filesystem]\nro_bind = [\"~/.local/bin\"]\n[nix]\npure = false\n[cage]\npassthrough_env "
          "= []\n");
    assert_env(&f, "GOOD", "yes");
    assert_env(&f, "EDITOR", "vim");
    assert_env(&f, "GITHUB_TOKEN", NULL);
    assert_env(&f, "ANTHROPIC_API_KEY", NULL);
    assert_env(&f, "DB", NULL);
    assert_env(&f, "MY_GH", NULL);
    assert_env(&f, "LD_PRELOAD", NULL);
    assert_env(&f, "DISPLAY", NULL);
    /* What of the host's PATH is seen in the cage comes last. */
    assert_env(&f, "PATH", "/nix/store/aaa-bash/bin:/nix/store/bbb-coreutils/bin:/home/u/.local/bin");
    plan_fixture_finish(&f);
}

static void test_refused_names(void **state)
{
    static const char *const bad[] = {"[cage]\nenv = [\"NIXCAGE_ACTIVE=x\"]\n",
                                      "[cage]\npassthrough_env = [\"PATH\"]\n"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(bad); i++) {
        struct plan_fixture f;

        plan_fixture_init(&f, "debian", "/home/u/proj", NULL);
        assert_int_equal(plan_fixture_build(&f, bad[i]), -1);
        assert_int_equal(f.err.line, 2);
        plan_fixture_finish(&f);
    }
}

static void test_usual_places(void **state)
{
    struct plan_fixture f;

    (void)state;
    /* git must find what is shown at ~/.config/git. */
    build(&f, "f /home/u/.config/git/config", "[sandbox.filesystem]\nro_bind = [\"~/.config/git\"]\n");
    assert_env(&f, "XDG_CONFIG_HOME", NULL);
    assert_env(&f, "XDG_CACHE_HOME", "/home/u/proj/.nixcage/local/cache");
    plan_fixture_finish(&f);
    build(&f, NULL, "[sandbox]\nlevel = \"strict\"\n");
    assert_env(&f, "XDG_CACHE_HOME", NULL);
    assert_env(&f, "TMPDIR", "/tmp");
    assert_string_equal(f.plan.cwd, "/home/u");
    assert_int_equal(f.plan.net, CAGE_NET_NONE);
    plan_fixture_finish(&f);
}

static void test_agent(void **state)
{
    struct plan_fixture f;

    (void)state;
    build(&f, NULL, "[cage]\nssh_agent = true\n");
    assert_env(&f, "SSH_AUTH_SOCK", "/run/nixcage/ssh-agent");
    assert_string_equal(plan_fixture_op(&f, "/run/nixcage/ssh-agent")->source, "/tmp/ssh-XXX/agent.1");
    plan_fixture_finish(&f);
}

static void test_hook(void **state)
{
    struct plan_fixture f;
    const struct cage_op *rc;

    (void)state;
    plan_fixture_init(&f, "debian", "/home/u/proj", NULL);
    f.nix.shell_hook = cage_strdup("echo hi");
    assert_int_equal(plan_fixture_build(&f, ""), 0);
    assert_int_equal(f.plan.argv.n, 6);
    assert_string_equal(f.plan.argv.items[0], "/nix/store/aaa-bash/bin/bash");
    assert_string_equal(f.plan.argv.items[4], "true");
    rc = plan_fixture_op(&f, "/run/nixcage/rc");
    assert_true(rc && strstr(rc->content, "runHook shellHook") && strstr(rc->content, "exec -- \"$@\""));
    plan_fixture_finish(&f);
}

static void test_secret_names(void **state)
{
    static const char *const secret[] = {"GITHUB_TOKEN", "aws_region", "NPM_AUTH",
                                         "DB_PASSWORD",  "MY_KEY",     "X_PAT"};
    static const char *const plain[] = {"EDITOR", "LANG", "KEYBOARD", "PWD", "MONKEY", "PATTERN", "GOPATH"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(secret); i++)
        assert_true(cage_env_looks_secret(secret[i], "x"));
    for (size_t i = 0; i < CAGE_LEN(plain); i++)
        assert_false(cage_env_looks_secret(plain[i], "x"));
    assert_true(cage_env_looks_secret("URL", "https://me:pw@example.org/"));
    assert_false(cage_env_looks_secret("URL", "https://example.org:8080/a@b"));
    assert_true(cage_env_looks_secret("X", "-----BEGIN OPENSSH PRIVATE KEY-----"));
}

/* No value of any variable that came from the user is in what is shown. */
static void test_explain_has_no_values(void **state)
{
    CAGE_STRBUF_AUTO out = {0};
    struct plan_fixture f;
    json_t *root;
    json_error_t error;

    (void)state;
    build(
        &f, "env ZZ_VALUE=visible-nowhere",
        "[sandbox.filesystem]\nro_bind = [\"/data/models\"]\n[nix]\npure = false\n[cage]\npassthrough_env = "
        "[\"ANTHROPIC_API_KEY\"]\nenv = [\"E=set-in-config\"]\n");
    cage_strbuf_init(&out);
    cage_plan_explain(&f.plan, &f.config, &out);
    assert_non_null(strstr(out.buf, "ANTHROPIC_API_KEY"));
    assert_non_null(strstr(out.buf, "ro_bind (nixcage.toml:2)"));
    cage_plan_explain_json(&f.plan, &f.config, &out);
    assert_null(strstr(out.buf, "sk-ant-secret"));
    assert_null(strstr(out.buf, "visible-nowhere"));
    assert_null(strstr(out.buf, "set-in-config"));
    cage_strbuf_reset(&out);
    cage_plan_explain_json(&f.plan, &f.config, &out);
    root = json_loads(out.buf, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "version")), 1);
    assert_int_equal(json_array_size(json_object_get(root, "mounts")), f.plan.n_ops);
    json_decref(root);
    plan_fixture_finish(&f);
}

/* The home directory of the level relaxed does not give what ssh_agent asks about. */
static void test_agent_in_home(void **state)
{
    /* The machine's SSH_AUTH_SOCK leads there. */
    static const char machine[] =
        "s /home/u/.ssh/agent/s.1 uid=1000\nl /tmp/ssh-XXX/agent.1 /home/u/.ssh/agent/s.1 uid=1000";
    static const struct {
        const char *toml;
        bool hidden;
    } rows[] = {
        {"[sandbox]\nlevel = \"relaxed\"\n", true},
        {"[sandbox]\nlevel = \"relaxed\"\n[cage]\nssh_agent = true\n", false},
        {"[sandbox]\nlevel = \"relaxed\"\n[sandbox.filesystem]\nro_bind = [\"~/.ssh/agent/s.1\"]\n", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(rows); i++) {
        struct plan_fixture f;
        const struct cage_op *op;

        build(&f, machine, rows[i].toml);
        op = plan_fixture_op(&f, "/home/u/.ssh/agent/s.1");
        assert_int_equal(op && op->kind == CAGE_OP_MASK_FILE, rows[i].hidden);
        plan_fixture_finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pure),
        cmocka_unit_test(test_impure),
        cmocka_unit_test(test_refused_names),
        cmocka_unit_test(test_usual_places),
        cmocka_unit_test(test_agent),
        cmocka_unit_test(test_agent_in_home),
        cmocka_unit_test(test_hook),
        cmocka_unit_test(test_secret_names),
        cmocka_unit_test(test_explain_has_no_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
