/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Facts of the real machine: paths, user, directories, bwrap, install hints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "host/host.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/nixcage-host-XXXXXX";

static char *path_in(const char *name)
{
    return cage_path_join(dir, name);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    cage_autofree char *path = path_in(name);
    struct cage_error err;

    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, path, text, strlen(text), mode, &err), 0);
    assert_return_code(chmod(path, mode), 0);
}

static void link_to(const char *target, const char *name)
{
    cage_autofree char *path = path_in(name);

    assert_return_code(symlink(target, path), 0);
}

static int set_up(void **state)
{
    cage_autofree char *sub = NULL;

    (void)state;
    if (!mkdtemp(dir))
        return -1;
    sub = path_in("sub");
    if (mkdir(sub, 0755) < 0)
        return -1;
    write_file("sub/file", "text", 0600);
    link_to("sub", "link");
    link_to("nowhere/deep", "dangling");
    link_to("loop", "loop");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return cage_fs_remove_tree(AT_FDCWD, dir, NULL);
}

/* PATH for programs that look for others: nothing of a project, nothing relative, and never empty. */
static void test_safe_path(void **state)
{
    cage_autofree char *project = path_in("project"), *bin = path_in("project/bin"), *sub = path_in("sub");
    cage_autofree char *given = cage_format("%s:relative::.:%s:/nowhere", bin, sub);
    cage_autofree char *safe = NULL, *none = NULL, *unset = cage_host_safe_path(NULL);

    (void)state;
    assert_return_code(mkdir(project, 0755), 0);
    assert_return_code(mkdir(bin, 0755), 0);
    write_file("project/nixcage.toml", "", 0644);
    safe = cage_host_safe_path(given);
    assert_string_equal(safe, sub);
    none = cage_host_safe_path(bin);
    assert_string_equal(none, "/usr/bin:/bin");
    assert_string_equal(unset, "/usr/bin:/bin");
}

/* A probe with this environment; PATH is the directory itself. */
static void probe(struct cage_host *host, const char *const *env)
{
    CAGE_STRV_AUTO all = {0};
    struct cage_error err;

    for (; *env; env++)
        cage_strv_add(&all, *env);
    cage_strv_addf(&all, "XDG_CACHE_HOME=%s/cache", dir);
    cage_strv_addf(&all, "PATH=%s", dir);
    assert_int_equal(cage_host_probe(host, cage_strv_argv(&all), &err), 0);
}

static void look(const struct cage_host *host, const char *name, enum cage_file_type type, const char *real)
{
    cage_autofree char *path = path_in(name);
    cage_autofree char *want = path_in(real);
    struct cage_file_fact fact, child;
    struct cage_error err;

    assert_int_equal(host->lookup(host, path, &fact, &err), 0);
    assert_int_equal(fact.type, type);
    assert_string_equal(fact.real, want);
    if (!strchr(name, '/')) {
        assert_int_equal(host->lookup_child(host, dir, name, &child, &err), 0);
        assert_int_equal(child.type, type);
        assert_string_equal(child.real, want);
        assert_true(child.ino == fact.ino && child.is_symlink == fact.is_symlink);
        cage_file_fact_finish(&child);
    }
    cage_file_fact_finish(&fact);
}

static void test_lookup(void **state)
{
    static const char *const none[] = {NULL};
    struct cage_host host;
    struct cage_file_fact fact;
    cage_autofree char *loop = path_in("loop");
    struct cage_error err;

    (void)state;
    probe(&host, none);
    look(&host, "sub", CAGE_FILE_DIR, "sub");
    look(&host, "link", CAGE_FILE_DIR, "sub");
    look(&host, "link/file", CAGE_FILE_REGULAR, "sub/file");
    look(&host, "absent", CAGE_FILE_NONE, "absent");
    look(&host, "link/a/b", CAGE_FILE_NONE, "sub/a/b");
    look(&host, "sub/file/x", CAGE_FILE_NONE, "sub/file/x");
    look(&host, "dangling", CAGE_FILE_NONE, "nowhere/deep");
    assert_int_equal(host.lookup(&host, loop, &fact, &err), -1);
    cage_host_finish(&host);
}

static void test_user_and_directories(void **state)
{
    static const char *const env[] = {"HOME=/some/where/", "XDG_CONFIG_HOME=relative", "XDG_STATE_HOME=/st",
                                      NULL};
    static const char *const none[] = {NULL};
    struct cage_host host;

    (void)state;
    probe(&host, env);
    assert_string_equal(host.home, "/some/where");
    assert_string_equal(host.config_home, "/some/where/.config/nixcage");
    assert_string_equal(host.state_home, "/st/nixcage");
    assert_int_equal(host.uid, getuid());
    cage_host_finish(&host);
    /* Without HOME the home is passwd's, or made up; never relative, never missing. */
    probe(&host, none);
    assert_int_equal(host.home[0], '/');
    assert_true(host.user[0] != '\0');
    cage_host_finish(&host);
}

