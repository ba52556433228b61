/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/strbuf.h"
#include "nix/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_package_names(void **state)
{
    static const char *const good[] = {"hello", "nodejs_22",   "python3Packages.requests", "_a", "a-b",
                                       "a'",    "gcc13.cc.lib"};
    static const char *const bad[] = {
        "",           ".",     "a.",  ".a",  "a..b",   "1a",
        "-a",         "a b",   "a)",  "a\n", "a;",     "hello) (builtins.trace \"x\" hooked",
        "a.1b",       "\"a\"", "a/b", "./a", "a.${b}", "<nixpkgs>",
        "caf\xc3\xa9"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(good); i++)
        assert_true(cage_nix_package_valid(good[i]));
    for (size_t i = 0; i < CAGE_LEN(bad); i++)
        assert_false(cage_nix_package_valid(bad[i]));
}

static void load(struct cage_config *config, const char *text)
{
    struct cage_error err = {0};

    cage_config_init(config);
    assert_int_equal(cage_config_parse(config, "nixcage.toml", text, strlen(text), &err), 0);
}

/* The words of nix-shell's arguments for a configuration, joined by spaces. The caller frees. */
static char *arguments(const char *text, const char *nixpkgs, const char *drv)
{
    struct cage_config config;
    struct cage_nix_expr expr;
    struct cage_error err = {0};
    struct cage_strv argv = {0};
    CAGE_STRBUF_AUTO joined = {0};

    load(&config, text);
    assert_int_equal(cage_nix_expr_init(&expr, &config, "/project", "/home/u", &err), 0);
    cage_nix_expr_shell_args(&expr, nixpkgs, drv, &argv);
    cage_strbuf_init(&joined);
    for (size_t i = 0; i < argv.n; i++)
        cage_strbuf_addf(&joined, "%s%s", i ? " " : "", argv.items[i]);
    cage_strv_finish(&argv);
    cage_nix_expr_finish(&expr);
    cage_config_finish(&config);
    return cage_strbuf_steal(&joined);
}

static void test_arguments_keep_the_order(void **state)
{
    char *got = arguments("[nix]\npackages = [\"b\", \"a\", \"c.d\"]\n", NULL, NULL);

    (void)state;
    assert_string_equal(got, "-p b a c.d");
    free(got);
    got = arguments("[nix]\npackages = []\n", "/pkgs", NULL);
    assert_string_equal(got, "-I nixpkgs=/pkgs -p");
    free(got);
}

static void test_nixpkgs(void **state)
{
    static const char pinned[] = "[nix]\npackages = [\"a\"]\n"
                                 "nixpkgs = \"github:NixOS/nixpkgs/0123456789012345678901234567890123456789"
                                 "#sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n";
    struct cage_config config;
    struct cage_nix_expr expr;
    struct cage_error err = {0};
    char *text;

    (void)state;
    load(&config, "[nix]\nnixpkgs = \"./a/../pkgs\"\n");
    assert_int_equal(cage_nix_expr_init(&expr, &config, "/project", "/home/u", &err), 0);
    assert_string_equal(expr.nixpkgs_path, "/project/pkgs");
    cage_nix_expr_finish(&expr);
    cage_config_finish(&config);

    load(&config, pinned);
    assert_int_equal(cage_nix_expr_init(&expr, &config, "/project", "/home/u", &err), 0);
    assert_null(expr.nixpkgs_path);
    text = cage_nix_pin_expr(&expr);
    assert_string_equal(
        text, "toString (builtins.fetchTarball { url = "
              "\"https://github.com/NixOS/nixpkgs/archive/0123456789012345678901234567890123456789.tar.gz\"; "
              "sha256 = \"sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"; })");
    free(text);
    cage_nix_expr_finish(&expr);
    cage_config_finish(&config);
}

static void test_flake_strings_are_quoted(void **state)
{
    struct cage_nix_expr expr = {.kind = CAGE_NIX_FLAKE, .flake_attr = cage_strdup("")};
    char *text = cage_nix_flake_expr(&expr, "path:/a\"b\\c${d}", "x86_64-linux");

    (void)state;
    assert_non_null(strstr(text, "builtins.getFlake \"path:/a\\\"b\\\\c\\${d}\""));
    assert_non_null(strstr(text, "n = \"default\""));
    free(text);
    cage_nix_expr_finish(&expr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_package_names),
        cmocka_unit_test(test_arguments_keep_the_order),
        cmocka_unit_test(test_nixpkgs),
        cmocka_unit_test(test_flake_strings_are_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
