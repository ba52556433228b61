/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/path.h"
#include "nix/context.h"
#include "nix/witness.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"

static struct cage_host host;

static char *scratch(void **state, const char *name)
{
    return cage_path_join(*state, name);
}

static int make_scratch(void **state)
{
    char *dir = cage_strdup("/tmp/nixcage-witness-XXXXXX");

    *state = mkdtemp(dir);
    return *state ? 0 : -1;
}

static int drop_scratch(void **state)
{
    struct cage_error err;
    int rc = cage_fs_remove_tree(AT_FDCWD, *state, &err);

    free(*state);
    return rc;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_a_file_that_changes(void **state)
{
    cage_autofree char *file = scratch(state, "file"), *absent = scratch(state, "absent");
    CAGE_STRV_AUTO list = {0};

    put(file, "one");
    cage_nix_witness_file(&list, file);
    cage_nix_witness_file(&list, absent);
    assert_true(cage_nix_witness_holds(&list, &host));
    put(file, "other");
    assert_false(cage_nix_witness_holds(&list, &host));
    cage_strv_finish(&list);
    cage_nix_witness_file(&list, absent);
    put(absent, "");
    assert_false(cage_nix_witness_holds(&list, &host));
}

static void test_symlink_chains(void **state)
{
    cage_autofree char *a = scratch(state, "a"), *b = scratch(state, "b"), *link = scratch(state, "link");
    cage_autofree char *second = scratch(state, "second"), *inner = scratch(state, "second/x");
    CAGE_STRV_AUTO list = {0};

    assert_int_equal(mkdir(a, 0700) | mkdir(b, 0700), 0);
    assert_int_equal(symlink("a", link) | symlink(link, second), 0);
    cage_nix_witness_chain(&list, inner);
    assert_true(cage_nix_witness_holds(&list, &host));
    /* Two links, and that there is no a/x. */
    assert_int_equal(list.n, 6);
    assert_int_equal(unlink(link) | symlink("b", link), 0);
    assert_false(cage_nix_witness_holds(&list, &host));
}

static void test_a_loop_of_symlinks_ends(void **state)
{
    cage_autofree char *loop = scratch(state, "loop");
    CAGE_STRV_AUTO list = {0};

    assert_int_equal(symlink("loop", loop), 0);
    cage_nix_witness_chain(&list, loop);
    assert_true(cage_nix_witness_holds(&list, &host));
}

static void test_variables(void **state)
{
    struct cage_host changed = {0};
    CAGE_STRV_AUTO list = {0};

    (void)state;
    cage_env_set(&changed.env, "SET", "secret");
    cage_nix_witness_variable(&list, &changed, "SET");
    cage_nix_witness_variable(&list, &changed, "UNSET");
    for (size_t i = 0; i < list.n; i++)
        assert_null(strstr(list.items[i], "secret"));
    assert_true(cage_nix_witness_holds(&list, &changed));
    cage_env_set(&changed.env, "SET", "secret2");
    assert_false(cage_nix_witness_holds(&list, &changed));
    cage_env_set(&changed.env, "SET", "secret");
    cage_env_set(&changed.env, "UNSET", "");
    assert_false(cage_nix_witness_holds(&list, &changed));
    cage_strv_finish(&changed.env);
}

static void test_noise_never_holds(void **state)
{
    static const char *const facts[] = {"", "?", "x", "f", "fnoise", "l", "e", "v"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(facts); i++) {
        CAGE_STRV_AUTO list = {0};

        cage_strv_add(&list, facts[i]);
        cage_strv_add(&list, "/etc/passwd");
        assert_int_equal(cage_nix_witness_holds(&list, &host), strcmp(facts[i], "l") == 0);
    }
}

static void test_racy(void **state)
{
    CAGE_STRV_AUTO list = {0};

    (void)state;
    cage_strv_add(&list, "f10.20 1.1 0 0 0");
    cage_strv_add(&list, "/x");
    assert_true(cage_nix_witness_is_racy(&list, (struct timespec){.tv_sec = 0x10, .tv_nsec = 0x20}));
    assert_true(cage_nix_witness_is_racy(&list, (struct timespec){.tv_sec = 0x0f, .tv_nsec = 0x30}));
    assert_false(cage_nix_witness_is_racy(&list, (struct timespec){.tv_sec = 0x10, .tv_nsec = 0x21}));
    assert_false(cage_nix_witness_is_racy(&list, (struct timespec){.tv_sec = 0x11, .tv_nsec = 0}));
}

static bool names(const struct cage_strv *list, const char *path)
{
    for (size_t i = 1; i < list->n; i += 2)
        if (strcmp(list->items[i], path) == 0)
            return true;
    return false;
}

static void test_scan(void **state)
{
    static const char text[] =
        "{ a = builtins.getEnv \"ONE\"; b = getEnv(\"TWO\"); c = getEnv name;\n"
        "d = ./v.txt; e = readFile ../up/x; f = \"x./no\"; g = [./a ./b/c.nix]; h = ...; }";
    CAGE_STRV_AUTO list = {0}, plain = {0};

    (void)state;
    assert_false(cage_nix_witness_scan_text(&list, &host, "/p/q", text, true));
    assert_true(names(&list, "ONE") && names(&list, "TWO"));
    assert_true(names(&list, "/p/q/v.txt") && names(&list, "/p/up/x"));
    assert_true(names(&list, "/p/q/a") && names(&list, "/p/q/b/c.nix"));
    assert_false(names(&list, "/p/q/no"));
    assert_false(cage_nix_witness_scan_text(&plain, &host, "/p/q", text, false));
    assert_false(names(&plain, "/p/q/v.txt"));
    assert_true(cage_nix_witness_scan_text(&plain, &host, "/p", "builtins.fetchTarball \"https://x\"", true));
}

static void test_urls(void **state)
{
    (void)state;
    assert_true(cage_nix_is_url("nixpkgs=https://x/y.tar.gz"));
    assert_true(cage_nix_is_url("channel:nixos-unstable"));
    assert_false(cage_nix_is_url("nixpkgs=/pkgs"));
}

static void test_store_paths_in_text(void **state)
{
    static const char text[] =
        "PATH=/nix/store/0123456789abcdfghijklmnpqrsvwxyz-a-1.0/bin:/nix/store/short-x\0"
        "x=/nix/store/0123456789abcdfghijklmnpqrsvwxyz-b.drv y=/nix/store/0123456789abcdfghijklmnpqrsvwxyz-c";
    CAGE_STRV_AUTO paths = {0};

    (void)state;
    cage_nix_scan_store_paths(text, sizeof text - 1, &paths);
    assert_int_equal(paths.n, 2);
    assert_string_equal(paths.items[0], "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-a-1.0");
    assert_string_equal(paths.items[1], "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-c");
}

static void test_live_variables(void **state)
{
    (void)state;
    assert_true(cage_nix_is_live("TMPDIR=/x"));
    assert_true(cage_nix_is_live("_=x"));
    assert_true(cage_nix_is_live("https_proxy=x"));
    assert_false(cage_nix_is_live("TMPDIRX=/x"));
    assert_false(cage_nix_is_live("PATH=/x"));
    assert_false(cage_nix_is_live("__ETC_PROFILE_SOURCED=1"));
}

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, make_scratch, drop_scratch)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(test_a_file_that_changes),
        WITH_SCRATCH(test_symlink_chains),
        WITH_SCRATCH(test_a_loop_of_symlinks_ends),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_noise_never_holds),
        cmocka_unit_test(test_racy),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_store_paths_in_text),
        cmocka_unit_test(test_live_variables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
