/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For every key: a change that grants more is shown and asked about, one that grants less is not. */
#include "golden.h"

#include "config/schema.h"
#include "config/trust.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct cage_trust_places places = {"/home/u", "/work/p"};

static void parse(struct cage_config *config, const char *text)
{
    struct cage_error err = {0};

    cage_config_init(config);
    if (cage_config_parse(config, "/work/p/nixcage.toml", text, strlen(text), &err) < 0)
        fail_msg("%s:%d: %s", text, err.line, err.message);
}

/* The lines of a diff, joined by "; ". The caller frees. */
static char *join(const struct cage_strv *lines)
{
    CAGE_STRBUF_AUTO sb = {0};

    cage_strbuf_init(&sb);
    for (size_t i = 0; i < lines->n; i++)
        cage_strbuf_addf(&sb, "%s%s", i ? "; " : "", lines->items[i]);
    return cage_strbuf_steal(&sb);
}

static void diff(const char *before, const char *now, char **widened, char **tightened)
{
    CAGE_STRV_AUTO more = {0}, less = {0};
    struct cage_config a, b;

    parse(&a, before);
    parse(&b, now);
    cage_trust_diff(&a, &b, &places, &more, &less);
    *widened = join(&more);
    *tightened = join(&less);
    cage_config_finish(&a);
    cage_config_finish(&b);
}

#define FS "[sandbox.filesystem]\n"
#define NET "[sandbox.network]\n"
#define RES "[sandbox.resources]\n"
#define PIN                                                                                                  \
    "github:NixOS/nixpkgs/0123456789abcdef0123456789abcdef01234567#sha256-47DEQpj8HBSa+/"                    \
    "TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

