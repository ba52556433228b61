/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Presets: ours all parse and keep their promises; the user's are found, checked, and named in errors. */
#include "golden.h"

#include "config/presets.h"
#include "host/host_internal.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct cage_host host;
    char *dir;
};

static int setup(void **state)
{
    struct fixture *f = cage_alloc(sizeof *f);
    char dir[] = "/tmp/nixcage-test-XXXXXX";

    assert_non_null(mkdtemp(dir));
    f->dir = cage_strdup(dir);
    f->host.config_home = cage_strdup(dir);
    f->host.data_dir = cage_strdup(TEST_SRCDIR "/../../../share");
    f->host.list = cage_host_real_list;
    f->host.read_small = cage_host_real_read_small;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct cage_error err;

    assert_int_equal(cage_fs_remove_tree(AT_FDCWD, f->dir, &err), 0);
    free(f->host.config_home);
    free(f->host.data_dir);
    free(f->dir);
    free(f);
    return 0;
}

/* Writes a preset of the user's. */
static void write_preset(struct fixture *f, const char *file, const char *text)
{
    cage_autofree char *dir = cage_path_join(f->dir, "presets");
    cage_autofree char *path = cage_path_join(dir, file);
    struct cage_error err;

    assert_int_equal(cage_fs_mkdirs(dir, 0700, &err), 0);
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, path, text, strlen(text), 0600, &err), 0);
}

static const struct cage_preset *find(const struct cage_presets *presets, const char *name)
{
    for (size_t i = 0; i < presets->n; i++)
        if (strcmp(presets->items[i].name, name) == 0)
            return &presets->items[i];
    return NULL;
}

static const struct cage_preset *must_find(const struct cage_presets *presets, const char *name)
{
    const struct cage_preset *preset = find(presets, name);

    if (!preset) {
        fail_msg("no preset %s", name);
        abort();
    }
    return preset;
}

static bool has(const struct cage_list *list, const char *value)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i].value, value) == 0)
            return true;
    return false;
}

static void test_every_builtin_preset_is_valid(void **state)
{
    static const char *const wanted[] = {"claude-code", "codex",   "default", "gemini",
                                         "generic",     "minimal", "opencode"};
    struct fixture *f = *state;
    struct cage_presets presets;
    struct cage_error err;

    assert_int_equal(cage_presets_list(&f->host, &presets, &err), 0);
    for (size_t i = 0; i < CAGE_LEN(wanted); i++)
        assert_non_null(find(&presets, wanted[i]));
    for (size_t i = 0; i < presets.n; i++) {
        CAGE_STRBUF_AUTO text = {0};

        cage_strbuf_init(&text);
        assert_true(strlen(presets.items[i].description) > 20);
        assert_true(strlen(presets.items[i].description) < 120);
        assert_false(presets.items[i].user);
        if (cage_preset_read(&f->host, presets.items[i].name, &text, NULL, &err) < 0)
            fail_msg("%s:%d: %s", err.file, err.line, err.message);
        assert_true(text.len > 100);
    }
    cage_presets_finish(&presets);
}

/* A preset is for every machine: what may be missing is optional, and no private key is ever named. */
static void check_paths(const struct cage_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const char *path = list->items[i].value;

        assert_int_equal(path[strlen(path) - 1], '?');
        assert_string_not_equal(path, "~/.ssh?");
        if (strstr(path, ".ssh/id_"))
            assert_non_null(strstr(path, ".pub?"));
    }
}

static void test_builtin_paths_are_optional_and_public(void **state)
{
    struct fixture *f = *state;
    struct cage_presets presets;
    struct cage_error err;

    assert_int_equal(cage_presets_list(&f->host, &presets, &err), 0);
    for (size_t i = 0; i < presets.n; i++) {
        CAGE_STRBUF_AUTO text = {0};
        struct cage_config config;

        cage_strbuf_init(&text);
        cage_config_init(&config);
        assert_int_equal(cage_preset_read(&f->host, presets.items[i].name, &text, &config, &err), 0);
        check_paths(&config.ro_bind);
        check_paths(&config.rw_bind);
        assert_false(config.ssh_agent);
        assert_false(has(&config.passthrough_env, "SSH_AUTH_SOCK"));
        cage_config_finish(&config);
    }
    cage_presets_finish(&presets);
}