static const char *os_release;

static char *read_os_release(const struct cage_host *host, const char *path)
{
    (void)host;
    return strcmp(path, "/etc/os-release") == 0 ? cage_strdup(os_release) : NULL;
}

static void test_hints(void **state)
{
    static const struct {
        const char *text, *program, *hint;
    } cases[] = {
        {"NAME=x\nID=debian\n", "bwrap", "sudo apt install bubblewrap"},
        {"ID=\"fedora\"\n", "bwrap", "sudo dnf install bubblewrap"},
        {"ID=pop\nID_LIKE=\"ubuntu debian\"\n", "direnv", "sudo apt install direnv"},
        {"ID=endeavouros\nID_LIKE=arch\n", "bwrap", "sudo pacman -S bubblewrap"},
        {"ID=alpine\n", "direnv", "sudo apk add direnv"},
        {"ID=opensuse-leap\n", "bwrap", "sudo zypper install bubblewrap"},
        {"ID=nixos\n", "bwrap", "nix-env -iA nixos.bubblewrap"},
        {"ID=unheard-of\n", "bwrap", "nix-env -iA nixpkgs.bubblewrap"},
        {"ID=unheard-of\n", "nix-shell", "sh <(curl -L https://nixos.org/nix/install)"},
        {"", "direnv", "nix-env -iA nixpkgs.direnv"},
    };
    char linux_name[] = "linux";

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        struct cage_host host = {.os = linux_name, .uid = 1000, .read_small = read_os_release};
        cage_autofree char *hint = NULL;

        os_release = cases[i].text;
        hint = cage_host_install_hint(&host, cases[i].program);
        assert_string_equal(hint, cases[i].hint);
    }
}

/* A program that says it is this version and counts how often it is asked. */
static void make_bwrap(const char *version, mode_t mode)
{
    cage_autofree char *text =
        cage_format("#!/bin/sh\necho x >>%s/asked\necho bubblewrap %s\n", dir, version);

    write_file("bwrap", text, mode);
}

static long times_asked(void)
{
    cage_autofree char *path = path_in("asked");
    struct stat st;

    return stat(path, &st) == 0 ? (long)st.st_size / 2 : 0;
}

static void test_bwrap(void **state)
{
    static const char *const none[] = {NULL};
    cage_autofree char *bwrap_path = path_in("bwrap");
    cage_autofree char *project = path_in("nixcage.toml");
    struct cage_bwrap bwrap;
    struct cage_host host;
    struct cage_error err;

    (void)state;
    probe(&host, none);
    assert_int_equal(cage_bwrap_probe(&host, &bwrap, &err), -1);
    assert_int_equal(err.code, CAGE_ERR_MISSING);
    assert_true(err.hint[0] != '\0');

    make_bwrap("0.8.0", 0755);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cage_bwrap_probe(&host, &bwrap, &err), 0);
        assert_true(bwrap.major == 0 && bwrap.minor == 8 && bwrap.patch == 0 && !bwrap.setuid);
        cage_bwrap_finish(&bwrap);
    }
    assert_int_equal(times_asked(), 1);

    /* Another file: asked again. */
    make_bwrap("0.13.1", 0755);
    assert_int_equal(cage_bwrap_probe(&host, &bwrap, &err), 0);
    assert_int_equal(bwrap.minor, 13);
    cage_bwrap_finish(&bwrap);
    assert_int_equal(times_asked(), 2);

    make_bwrap("0.7.9", 0755);
    assert_int_equal(cage_bwrap_probe(&host, &bwrap, &err), -1);
    assert_non_null(strstr(err.message, "0.8.0"));

    make_bwrap("0.8.0", 04755);
    assert_int_equal(cage_bwrap_probe(&host, &bwrap, &err), -1);
    assert_non_null(strstr(err.message, "set-uid"));

    /* One that lies in a project is passed over: a cage could have put it there. */
    make_bwrap("0.8.0", 0755);
    write_file("nixcage.toml", "", 0644);
    assert_int_equal(cage_bwrap_probe(&host, &bwrap, &err), -1);
    assert_non_null(strstr(err.message, "not found"));
    unlink(project);
    unlink(bwrap_path);
    cage_host_finish(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_safe_path),
        cmocka_unit_test(test_user_and_directories),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_bwrap),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