/* From less to more: `widened` is what the way up says, `tightened` what the way down says. */
static const struct widening {
    enum cage_key key;
    const char *less, *more, *widened, *tightened;
} widenings[] = {
    {CAGE_KEY_SANDBOX_LEVEL, "", "[sandbox]\nlevel = \"relaxed\"",
     "level standard -> relaxed (nixcage.toml:2)", "level relaxed -> standard"},
    {CAGE_KEY_SANDBOX_LEVEL, "[sandbox]\nlevel = \"strict\"", "",
     "level strict -> standard; + network: any host", "level standard -> strict (nixcage.toml:2); - network"},
    {CAGE_KEY_SANDBOX_NESTED, "[nix]\nstore_view = \"full\"",
     "[sandbox]\nnested = true\n[nix]\nstore_view = \"full\"", "nested false -> true (nixcage.toml:2)",
     "nested true -> false"},
    {CAGE_KEY_FS_RO_BIND, "", FS "ro_bind = [\"/data\"]", "+ ro_bind /data (nixcage.toml:2)",
     "- ro_bind /data"},
    {CAGE_KEY_FS_RO_BIND, FS "ro_bind = [\"/a\"]", FS "ro_bind = [\n\"/a\",\n\"~/b?\"]",
     "+ ro_bind ~/b? (nixcage.toml:4)", "- ro_bind ~/b?"},
    {CAGE_KEY_FS_RW_BIND, "", FS "\nrw_bind = [\"/tmp/shared\"]", "+ rw_bind /tmp/shared (nixcage.toml:3)",
     "- rw_bind /tmp/shared"},
    {CAGE_KEY_FS_RW_BIND, FS "ro_bind = [\"/d\"]", FS "rw_bind = [\"/d\"]",
     "- ro_bind /d; + rw_bind /d (nixcage.toml:2)", "+ ro_bind /d (nixcage.toml:2); - rw_bind /d"},
    {CAGE_KEY_FS_BLACKLIST, FS "blacklist = [\"~/.ssh\"]", "", "- blacklist ~/.ssh",
     "+ blacklist ~/.ssh (nixcage.toml:2)"},
    {CAGE_KEY_FS_PROTECT, FS "protect = [\"Makefile\"]", "", "- protect Makefile",
     "+ protect Makefile (nixcage.toml:2)"},
    {CAGE_KEY_FS_UNPROTECT, "", FS "unprotect = [\".vscode\"]", "+ unprotect .vscode (nixcage.toml:2)",
     "- unprotect .vscode"},
    {CAGE_KEY_FS_SYSTEM, "", FS "system = true", "system false -> true (nixcage.toml:2)",
     "system true -> false"},
    {CAGE_KEY_NET_ALLOW, NET "allow = false", "", "+ network: any host", "- network"},
    {CAGE_KEY_NET_ALLOW, NET "hosts = [\"a.example\"]", NET "allow = true",
     "+ network: any host (nixcage.toml:2)", "- network: any host"},
    {CAGE_KEY_NET_HOSTS, NET "hosts = [\"a.example\"]", NET "hosts = [\"a.example\", \"b.example\"]",
     "+ host b.example (nixcage.toml:2)", "- host b.example"},
    {CAGE_KEY_NET_HOSTS, NET "allow = false", NET "hosts = [\"a.example\"]",
     "+ host a.example (nixcage.toml:2)", "- network"},
    {CAGE_KEY_NET_HOSTS, NET "hosts = []", "", "+ network: any host", "- network"},
    {CAGE_KEY_NET_EXPOSE, "", NET "expose = [3000]", "+ expose 3000 (nixcage.toml:2)", "- expose 3000"},
    {CAGE_KEY_NET_HOST_PORTS, NET "host_ports = [1]", NET "host_ports = [1, 5432]",
     "+ host_ports 5432 (nixcage.toml:2)", "- host_ports 5432"},
    {CAGE_KEY_RES_CPUS, RES "cpus = 2", RES "cpus = 2.5", "cpus 2 -> 2.5 (nixcage.toml:2)",
     "cpus 2.5 -> 2 (nixcage.toml:2)"},
    {CAGE_KEY_RES_CPUS, RES "cpus = 2", "", "cpus 2 -> no limit", "cpus no limit -> 2 (nixcage.toml:2)"},
    {CAGE_KEY_RES_MEMORY, RES "memory = \"1G\"", RES "memory = \"2G\"",
     "memory 1073741824 -> 2147483648 (nixcage.toml:2)", "memory 2147483648 -> 1073741824 (nixcage.toml:2)"},
    {CAGE_KEY_RES_MEMORY, RES "memory = \"40%\"", RES "memory = \"50%\"",
     "memory \"40%\" -> \"50%\" (nixcage.toml:2)", "memory \"50%\" -> \"40%\" (nixcage.toml:2)"},
    {CAGE_KEY_RES_MEMORY, RES "memory = \"1G\"", "", "memory 1073741824 -> no limit",
     "memory no limit -> 1073741824 (nixcage.toml:2)"},
    {CAGE_KEY_RES_PIDS, RES "pids = 100", RES "pids = 200", "pids 100 -> 200 (nixcage.toml:2)",
     "pids 200 -> 100 (nixcage.toml:2)"},
    {CAGE_KEY_RES_PIDS, RES "pids = 100", "", "pids 100 -> no limit",
     "pids no limit -> 100 (nixcage.toml:2)"},
    {CAGE_KEY_RES_ENFORCE, "", RES "enforce = \"warn\"", "enforce require -> warn (nixcage.toml:2)",
     "enforce warn -> require"},
    {CAGE_KEY_NIX_PURE, "", "[nix]\npure = false", "pure true -> false (nixcage.toml:2)",
     "pure false -> true"},
    {CAGE_KEY_NIX_STORE_MODE, "", "[nix]\nstore_mode = \"shared\"",
     "store_mode readonly -> shared (nixcage.toml:2)", "store_mode shared -> readonly"},
    {CAGE_KEY_NIX_STORE_MODE, "[nix]\nstore_mode = \"copy\"", "", "store_mode copy -> readonly",
     "store_mode readonly -> copy (nixcage.toml:2)"},
    {CAGE_KEY_NIX_STORE_VIEW, "", "[nix]\nstore_view = \"full\"",
     "store_view closure -> full (nixcage.toml:2)", "store_view full -> closure"},
    {CAGE_KEY_NIX_NIXPKGS, "", "[nix]\nnixpkgs = \"./pkgs\"", "nixpkgs \"\" -> \"./pkgs\" (nixcage.toml:2)",
     "nixpkgs \"./pkgs\" -> \"\""},
    {CAGE_KEY_NIX_NIXPKGS, "", "[nix]\nnixpkgs = \"" PIN "\"", "nixpkgs \"\" -> \"" PIN "\" (nixcage.toml:2)",
     "nixpkgs \"" PIN "\" -> \"\""},
    {CAGE_KEY_NIX_SHELL, "", "[nix]\nshell = \"shell.nix\"", "shell \"\" -> \"shell.nix\" (nixcage.toml:2)",
     "shell \"shell.nix\" -> \"\""},
    {CAGE_KEY_CAGE_PASSTHROUGH_ENV, "[cage]\npassthrough_env = [\"TERM\"]",
     "[cage]\npassthrough_env = [\"TERM\", \"TOKEN\"]", "+ passthrough_env TOKEN (nixcage.toml:2)",
     "- passthrough_env TOKEN"},
    {CAGE_KEY_CAGE_SSH_AGENT, "", "[cage]\nssh_agent = true", "ssh_agent false -> true (nixcage.toml:2)",
     "ssh_agent true -> false"},
};

