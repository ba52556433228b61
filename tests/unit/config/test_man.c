/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nixcage.toml(5) and the schema name the same sections, keys and defaults, in the same order. */
#include "golden.h"

#include "config/schema.h"

#define MAN TEST_SRCDIR "/../../../man/nixcage.toml.5"

/* The text of a macro's arguments as the reader sees it. The caller frees. */
static char *plain(const char *text)
{
    CAGE_STRBUF_AUTO sb = {0};

    cage_strbuf_init(&sb);
    while (*text) {
        if (strncmp(text, "\\(dq", 4) == 0) {
            cage_strbuf_addc(&sb, '"');
            text += 4;
        } else if (strncmp(text, "\\&", 2) == 0) {
            text += 2;
        } else {
            cage_strbuf_addc(&sb, *text++);
        }
    }
    return cage_strbuf_steal(&sb);
}

/* Appends "[section] key = default" for every key that the page documents. */
static void read_page(struct cage_strv *keys)
{
    CAGE_STRBUF_AUTO page = {0};
    struct cage_error err;
    cage_autofree char *section = NULL;
    char *save = NULL;

    cage_strbuf_init(&page);
    assert_int_equal(cage_fs_read(AT_FDCWD, MAN, 1 << 20, &page, &err), 0);
    for (char *line = strtok_r(page.buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        cage_autofree char *text = plain(line);

        if (strncmp(text, ".Ss Section [", 13) == 0) {
            free(section);
            section = cage_strdup(text + 12);
        } else if (strncmp(text, ".It Cm ", 7) == 0) {
            cage_strv_addf(keys, "%s %s", section, text + 7);
        }
    }
}

static void test_the_manual_lists_the_schema(void **state)
{
    CAGE_STRV_AUTO keys = {0};
    size_t n;
    const struct cage_schema_entry *schema = cage_schema(&n);

    (void)state;
    read_page(&keys);
    for (size_t i = 0; i < n && i < keys.n; i++) {
        const struct cage_schema_entry *e = &schema[i];
        cage_autofree char *want = e->default_text
                                       ? cage_format("[%s] %s = %s", e->section, e->name, e->default_text)
                                       : cage_format("[%s] %s", e->section, e->name);

        assert_string_equal(keys.items[i], want);
    }
    assert_int_equal(keys.n, n);
}

/* Every value of an enumeration is explained. */
static void test_the_manual_names_all_values(void **state)
{
    CAGE_STRBUF_AUTO page = {0};
    struct cage_error err;
    size_t n;
    const struct cage_schema_entry *schema = cage_schema(&n);

    (void)state;
    cage_strbuf_init(&page);
    assert_int_equal(cage_fs_read(AT_FDCWD, MAN, 1 << 20, &page, &err), 0);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; schema[i].values && schema[i].values[j]; j++) {
            cage_autofree char *quoted = cage_format("Qq %s", schema[i].values[j]);

            if (!strstr(page.buf, quoted))
                fail_msg("%s is not in the manual", schema[i].values[j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_manual_lists_the_schema),
        cmocka_unit_test(test_the_manual_names_all_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
