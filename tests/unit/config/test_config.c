/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The schema's consistency, values with many forms, marks, and reading the file itself. */
#include "base/cannot.h"
#include "golden.h"

#include "config/check.h"
#include "config/config.h"
#include "config/convert.h"
#include "config/dump.h"
#include "config/pin.h"
#include "config/words.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void parse(struct cage_config *config, const char *text)
{
    struct cage_error err = {0};

    cage_config_init(config);
    if (cage_config_parse(config, "nixcage.toml", text, strlen(text), &err) < 0)
        fail_msg("%d:%d: %s", err.line, err.column, err.message);
}

/* What the table says of defaults is what they are. */
static void test_defaults_are_as_documented(void **state)
{
    CAGE_STRBUF_AUTO text = {0}, ours = {0}, written = {0};
    struct cage_config defaults, config;
    size_t n;
    const struct cage_schema_entry *schema = cage_schema(&n);

    (void)state;
    cage_strbuf_init(&text);
    cage_strbuf_init(&ours);
    cage_strbuf_init(&written);
    assert_int_equal(n, CAGE_KEY_COUNT);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(schema[i].key, i);
        assert_ptr_equal(cage_schema_entry(schema[i].key), &schema[i]);
        assert_non_null(schema[i].name);
        assert_non_null(schema[i].help);
        assert_true(schema[i].platforms != 0);
        assert_true(schema[i].type == CAGE_TYPE_BOOL || schema[i].noun);
        assert_int_equal(schema[i].type == CAGE_TYPE_ENUM, schema[i].values != NULL);
        if (schema[i].default_text)
            cage_strbuf_addf(&text, "%s.%s = %s\n", schema[i].section, schema[i].name,
                             schema[i].default_text);
        else
            assert_int_equal(schema[i].key, CAGE_KEY_NET_HOSTS);
    }
    cage_config_init(&defaults);
    parse(&config, text.buf);
    cage_config_dump(&defaults, &ours);
    cage_config_dump(&config, &written);
    assert_string_equal(ours.buf, written.buf);
    cage_config_finish(&defaults);
    cage_config_finish(&config);
}

static void test_finish_twice(void **state)
{
    struct cage_config config;

    (void)state;
    parse(&config, "[nix]\npackages = [\"jq\"]\n");
    cage_config_finish(&config);
    cage_config_finish(&config);
}

static void test_marks_point_at_keys_and_items(void **state)
{
    struct cage_config c;

    (void)state;
    parse(&c, "\xef\xbb\xbfsandbox.level = \"relaxed\"\n[sandbox.network]\nhosts = [\n  "
              "\"a.example\",\t\"b.example\",\n]\n"
              "expose = [1,\n 22]\n[cage]\n\tenv = [\"A=é\", \"B=\"]\n");
    assert_int_equal(c.marks[CAGE_KEY_SANDBOX_LEVEL].line, 1);
    assert_int_equal(c.marks[CAGE_KEY_SANDBOX_LEVEL].column, 9);
    assert_int_equal(c.marks[CAGE_KEY_NET_HOSTS].line, 3);
    assert_int_equal(c.hosts.mark.line, 3);
    assert_int_equal(c.hosts.items[1].mark.line, 4);
    assert_int_equal(c.hosts.items[1].mark.column, 16);
    assert_int_equal(c.expose.items[1].mark.line, 7);
    assert_int_equal(c.expose.items[1].mark.column, 2);
    assert_int_equal(c.env.items[1].mark.line, 9);
    assert_int_equal(c.env.items[1].mark.column, 16);
    assert_int_equal(c.marks[CAGE_KEY_NIX_PURE].line, 0);
    assert_int_equal(c.passthrough_env.items[0].mark.line, 0);
    cage_config_finish(&c);
}