static void test_claude_code_keeps_its_promises(void **state)
{
    struct fixture *f = *state;
    CAGE_STRBUF_AUTO text = {0};
    struct cage_config config;
    struct cage_error err;

    cage_strbuf_init(&text);
    cage_config_init(&config);
    assert_int_equal(cage_preset_read(&f->host, "claude-code", &text, &config, &err), 0);
    assert_int_equal(config.level, CAGE_LEVEL_STANDARD);
    assert_true(has(&config.packages, "nodejs_22"));
    assert_true(has(&config.packages, "claude-code"));
    assert_true(config.allow_unfree);
    assert_false(config.pure);
    assert_true(has(&config.rw_bind, "~/.claude/?"));
    assert_true(has(&config.rw_bind, "~/.claude.json?"));
    assert_true(has(&config.ro_bind, "~/.ssh/config?"));
    assert_true(has(&config.ro_bind, "~/.ssh/known_hosts?"));
    assert_true(has(&config.ro_bind, "~/.gitconfig?"));
    assert_true(has(&config.ro_bind, "~/.config/git?"));
    assert_true(has(&config.passthrough_env, "ANTHROPIC_API_KEY"));
    assert_int_equal(config.command.n, 1);
    assert_string_equal(config.command.items[0].value, "claude");
    cage_config_finish(&config);
}

static void test_user_presets_come_first(void **state)
{
    struct fixture *f = *state;
    CAGE_STRBUF_AUTO text = {0};
    struct cage_presets presets;
    struct cage_error err;

    write_preset(f, "mine.toml", "# My own\x1b[31m\n[nix]\npackages = [\"jq\"]\n");
    write_preset(f, "minimal.toml", "[nix]\npackages = [\"git\"]\n");
    write_preset(f, ".hidden.toml", "");
    write_preset(f, "notes.txt", "");
    write_preset(f, "bad name.toml", "");
    assert_int_equal(cage_presets_list(&f->host, &presets, &err), 0);
    assert_string_equal(must_find(&presets, "mine")->description, "My own\\x1b[31m");
    assert_true(must_find(&presets, "mine")->user);
    assert_true(must_find(&presets, "minimal")->user);
    assert_string_equal(must_find(&presets, "minimal")->description, "");
    assert_null(find(&presets, ".hidden"));
    assert_null(find(&presets, "bad name"));
    for (size_t i = 1; i < presets.n; i++)
        assert_true(strcmp(presets.items[i - 1].name, presets.items[i].name) < 0);
    cage_presets_finish(&presets);

    cage_strbuf_init(&text);
    assert_int_equal(cage_preset_read(&f->host, "minimal", &text, NULL, &err), 0);
    assert_string_equal(text.buf, "[nix]\npackages = [\"git\"]\n");
}

static void test_a_bad_user_preset_is_named(void **state)
{
    struct fixture *f = *state;
    CAGE_STRBUF_AUTO text = {0};
    struct cage_error err = {0};

    write_preset(f, "broken.toml", "[nix]\npackges = []\n");
    cage_strbuf_init(&text);
    assert_int_equal(cage_preset_read(&f->host, "broken", &text, NULL, &err), -1);
    assert_int_equal(err.code, CAGE_ERR_CONFIG);
    assert_non_null(strstr(err.file, "/presets/broken.toml"));
    assert_int_equal(err.line, 2);
    assert_int_equal(text.len, 0);
}

/* A build that does not find its files says that, and not that the preset is unknown. */
static void test_no_presets_of_ours(void **state)
{
    struct fixture *f = *state;
    CAGE_STRBUF_AUTO text = {0};
    struct cage_error err = {0};

    write_preset(f, "mine.toml", "[nix]\npackages = []\n");
    free(f->host.data_dir);
    f->host.data_dir = cage_strdup("/nowhere/share");
    cage_strbuf_init(&text);
    assert_int_equal(cage_preset_read(&f->host, "default", &text, NULL, &err), -1);
    assert_int_equal(err.code, CAGE_ERR_MISSING);
    assert_non_null(strstr(err.message, "/nowhere/share/presets"));
    assert_int_equal(cage_preset_read(&f->host, "mine", &text, NULL, &err), 0);
}

static void test_unknown_presets(void **state)
{
    struct fixture *f = *state;
    CAGE_STRBUF_AUTO text = {0};
    struct cage_error err = {0};

    cage_strbuf_init(&text);
    assert_int_equal(cage_preset_read(&f->host, "claude-cod", &text, NULL, &err), -1);
    assert_int_equal(err.code, CAGE_ERR_USAGE);
    assert_string_equal(err.message, "Unknown preset: 'claude-cod' (see 'nixcage list-presets')");
    assert_string_equal(err.hint, "Did you mean \"claude-code\"?");
    assert_int_equal(cage_preset_read(&f->host, "../presets/minimal", &text, NULL, &err), -1);
    assert_int_equal(err.code, CAGE_ERR_USAGE);
    assert_int_equal(cage_preset_read(&f->host, "", &text, NULL, &err), -1);
    assert_int_equal(cage_preset_read(&f->host, "zzz", &text, NULL, &err), -1);
    assert_string_equal(err.hint, ""); /* the message says it all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_builtin_preset_is_valid, setup, teardown),
        cmocka_unit_test_setup_teardown(test_builtin_paths_are_optional_and_public, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claude_code_keeps_its_promises, setup, teardown),
        cmocka_unit_test_setup_teardown(test_user_presets_come_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_bad_user_preset_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_presets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_presets_of_ours, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
