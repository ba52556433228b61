/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole files: bad ones with the exact message, good ones with the configuration they mean. */
#include "golden.h"

#include "config/config.h"
#include "config/dump.h"

/* Parses text; the rendered error or the dump goes to *out. Returns what the parser did. */
static int parse(const char *text, size_t n, struct cage_strbuf *out)
{
    struct cage_error err = {0};
    struct cage_config config;
    int rc;

    cage_config_init(&config);
    rc = cage_config_parse(&config, "nixcage.toml", text, n, &err);
    cage_strbuf_init(out);
    if (rc < 0)
        cage_error_render(&err, out);
    else
        cage_config_dump(&config, out);
    if (rc < 0 && (err.code != CAGE_ERR_CONFIG || !err.hint[0]))
        cage_strbuf_add(out, "TEST: this error is not a configuration error with a hint\n");
    cage_config_finish(&config);
    return rc;
}

static void test_bad_files(void **state)
{
    CAGE_STRV_AUTO names = {0};
    int failed = 0;

    (void)state;
    golden_names("bad", ".toml", &names);
    assert_true(names.n >= 60);
    for (size_t i = 0; i < names.n; i++) {
        CAGE_STRBUF_AUTO text = {0}, got = {0};

        golden_read("bad", names.items[i], ".toml", &text);
        if (parse(text.buf, text.len, &got) == 0) {
            print_error("bad/%s.toml is accepted\n", names.items[i]);
            failed++;
            continue;
        }
        failed += golden_compare("bad", names.items[i], ".err", got.buf);
    }
    assert_int_equal(failed, 0);
}

static void test_good_files(void **state)
{
    CAGE_STRV_AUTO names = {0};
    int failed = 0;

    (void)state;
    golden_names("good", ".toml", &names);
    assert_true(names.n >= 20);
    for (size_t i = 0; i < names.n; i++) {
        CAGE_STRBUF_AUTO text = {0}, got = {0}, again = {0};

        golden_read("good", names.items[i], ".toml", &text);
        if (parse(text.buf, text.len, &got) < 0) {
            print_error("good/%s.toml is refused: %s\n", names.items[i], got.buf);
            failed++;
            continue;
        }
        failed += golden_compare("good", names.items[i], ".dump", got.buf);
        assert_int_equal(parse(got.buf, got.len, &again), 0);
        assert_string_equal(got.buf, again.buf);
    }
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_good_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