static void test_hosts_absent_or_empty(void **state)
{
    struct cage_config c;

    (void)state;
    parse(&c, "");
    assert_false(c.hosts.set);
    cage_config_finish(&c);
    parse(&c, "[sandbox.network]\nhosts = []\n");
    assert_true(c.hosts.set);
    assert_int_equal(c.hosts.n, 0);
    cage_config_finish(&c);
}

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
        double percent;
    } good[] = {
        {"", 0, 0},
        {"0", 0, 0},
        {"16M", 16u << 20, 0},
        {"4G", 4ull << 30, 0},
        {"4g", 4ull << 30, 0},
        {"4GiB", 4ull << 30, 0},
        {"1.5G", 3ull << 29, 0},
        {"1T", 1ull << 40, 0},
        {"65536K", 64u << 20, 0},
        {"1073741824", 1u << 30, 0},
        {"50%", 0, 50},
        {"12.5%", 0, 12.5},
        {"100%", 0, 100},
    };
    static const char *const bad[] = {
        "G",   "4GB", "4 G", " 4G", "4G ",      "-1",  "+4G", "0x10M", "1e9", "4..5G",
        "4.G", ".5G", "nan", "inf", "9999999T", "15M", "0%",  "101%",  "4M%", "9999999999999999999"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(good); i++) {
        struct cage_objection why;
        uint64_t bytes = 1;
        double percent = 1;

        assert_true(cage_config_parse_size(good[i].text, &bytes, &percent, &why));
        assert_true(bytes == good[i].bytes);
        assert_true(percent >= good[i].percent && percent <= good[i].percent);
    }
    for (size_t i = 0; i < CAGE_LEN(bad); i++) {
        struct cage_objection why = {0};
        uint64_t bytes;
        double percent;

        if (cage_config_parse_size(bad[i], &bytes, &percent, &why))
            fail_msg("%s is accepted", bad[i]);
        assert_non_null(why.what);
        assert_non_null(why.fix);
    }
}

/* Package names become Nix code: every byte that is not in the pattern is refused, wherever it stands. */
static void test_package_names(void **state)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char later[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789'-";

    (void)state;
    for (int c = 1; c < 256; c++) {
        const char byte = (char)c;
        const char alone[] = {byte, 0}, after[] = {'a', byte, 0}, part[] = {'a', '.', byte, 0};
        const char middle[] = {'a', byte, 'b', 0};

        assert_int_equal(cage_schema_package_name_ok(alone), strchr(first, byte) != NULL);
        assert_int_equal(cage_schema_package_name_ok(after), strchr(later, byte) != NULL);
        assert_int_equal(cage_schema_package_name_ok(part), strchr(first, byte) != NULL);
        assert_int_equal(cage_schema_package_name_ok(middle), strchr(later, byte) || byte == '.');
    }
    assert_false(cage_schema_package_name_ok(""));
    assert_false(cage_schema_package_name_ok("a."));
    assert_false(cage_schema_package_name_ok(".a"));
    assert_false(cage_schema_package_name_ok("a..b"));
    assert_true(cage_schema_package_name_ok("a.b.c"));
}

static void test_env_names(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        const char byte = (char)c;
        const char alone[] = {byte, 0}, after[] = {'A', byte, 0};
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        assert_int_equal(cage_schema_env_name_ok(alone), letter);
        assert_int_equal(cage_schema_env_name_ok(after), letter || (c >= '0' && c <= '9'));
    }
    assert_false(cage_schema_env_name_ok(""));
}

/* Splits text and joins the words with "|"; "!" where it is refused. The caller frees. */
static char *split(const char *text)
{
    CAGE_STRV_AUTO words = {0};
    CAGE_STRBUF_AUTO out = {0};
    struct cage_objection why = {0};

    cage_strbuf_init(&out);
    if (!cage_config_split_words(text, &words, &why)) {
        assert_non_null(why.what);
        assert_non_null(why.fix);
        return cage_strdup("!");
    }
    for (size_t i = 0; i < words.n; i++)
        cage_strbuf_addf(&out, "%s%s", i ? "|" : "", words.items[i]);
    return cage_strbuf_steal(&out);
}