/* Changes that grant nothing, whichever way they go. */
static const struct {
    enum cage_key key;
    const char *one, *other;
} neutrals[] = {
    {CAGE_KEY_NIX_PACKAGES, "[nix]\npackages = [\"jq\"]", "[nix]\npackages = [\"jq\", \"git\"]"},
    {CAGE_KEY_NIX_ALLOW_UNFREE, "", "[nix]\nallow_unfree = true"},
    {CAGE_KEY_CAGE_COMMAND, "", "[cage]\ncommand = \"npm start\""},
    {CAGE_KEY_CAGE_ENV, "[cage]\nenv = [\"A=1\"]", "[cage]\nenv = [\"A=2\"]"},
    {CAGE_KEY_NIX_STORE_MODE, "[nix]\nstore_mode = \"copy\"", "[nix]\nstore_mode = \"isolated\""},
};

static void test_widening_and_tightening(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAGE_LEN(widenings); i++) {
        const struct widening *w = &widenings[i];
        cage_autofree char *widened = NULL, *tightened = NULL, *back_widened = NULL, *back_tightened = NULL;

        diff(w->less, w->more, &widened, &tightened);
        diff(w->more, w->less, &back_widened, &back_tightened);
        /* Moving ro -> rw takes the read-only line away too, which is told on the same occasion. */
        assert_string_equal(widened, w->widened);
        assert_string_equal(back_widened, "");
        assert_string_equal(back_tightened, w->tightened);
    }
}

static void test_neutral_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAGE_LEN(neutrals); i++) {
        cage_autofree char *widened = NULL, *tightened = NULL, *back_widened = NULL, *back_tightened = NULL;

        diff(neutrals[i].one, neutrals[i].other, &widened, &tightened);
        diff(neutrals[i].other, neutrals[i].one, &back_widened, &back_tightened);
        assert_string_equal(widened, "");
        assert_string_equal(back_widened, "");
        assert_true(strlen(tightened) > 0);
        assert_true(strlen(back_tightened) > 0);
    }
}

static void test_every_key_has_an_example(void **state)
{
    (void)state;
    for (int key = 0; key < CAGE_KEY_COUNT; key++) {
        bool found = false;

        for (size_t i = 0; i < CAGE_LEN(widenings); i++)
            found = found || (int)widenings[i].key == key;
        for (size_t i = 0; i < CAGE_LEN(neutrals); i++)
            found = found || (int)neutrals[i].key == key;
        if (!found)
            fail_msg("no example for %s", cage_schema_entry((enum cage_key)key)->name);
    }
}

static void test_what_cannot_be_compared_widens(void **state)
{
    static const char *const pairs[][2] = {
        {RES "memory = \"1G\"", RES "memory = \"1%\""},
        {RES "memory = \"100%\"", RES "memory = \"16M\""},
        {"[nix]\nshell = \"a.nix\"", "[nix]\nshell = \"b.nix\""},
        {"[nix]\nnixpkgs = \"/a\"", "[nix]\nnixpkgs = \"/b\""},
        {FS "ro_bind = [\"vendor\"]", ""}, /* in the project, which is writable */
        {"", FS "ro_bind = [\"vendor\"]"}, /* may be a link that a cage left there */
        {FS "rw_bind = [\"~/.claude?\"]\nro_bind = [\"/home/u/.claude/hooks?\"]",
         FS "rw_bind = [\"~/.claude?\"]"},
        {FS "rw_bind = [\"~/.claude?\"]", FS "rw_bind = [\"~/.claude?\"]\nro_bind = [\"~/.claude/x\"]"},
        {FS "ro_bind = [\"/work/p/vendor\"]", ""},
        {NET "hosts = [\"a.example\"]", NET "hosts = [\"b.example\"]"},
        {NET "expose = [1]", NET "expose = [2]"},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(pairs); i++) {
        cage_autofree char *widened = NULL, *tightened = NULL;

        diff(pairs[i][0], pairs[i][1], &widened, &tightened);
        if (!*widened)
            fail_msg("%s -> %s is not seen as widening", pairs[i][0], pairs[i][1]);
    }
}

