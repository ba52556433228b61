/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A configuration and a described machine in, the exact plan and bwrap's exact arguments out. UPDATE_GOLDEN=1
 * writes the expected files anew: read the difference before you believe it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/mem.h"
#include "plan/explain.h"
#include "plan_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN TEST_SRCDIR "/../../golden/plan"

static const struct {
    const char *name, *root;
} hosts[] = {
    {"debian", "/home/u/proj"}, {"nixos", "/home/u/proj"}, {"fedora", "/root/proj"}, {"plain", "/work/proj"}};

static const struct {
    const char *name, *toml;
    bool interactive, without_nix;
} configs[] = {
    {"standard", "", false, false},
    {"strict", "[sandbox]\nlevel = \"strict\"\n", false, false},
    {"relaxed", "[sandbox]\nlevel = \"relaxed\"\n", false, false},
    {"shell", "", true, false},
    {"offline", "[sandbox.network]\nallow = false\n", false, false},
    {"binds",
     "[sandbox.filesystem]\nro_bind = [\"/data/models\", \"~/.gitconfig?\", \"src?\"]\nrw_bind = "
     "[\"~/.claude?\"]\n",
     false, false},
    {"blacklist",
     "[sandbox]\nlevel = \"relaxed\"\n[sandbox.filesystem]\nblacklist = [\"~/.ssh\", \"~/.gitconfig\", "
     "\"~/.aws\", "
     "\"~/proj/.vscode\", \"~/proj/src\"]\n",
     false, false},
    {"system", "[sandbox.filesystem]\nsystem = true\n", false, false},
    {"system-only", "[sandbox.filesystem]\nsystem = true\n[nix]\npackages = []\n", true, true},
    {"impure", "[nix]\npure = false\n[cage]\nenv = [\"MODE=fast\", \"MY_TOKEN=x\"]\n", false, false},
    {"shared", "[nix]\nstore_mode = \"shared\"\n", false, false},
    {"copy", "[nix]\nstore_mode = \"copy\"\n", false, false},
    {"full", "[nix]\nstore_view = \"full\"\n", false, false},
    {"gate",
     "[sandbox.network]\nhosts = [\"example.org\", \"*.github.com:443\"]\nexpose = [3000]\nhost_ports = "
     "[5432]\n",
     false, false},
    {"agent", "[cage]\nssh_agent = true\n", false, false},
    {"protect",
     "[sandbox.filesystem]\nprotect = [\"Makefile\", \"ci/deploy.yml\"]\nunprotect = [\".vscode\", "
     "\".git\"]\n",
     false, false},
};

static void compare(const char *name, const char *got)
{
    cage_autofree char *path = cage_format("%s/%s.golden", GOLDEN, name);
    CAGE_STRBUF_AUTO want = {0};
    struct cage_error err;

    cage_strbuf_init(&want);
    if (getenv("UPDATE_GOLDEN")) {
        assert_return_code(cage_fs_write_atomic(AT_FDCWD, path, got, strlen(got), 0644, &err), 0);
        return;
    }
    if (cage_fs_read(AT_FDCWD, path, 1 << 20, &want, &err) < 0)
        fail_msg("%s: %s", name, err.message);
    if (strcmp(want.buf, got) != 0) {
        print_error("%s differs; it is now:\n%s\n", path, got);
        fail_msg("%s", name);
    }
}

static void test_all(void **state)
{
    (void)state;
    for (size_t h = 0; h < CAGE_LEN(hosts); h++)
        for (size_t c = 0; c < CAGE_LEN(configs); c++) {
            cage_autofree char *name = cage_format("%s-%s", hosts[h].name, configs[c].name);
            CAGE_STRBUF_AUTO out = {0};
            struct plan_fixture f;

            plan_fixture_init(&f, hosts[h].name, hosts[h].root, NULL);
            f.interactive = configs[c].interactive;
            f.without_nix = configs[c].without_nix;
            cage_strbuf_init(&out);
            if (plan_fixture_build(&f, configs[c].toml) < 0)
                cage_error_render(&f.err, &out);
            else
                plan_fixture_dump(&f, &out);
            compare(name, out.buf);
            plan_fixture_finish(&f);
        }
}

/* What `nixcage plan` prints, for every configuration on the first machine. */
static void test_explained(void **state)
{
    (void)state;
    for (size_t c = 0; c < CAGE_LEN(configs); c++) {
        cage_autofree char *name = cage_format("explain-%s", configs[c].name);
        cage_autofree char *json = cage_format("explain-%s-json", configs[c].name);
        CAGE_STRBUF_AUTO out = {0};
        struct plan_fixture f;

        plan_fixture_init(&f, hosts[0].name, hosts[0].root, NULL);
        f.interactive = configs[c].interactive;
        f.without_nix = configs[c].without_nix;
        assert_int_equal(plan_fixture_build(&f, configs[c].toml), 0);
        cage_strbuf_init(&out);
        cage_plan_explain(&f.plan, &f.config, &out);
        compare(name, out.buf);
        cage_strbuf_reset(&out);
        cage_plan_explain_json(&f.plan, &f.config, &out);
        if (c < 3)
            compare(json, out.buf);
        plan_fixture_finish(&f);
    }
}

/* And for every preset that init can start from. */
static void test_presets(void **state)
{
    static const char *const presets[] = {"claude-code", "codex",   "default", "gemini",
                                          "generic",     "minimal", "opencode"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(presets); i++) {
        cage_autofree char *path = cage_format("%s/../../../share/presets/%s.toml", TEST_SRCDIR, presets[i]);
        cage_autofree char *name = cage_format("explain-preset-%s", presets[i]);
        CAGE_STRBUF_AUTO toml = {0}, out = {0};
        struct cage_error err;
        struct plan_fixture f;

        cage_strbuf_init(&toml);
        cage_strbuf_init(&out);
        assert_return_code(cage_fs_read(AT_FDCWD, path, 1 << 16, &toml, &err), 0);
        plan_fixture_init(&f, hosts[0].name, hosts[0].root, NULL);
        f.interactive = true;
        if (plan_fixture_build(&f, toml.buf) < 0)
            fail_msg("%s: %s", presets[i], f.err.message);
        cage_plan_explain(&f.plan, &f.config, &out);
        compare(name, out.buf);
        plan_fixture_finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all), cmocka_unit_test(test_explained),
                                       cmocka_unit_test(test_presets)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