static void test_words(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {" \t\n ", ""},
        {"a b  c", "a|b|c"},
        {"'a b' \"c d\"", "a b|c d"},
        {"a'b'\"c\"d", "abcd"},
        {"'' x", "|x"},
        {"a\\ b", "a b"},
        {"\"a\\\"b\\\\c\\d\"", "a\"b\\c\\d"},
        {"'a\\b'", "a\\b"},
        {"a#b c~d", "a#b|c~d"},
        {"\\$x '$y' '|' \"&\"", "$x|$y|||&"},
        {"x=1 --y=2", "x=1|--y=2"},
        {"a 'b", "!"},
        {"a \"b", "!"},
        {"a\\", "!"},
        {"a | b", "!"},
        {"a;b", "!"},
        {"a&", "!"},
        {"$a", "!"},
        {"\"$a\"", "!"},
        {"\"`a`\"", "!"},
        {"~/x", "!"},
        {"a #b", "!"},
        {"(a)", "!"},
        {"*.c", "!"},
        {"a <b", "!"},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        cage_autofree char *got = split(cases[i][0]);

        assert_string_equal(got, cases[i][1]);
    }
}

static void test_pins(void **state)
{
    static const char good[] = "github:NixOS/nixpkgs/0123456789abcdef0123456789abcdef01234567"
                               "#sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    struct cage_objection why;
    struct cage_pin pin;

    (void)state;
    assert_true(cage_config_pin_parse(good, &pin, &why));
    assert_string_equal(pin.owner, "NixOS");
    assert_string_equal(pin.repo, "nixpkgs");
    assert_string_equal(pin.rev, "0123456789abcdef0123456789abcdef01234567");
    assert_string_equal(pin.hash, "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    /* Nothing that is a part of it can be left out or changed into something else. */
    for (size_t n = 0; n < strlen(good); n++) {
        cage_autofree char *cut = cage_strndup(good, n), *changed = cage_strdup(good);

        changed[n] = '"';
        assert_false(cage_config_pin_parse(cut, &pin, &why));
        assert_false(cage_config_pin_parse(changed, &pin, &why));
    }
}

/* A file of the largest size is read in a time that nobody notices, whatever is in it. */
static void test_large_files_are_quick(void **state)
{
    static const char *const repeated[] = {"a.", "[", "[a.b]\n", "\"", "'''",    "#",
                                           "\n", "{", "a = [",   "é",  "[[x]]\n"};

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(repeated); i++) {
        CAGE_STRBUF_AUTO text = {0};
        struct cage_config config;
        struct cage_error err;
        clock_t start = clock();

        cage_strbuf_init(&text);
        while (text.len < (1 << 20) - 16)
            cage_strbuf_add(&text, repeated[i]);
        cage_config_init(&config);
        (void)!cage_config_parse(&config, "f", text.buf, text.len, &err);
        cage_config_finish(&config);
        assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
    }
}

static void test_too_large(void **state)
{
    cage_autofree char *text = cage_alloc((1 << 20) + 2);
    struct cage_config config;
    struct cage_error err = {0};

    (void)state;
    memset(text, '\n', (1 << 20) + 1);
    cage_config_init(&config);
    assert_int_equal(cage_config_parse(&config, "f", text, (1 << 20) + 1, &err), -1);
    assert_non_null(strstr(err.message, "1 MiB"));
    assert_int_equal(cage_config_parse(&config, "f", text, 1 << 20, &err), 0);
    cage_config_finish(&config);
}

struct fixture {
    char dir[64];
    int fd;
};