static void test_spelling_is_no_change(void **state)
{
    static const char *const pairs[][2] = {
        {"", "# comment\n[nix]\npure = true\n[sandbox.network]\nallow = true\n"},
        {FS "rw_bind = [\"~/x\"]", FS "rw_bind = [\"/home/u//x/\"]"},
        {FS "ro_bind = [\"src\"]", FS "ro_bind = [\"./src?\"]"},
        {FS "ro_bind = [\"/a\", \"/b\"]", FS "ro_bind = [\"/b\", \"/a\"]"},
        {"[cage]\ncommand = \"a b\"", "[cage]\ncommand = [\"a\", \"b\"]"},
        {RES "memory = \"1G\"", RES "memory = 1073741824"},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(pairs); i++) {
        cage_autofree char *widened = NULL, *tightened = NULL;

        diff(pairs[i][0], pairs[i][1], &widened, &tightened);
        assert_string_equal(widened, "");
        assert_string_equal(tightened, "");
    }
}

static void test_a_hostile_value_stays_on_its_line(void **state)
{
    cage_autofree char *widened = NULL, *tightened = NULL;

    (void)state;
    diff("", "[cage]\ncommand = [\"x\", \"a\\nb\\u001b[2J\"]", &widened, &tightened);
    assert_null(strchr(tightened, '\n'));
    assert_null(strchr(tightened, '\x1b'));
}

static void test_grants_of_a_new_project(void **state)
{
    CAGE_STRV_AUTO lines = {0};
    cage_autofree char *all = NULL;
    struct cage_config config;

    (void)state;
    parse(&config, "[sandbox.filesystem]\nrw_bind = [\"~/x\"]\nblacklist = [\"~/y\"]\n"
                   "[sandbox.resources]\ncpus = 2\n[nix]\npackages = [\"jq\"]\npure = false\n");
    cage_trust_grants(&config, &places, &lines);
    all = join(&lines);
    assert_string_equal(all, "+ level standard; + rw_bind ~/x (nixcage.toml:2); + network: any host; "
                             "+ pure false (nixcage.toml:8); + passthrough_env TERM; + passthrough_env LANG");
    cage_config_finish(&config);
}

struct fixture {
    struct cage_host host;
    struct cage_project project;
    char *dir, *trust;
};

static int setup(void **state)
{
    struct fixture *f = cage_alloc(sizeof *f);
    char dir[] = "/tmp/nixcage-test-XXXXXX";

    assert_non_null(mkdtemp(dir));
    f->dir = cage_strdup(dir);
    f->host.home = cage_strdup("/home/u");
    f->host.state_home = cage_path_join(dir, "state/nixcage");
    f->trust = cage_path_join(f->host.state_home, "trust");
    f->project = (struct cage_project){.root = cage_strdup("/work/p"), .dirfd = -1};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct cage_error err;

    assert_int_equal(cage_fs_remove_tree(AT_FDCWD, f->dir, &err), 0);
    free(f->host.home);
    free(f->host.state_home);
    free(f->project.root);
    free(f->trust);
    free(f->dir);
    free(f);
    return 0;
}

/* The verdict on a configuration; *grants (may be NULL) gets the lines. */
static enum cage_trust check(struct fixture *f, const char *text, char **grants)
{
    CAGE_TRUST_AUTO trust = {0};
    struct cage_error err = {0};
    struct cage_config config;

    parse(&config, text);
    if (cage_trust_check(&f->host, &f->project, &config, &trust, &err) < 0)
        fail_msg("%s", err.message);
    if (grants)
        *grants = join(&trust.grants);
    cage_config_finish(&config);
    return trust.verdict;
}

static void record(struct fixture *f, const char *text)
{
    struct cage_error err = {0};
    struct cage_config config;

    parse(&config, text);
    if (cage_trust_record(&f->host, &f->project, &config, NULL, &err) < 0)
        fail_msg("%s", err.message);
    cage_config_finish(&config);
}

