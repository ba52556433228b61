/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files of a project Nix evaluates: what is named, and what those name. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "config/nixfiles.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char *root;
    struct cage_host host;
};

/* As the real one, for what this needs. */
static int lookup(const struct cage_host *host, const char *path, struct cage_file_fact *fact,
                  struct cage_error *err)
{
    struct stat st;

    (void)host;
    (void)err;
    *fact = (struct cage_file_fact){.type = CAGE_FILE_NONE};
    if (stat(path, &st) == 0)
        fact->type = S_ISDIR(st.st_mode) ? CAGE_FILE_DIR : CAGE_FILE_REGULAR;
    return 0;
}

static void put(const struct fixture *f, const char *name, const char *text)
{
    cage_autofree char *path = cage_path_join(f->root, name);
    struct cage_error err = {0};

    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, path, text, strlen(text), 0600, &err), 0);
}

static int set_up(void **state)
{
    struct fixture *f = cage_alloc(sizeof *f);
    char name[] = "/tmp/nixcage-nixfiles-XXXXXX";
    static const char *const dirs[] = {"nix", "modules", "modules/deep", "src", "node_modules", ".hidden"};

    assert_non_null(mkdtemp(name));
    *f = (struct fixture){.root = realpath(name, NULL)};
    f->host = (struct cage_host){.home = f->root, .lookup = lookup};
    for (size_t i = 0; i < CAGE_LEN(dirs); i++) {
        cage_autofree char *path = cage_path_join(f->root, dirs[i]);

        assert_int_equal(mkdir(path, 0700), 0);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cage_fs_remove_tree(AT_FDCWD, f->root, NULL), 0);
    free(f->root);
    free(f);
    return 0;
}

/* The names that a survey of this [nix] gives, in order, with "-" before those that are not there. */
static char *survey(const struct fixture *f, const char *nix)
{
    cage_autofree char *text = cage_format("[nix]\n%s\n", nix);
    CAGE_STRV_AUTO lines = {0}, names = {0};
    struct cage_config config;
    struct cage_error err = {0};
    char *joined = cage_strdup("");

    cage_config_init(&config);
    if (cage_config_parse(&config, "nixcage.toml", text, strlen(text), &err) < 0)
        fail_msg("%s", err.message);
    cage_nixfiles_survey(&config, &f->host, f->root, &lines);
    for (size_t i = 0; i < lines.n; i++) {
        const char *line = lines.items[i];

        cage_strv_addf(&names, "%s%s", strchr(line, ' ') + 1, line[0] == '-' ? "-" : "");
    }
    cage_strv_sort_unique(&names);
    for (size_t i = 0; i < names.n; i++) {
        char *more = cage_format("%s%s%s", joined, i ? " " : "", names.items[i]);

        free(joined);
        joined = more;
    }
    cage_config_finish(&config);
    return joined;
}

static void expect(const struct fixture *f, const char *nix, const char *names)
{
    cage_autofree char *found = survey(f, nix);

    assert_string_equal(found, names);
}

static void test_nothing_named(void **state)
{
    put(*state, "shell.nix", "import ./a.nix");
    expect(*state, "packages = [\"hello\"]", "");
}

static void test_what_is_named_follows_paths(void **state)
{
    struct fixture *f = *state;

    put(f, "shell.nix", "import ./nix/a.nix { pin = nix/pin.json; x = ./src/main.c; } // ./absent.nix");
    put(f, "nix/a.nix", "[ ../b.nix /etc/passwd.nix ../../outside.nix ]");
    put(f, "b.nix", "1 / 2");
    put(f, "nix/pin.json", "{}");
    put(f, "src/main.c", "");
    put(f, "unrelated.nix", "");
    expect(f, "shell = \"shell.nix\"",
           "\"absent.nix\"- \"b.nix\" \"nix/a.nix\" \"nix/pin.json\" \"shell.nix\"");
}

static void test_directories(void **state)
{
    struct fixture *f = *state;

    put(f, "shell.nix", "map (n: ./modules/${n}.nix) names");
    put(f, "modules/one.nix", "");
    put(f, "modules/deep/two.nix", "../../nix/three.nix");
    put(f, "modules/data.json", "");
    put(f, "nix/three.nix", "");
    expect(f, "shell = \"shell.nix\"",
           "\"modules/deep/two.nix\" \"modules/one.nix\" \"nix/three.nix\" \"shell.nix\"");
    put(f, "node_modules/x.nix", "");
    put(f, ".hidden/x.nix", "");
    put(f, "shell.nix", "{ src = ./.; }");
    expect(f, "shell = \"shell.nix\"",
           "\"modules/deep/two.nix\" \"modules/one.nix\" \"nix/three.nix\" \"shell.nix\"");
}

/* What would be preferred counts while it is not there. */
static void test_a_directory_as_shell(void **state)
{
    struct fixture *f = *state;

    put(f, "default.nix", "");
    expect(f, "shell = \".\"", "\"default.nix\" \"flake.nix\"- \"shell.nix\"-");
    put(f, "shell.nix", "");
    expect(f, "shell = \".\"", "\"flake.nix\"- \"shell.nix\"");
    put(f, "flake.nix", "");
    expect(f, "shell = \".\"", "\"flake.lock\"- \"flake.nix\"");
    expect(f, "shell = \".#x\"", "\"flake.lock\"- \"flake.nix\"");
}

static void test_circles_and_links_end(void **state)
{
    struct fixture *f = *state;
    cage_autofree char *link = cage_path_join(f->root, "nix/loop"), *self = NULL;

    put(f, "shell.nix", "[ ./shell.nix ./nix/loop ./nix/self.nix ]");
    assert_int_equal(symlink("..", link), 0);
    self = cage_path_join(f->root, "nix/self.nix");
    assert_int_equal(symlink("self.nix", self), 0);
    expect(f, "shell = \"shell.nix\"",
           "\"nix/loop/nix/self.nix\" \"nix/loop/shell.nix\" \"nix/self.nix\" \"shell.nix\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_named_follows_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_directories, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_directory_as_shell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_circles_and_links_end, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("nixfiles", tests, NULL, NULL);
}