static int setup(void **state)
{
    struct fixture *f = cage_alloc(sizeof *f);

    strcpy(f->dir, "/tmp/nixcage-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(f->fd >= 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct cage_error err;

    close(f->fd);
    assert_int_equal(cage_fs_remove_tree(AT_FDCWD, f->dir, &err), 0);
    free(f);
    return 0;
}

static void put(struct fixture *f, const char *name, const char *text)
{
    struct cage_error err;

    assert_int_equal(cage_fs_write_atomic(f->fd, name, text, strlen(text), 0644, &err), 0);
}

static int load(struct fixture *f, struct cage_error *err)
{
    struct cage_config config;
    int rc;

    memset(err, 0, sizeof *err);
    cage_config_init(&config);
    rc = cage_config_load(&config, f->fd, "/p/nixcage.toml", err);
    if (rc == 0) {
        assert_string_equal(config.file, "/p/nixcage.toml");
        assert_int_equal(config.level, CAGE_LEVEL_RELAXED);
    }
    cage_config_finish(&config);
    return rc;
}

static void test_load(void **state)
{
    struct fixture *f = *state;
    struct cage_error err;

    put(f, "nixcage.toml", "[sandbox]\nlevel = \"relaxed\"\n");
    assert_int_equal(load(f, &err), 0);
    put(f, "nixcage.toml", "[sandbox]\nlevel = \"relax\"\n");
    assert_int_equal(load(f, &err), -1);
    assert_string_equal(err.file, "/p/nixcage.toml");
    assert_int_equal(err.line, 2);
}

static void test_load_missing(void **state)
{
    struct fixture *f = *state;
    struct cage_error err;

    assert_int_equal(load(f, &err), -1);
    assert_int_equal(err.sys, ENOENT);
    assert_non_null(strstr(err.hint, "nixcage init"));
}

static void test_load_refuses_links(void **state)
{
    struct fixture *f = *state;
    struct cage_error err;

    put(f, "real.toml", "[sandbox]\nlevel = \"relaxed\"\n");
    assert_int_equal(symlinkat("real.toml", f->fd, "nixcage.toml"), 0);
    assert_int_equal(load(f, &err), -1);
    assert_int_equal(err.code, CAGE_ERR_CONFIG);
    assert_non_null(strstr(err.message, "symbolic link"));
    assert_int_equal(unlinkat(f->fd, "nixcage.toml", 0), 0);
    assert_int_equal(symlinkat("/dev/zero", f->fd, "nixcage.toml"), 0);
    assert_int_equal(load(f, &err), -1);
}

static void test_load_refuses_what_is_no_file(void **state)
{
    struct fixture *f = *state;
    struct cage_error err;

    assert_int_equal(mkfifoat(f->fd, "nixcage.toml", 0644), 0); /* opening it must not wait for a writer */
    assert_int_equal(load(f, &err), -1);
    assert_non_null(strstr(err.message, "regular file"));
    assert_int_equal(unlinkat(f->fd, "nixcage.toml", 0), 0);
    assert_int_equal(mkdirat(f->fd, "nixcage.toml", 0755), 0);
    assert_int_equal(load(f, &err), -1);
}

static void test_load_refuses_other_owners(void **state)
{
    struct fixture *f = *state;
    struct cage_error err;

    if (geteuid() != 0)
        cannot_test("only root can give files away");
    put(f, "nixcage.toml", "[sandbox]\nlevel = \"relaxed\"\n");
    assert_int_equal(fchownat(f->fd, "nixcage.toml", 12345, 12345, 0), 0);
    assert_int_equal(load(f, &err), -1);
    assert_int_equal(err.code, CAGE_ERR_CONFIG);
    assert_non_null(strstr(err.message, "another user"));
}

static void test_load_refuses_large_files(void **state)
{
    struct fixture *f = *state;
    struct cage_error err;
    int fd;

    put(f, "nixcage.toml", "");
    fd = openat(f->fd, "nixcage.toml", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, 1l << 40), 0);
    close(fd);
    assert_int_equal(load(f, &err), -1);
    assert_non_null(strstr(err.message, "1 MiB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_as_documented),
        cmocka_unit_test(test_finish_twice),
        cmocka_unit_test(test_marks_point_at_keys_and_items),
        cmocka_unit_test(test_hosts_absent_or_empty),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_package_names),
        cmocka_unit_test(test_env_names),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_pins),
        cmocka_unit_test(test_large_files_are_quick),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test_setup_teardown(test_load, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_refuses_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_refuses_what_is_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_refuses_other_owners, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_refuses_large_files, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