static void test_record_and_check(void **state)
{
    struct fixture *f = *state;
    cage_autofree char *grants = NULL, *other = NULL;
    struct cage_error err;
    struct stat st;
    bool had = true;

    assert_int_equal(check(f, "", NULL), CAGE_TRUST_UNKNOWN);
    assert_int_equal(cage_trust_forget(&f->host, &f->project, &had, &err), 0);
    assert_false(had);
    record(f, "[sandbox.network]\nhosts = [\"a.example\"]\n");
    assert_int_equal(stat(f->trust, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(check(f, "# moved\n[sandbox.network]\nhosts = ['a.example']\n", NULL),
                     CAGE_TRUST_TRUSTED);
    assert_int_equal(check(f, "[sandbox.network]\nallow = false\n", NULL), CAGE_TRUST_TIGHTENED);
    assert_int_equal(check(f, "", &grants), CAGE_TRUST_WIDENED);
    assert_string_equal(grants, "+ network: any host");
    f->project.root[6] = 'q';
    assert_int_equal(check(f, "", &other), CAGE_TRUST_UNKNOWN);
    assert_non_null(strstr(other, "+ network: any host"));
    f->project.root[6] = 'p';
    assert_int_equal(cage_trust_forget(&f->host, &f->project, &had, &err), 0);
    assert_true(had);
    assert_int_equal(check(f, "", NULL), CAGE_TRUST_UNKNOWN);
}

/* The one file in the trust directory. */
static char *record_path(struct fixture *f)
{
    DIR *dir = opendir(f->trust);
    char *path = NULL;
    struct dirent *e;

    assert_non_null(dir);
    while ((e = readdir(dir)))
        if (e->d_name[0] != '.')
            path = cage_path_join(f->trust, e->d_name);
    closedir(dir);
    assert_non_null(path);
    return path;
}

static void test_a_damaged_record_is_no_trust(void **state)
{
    struct fixture *f = *state;
    cage_autofree char *path = NULL;
    CAGE_STRBUF_AUTO text = {0};
    struct cage_error err;

    record(f, "");
    path = record_path(f);
    cage_strbuf_init(&text);
    assert_int_equal(cage_fs_read(AT_FDCWD, path, 1 << 20, &text, &err), 0);
    for (size_t cut = 0; cut < text.len; cut += 7) {
        assert_int_equal(cage_fs_write_atomic(AT_FDCWD, path, text.buf, cut, 0600, &err), 0);
        assert_int_equal(check(f, "", NULL), CAGE_TRUST_UNKNOWN);
    }
    *strstr(text.buf, "allow = true") = 'A';
    assert_int_equal(cage_fs_write_atomic(AT_FDCWD, path, text.buf, text.len, 0600, &err), 0);
    assert_int_equal(check(f, "", NULL), CAGE_TRUST_UNKNOWN);
}

static void test_a_symlink_is_no_record(void **state)
{
    struct fixture *f = *state;
    cage_autofree char *path = NULL, *elsewhere = cage_path_join(f->dir, "elsewhere");

    record(f, "");
    path = record_path(f);
    assert_int_equal(rename(path, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, path), 0);
    assert_int_equal(check(f, "", NULL), CAGE_TRUST_UNKNOWN);
    record(f, "");
    assert_int_equal(check(f, "", NULL), CAGE_TRUST_TRUSTED);
}

static void test_a_directory_others_can_write_is_an_error(void **state)
{
    struct fixture *f = *state;
    CAGE_TRUST_AUTO trust = {0};
    struct cage_error err = {0};
    struct cage_config config;

    record(f, "");
    assert_int_equal(chmod(f->trust, 0777), 0);
    cage_config_init(&config);
    assert_int_equal(cage_trust_check(&f->host, &f->project, &config, &trust, &err), -1);
    assert_int_equal(err.code, CAGE_ERR_TRUST);
    assert_non_null(strstr(err.hint, "chmod go-w"));
    assert_int_equal(chmod(f->trust, 0700), 0);
    assert_int_equal(check(f, "", NULL), CAGE_TRUST_TRUSTED);
    cage_config_finish(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_widening_and_tightening),
        cmocka_unit_test(test_neutral_changes),
        cmocka_unit_test(test_every_key_has_an_example),
        cmocka_unit_test(test_what_cannot_be_compared_widens),
        cmocka_unit_test(test_spelling_is_no_change),
        cmocka_unit_test(test_a_hostile_value_stays_on_its_line),
        cmocka_unit_test(test_grants_of_a_new_project),
        cmocka_unit_test_setup_teardown(test_record_and_check, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_damaged_record_is_no_trust, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_symlink_is_no_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_directory_others_can_write_is_an_error, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
