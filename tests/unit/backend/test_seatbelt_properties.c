/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every profile, tried on many made-up cages. The generator is seeded: a failure repeats. */
#include "base/test.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/utf8.h"
#include "sbpl_eval.h"
#include "seatbelt_cases.h"

struct random {
    uint64_t state;
};

static unsigned pick(struct random *r, unsigned n)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return (unsigned)(r->state >> 33) % n;
}

static const char *const pool[] = {
    "/Users/ada",
    "/Users/ada/.ssh",
    "/Users/ada/.config",
    "/Users/ada/work",
    "/Users/ada/work/src",
    "/Users/ada/work/src/gen",
    "/Users/ada/work/.git",
    "/Users/ada/work/.git/hooks",
    "/Users/ada/work/a \"b\\ (c)",
    "/Users/ada/work/;x",
    "/private/tmp/x",
    "/private/tmp/x/y",
    "/private/var/db/x",
    "/Volumes/disk",
    "/Volumes/disk/data",
    "/Volumes/disk/data/deep/er",
    "/opt/homebrew",
    "/usr/local/share",
};

static const char *const file_operations[] = {
    "file-read-data",    "file-read-metadata",  "file-read-xattr", "file-write-data",
    "file-write-create", "file-write-unlink",   "file-write-mode", "file-write-setugid",
    "file-link",         "process-exec",        "file-ioctl",      "file-write-xattr",
    "network-outbound",  "file-map-executable",
};

static void random_case(struct random *r, struct cage_seatbelt_input *in)
{
    const enum cage_file_type types[] = {CAGE_FILE_NONE, CAGE_FILE_REGULAR, CAGE_FILE_DIR};

    seatbelt_case(in, (enum cage_level)pick(r, 3), (enum cage_net_mode)pick(r, 3));
    for (unsigned i = pick(r, 6); i > 0; i--)
        cage_seatbelt_grant(in, pool[pick(r, CAGE_LEN(pool))], pick(r, 2), types[pick(r, 3)]);
    for (unsigned i = pick(r, 4); i > 0; i--)
        cage_strv_add(&in->deny, pool[pick(r, CAGE_LEN(pool))]);
    for (unsigned i = pick(r, 3); i > 0; i--)
        cage_seatbelt_guard(in, pool[pick(r, CAGE_LEN(pool))], NULL, pick(r, 4) ? NULL : "a*.json");
}

/* The next made-up cage that can be rendered. */
static char *next_profile(struct random *r, struct cage_seatbelt_input *in, struct sbpl_profile *profile)
{
    for (;;) {
        struct cage_error err = {0};
        struct cage_strbuf out;
        char why[256];

        cage_strbuf_init(&out);
        random_case(r, in);
        if (cage_seatbelt_render(in, &out, &err) == 0) {
            if (!sbpl_parse(out.buf, profile, why, sizeof why))
                fail_msg("%s\n%s", why, out.buf);
            return cage_strbuf_steal(&out);
        }
        assert_int_equal(err.code, CAGE_ERR_CONFIG);
        cage_strbuf_finish(&out);
        cage_seatbelt_input_finish(in);
    }
}

static void random_query(struct random *r, struct sbpl_query *q, char *path, size_t size)
{
    const char *const below[] = {"", "/f", "/src/f", "/settings.json", "/../f"};

    snprintf(path, size, "%s%s", pool[pick(r, CAGE_LEN(pool))], below[pick(r, CAGE_LEN(below) - 1)]);
    *q = (struct sbpl_query){.operation = file_operations[pick(r, CAGE_LEN(file_operations))], .path = path};
}

static void all_readings_agree(void **state)
{
    struct random r = {0x9e3779b97f4a7c15u};

    (void)state;
    for (int i = 0; i < 150; i++) {
        struct cage_seatbelt_input in;
        struct sbpl_profile profile;
        char *text = next_profile(&r, &in, &profile);

        for (int k = 0; k < 120; k++) {
            struct sbpl_query q;
            char path[256];

            random_query(&r, &q, path, sizeof path);
            (void)sbpl_allowed(&profile, &q); /* aborts when they do not */
        }
        free(text);
        sbpl_finish(&profile);
        cage_seatbelt_input_finish(&in);
    }
}

static bool may_be_bare(const char *operation)
{
    const char *const bare[] = {"default", "process-fork", "pseudo-tty", "ipc-posix-sem", "ipc-posix-shm"};

    for (size_t i = 0; i < CAGE_LEN(bare); i++)
        if (strcmp(bare[i], operation) == 0)
            return true;
    return false;
}

static bool is_final(const struct sbpl_rule *rule)
{
    for (size_t i = 0; rule->deny && i < rule->n_operations; i++)
        if (strcmp(rule->operations[i], "file-write-unlink") == 0 ||
            strcmp(rule->operations[i], "file-write-setugid") == 0)
            return true;
    return false;
}

static void rules_are_in_order(void **state)
{
    struct random r = {42};

    (void)state;
    for (int i = 0; i < 150; i++) {
        struct cage_seatbelt_input in;
        struct sbpl_profile profile;
        char *text = next_profile(&r, &in, &profile);
        bool final = false;

        assert_true(profile.rules[0].deny && strcmp(profile.rules[0].operations[0], "default") == 0);
        for (size_t k = 0; k < profile.n; k++) {
            const struct sbpl_rule *rule = &profile.rules[k];

            final |= is_final(rule);
            assert_false(final && !rule->deny);
            if (rule->n_filters == 0)
                assert_true(rule->n_operations == 1 && may_be_bare(rule->operations[0]));
        }
        assert_true(final);
        free(text);
        sbpl_finish(&profile);
        cage_seatbelt_input_finish(&in);
    }
}

static bool is_named(const struct sbpl_rule *rule, const char *operation)
{
    for (size_t i = 0; i < rule->n_operations; i++)
        if (strcmp(rule->operations[i], operation) == 0)
            return true;
    return false;
}

static void check_ancestors(const struct sbpl_profile *profile, const char *path)
{
    for (const char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
        cage_autofree char *dir = cage_strndup(path, (size_t)(p - path));

        if (!sbpl_file(profile, "file-read-metadata", dir))
            fail_msg("%s is granted but %s cannot be looked up", path, dir);
    }
}

static void granted_paths_can_be_reached(void **state)
{
    struct random r = {7};

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct cage_seatbelt_input in;
        struct sbpl_profile profile;
        char *text = next_profile(&r, &in, &profile);

        for (size_t k = 0; k < profile.n; k++)
            for (size_t j = 0; j < profile.rules[k].n_filters && !profile.rules[k].deny; j++) {
                const struct sbpl_node *f = profile.rules[k].filters[j];

                if (is_named(&profile.rules[k], "file-read*") && f->items[1].kind == SBPL_STRING &&
                    sbpl_file(&profile, "file-read-data", f->items[1].text))
                    check_ancestors(&profile, f->items[1].text);
            }
        free(text);
        sbpl_finish(&profile);
        cage_seatbelt_input_finish(&in);
    }
}

static void only_known_services_are_named(void **state)
{
    const char *const known[] = {
        "com.apple.FSEvents",
        "com.apple.SystemConfiguration.DNSConfiguration",
        "com.apple.SystemConfiguration.configd",
        "com.apple.bsd.dirhelper",
        "com.apple.cfprefsd.agent",
        "com.apple.cfprefsd.daemon",
        "com.apple.diagnosticd",
        "com.apple.dnssd.service",
        "com.apple.logd",
        "com.apple.system.logger",
        "com.apple.system.notification_center",
        "com.apple.system.opendirectoryd.libinfo",
        "com.apple.system.opendirectoryd.membership",
        "com.apple.trustd",
        "com.apple.trustd.agent",
    };
    struct random r = {99};

    (void)state;
    for (int i = 0; i < 60; i++) {
        struct cage_seatbelt_input in;
        struct sbpl_profile profile;
        char *text = next_profile(&r, &in, &profile);

        for (size_t k = 0; k < profile.n; k++) {
            for (size_t j = 0; is_named(&profile.rules[k], "mach-lookup") && j < profile.rules[k].n_filters;
                 j++) {
                bool found = false;

                for (size_t m = 0; m < CAGE_LEN(known); m++)
                    found |= strcmp(profile.rules[k].filters[j]->items[1].text, known[m]) == 0;
                assert_true(found);
            }
            assert_false(is_named(&profile.rules[k], "network*"));
        }
        free(text);
        sbpl_finish(&profile);
        cage_seatbelt_input_finish(&in);
    }
}

/* Operations and kinds of filters of every rule, without any path; filters are sorted, as their order follows
 * the paths. */
static char *shape(const struct sbpl_profile *profile)
{
    struct cage_strbuf out;

    cage_strbuf_init(&out);
    for (size_t i = 0; i < profile->n; i++) {
        CAGE_STRV_AUTO kinds = {0};
        size_t n_literal = 0, n_subpath = 0;

        cage_strbuf_addf(&out, "%d %zu:", profile->rules[i].deny, profile->rules[i].n_filters);
        for (size_t k = 0; k < profile->rules[i].n_operations; k++)
            cage_strbuf_addf(&out, " %s", profile->rules[i].operations[k]);
        for (size_t k = 0; k < profile->rules[i].n_filters; k++) {
            const char *kind = profile->rules[i].filters[k]->items[0].text;

            n_literal += strcmp(kind, "literal") == 0;
            n_subpath += strcmp(kind, "subpath") == 0;
            cage_strv_add(&kinds, kind);
        }
        cage_strv_sort_unique(&kinds);
        for (size_t k = 0; k < kinds.n; k++)
            cage_strbuf_addf(&out, " %s", kinds.items[k]);
        cage_strbuf_addf(&out, " %zu %zu\n", n_literal, n_subpath);
    }
    return cage_strbuf_steal(&out);
}

/* Puts text into every place of a profile that takes a path; NULL where it is refused. */
static char *shape_with(const char *text)
{
    struct cage_seatbelt_input in;
    struct sbpl_profile profile;
    struct cage_error err = {0};
    CAGE_STRBUF_AUTO out = {0};
    cage_autofree char *path = cage_format("/Users/ada/work/%s", text);
    cage_autofree char *below = cage_format("%s/sub", path);
    cage_autofree char *temporary = cage_format("/private/tmp/%s", text);
    char why[256], *result = NULL;

    cage_strbuf_init(&out);
    seatbelt_case(&in, CAGE_LEVEL_RELAXED, CAGE_NET_HOST);
    cage_seatbelt_grant(&in, path, false, CAGE_FILE_DIR);
    cage_seatbelt_grant(&in, temporary, true, CAGE_FILE_NONE);
    cage_strv_add(&in.deny, below);
    cage_strv_add(&in.nodes, path);
    cage_seatbelt_guard(&in, path, below, NULL);
    cage_seatbelt_guard(&in, path, NULL, "x*.json");
    cage_seatbelt_guard(&in, below, NULL, NULL);
    if (cage_seatbelt_render(&in, &out, &err) == 0) {
        if (!sbpl_parse(out.buf, &profile, why, sizeof why))
            fail_msg("%s\n%s", why, out.buf);
        assert_true(sbpl_file(&profile, "file-read-data", path));
        assert_false(sbpl_file(&profile, "file-write-data", path));
        assert_false(sbpl_file(&profile, "file-read-data", below));
        assert_true(sbpl_file(&profile, "file-write-data", temporary));
        result = shape(&profile);
        sbpl_finish(&profile);
    } else {
        assert_int_equal(err.code, CAGE_ERR_CONFIG);
    }
    cage_seatbelt_input_finish(&in);
    return result;
}

static void hostile_names_change_nothing(void **state)
{
    const char *const good[] = {
        "\"", "\\",       "\\\"",         "a\")(allow default)(\"", ")", ";",     "#\"x\"", "(subpath \"x\")",
        " ",  "\xc3\xa9", "\xe2\x80\xae", "\xf0\x9f\x90\x9a",       "~", "$HOME", "*",      "x\\",
    };
    const char *const bad[] = {"\n",   "a\nb",     "\r",           "\t",       "\x1b[0m", "\x7f",
                               "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xc2\x80", "\x01"};
    cage_autofree char *plain = shape_with("a");

    (void)state;
    assert_non_null(plain);
    for (size_t i = 0; i < CAGE_LEN(good); i++) {
        cage_autofree char *other = shape_with(good[i]);

        if (!other)
            fail_msg("\"%s\" is refused", good[i]);
        if (strcmp(other, plain) != 0)
            fail_msg("\"%s\" changes the profile", good[i]);
    }
    for (size_t i = 0; i < CAGE_LEN(bad); i++)
        assert_null(shape_with(bad[i]));
    for (int byte = 1; byte < 256; byte++) {
        char text[] = {'a', (char)byte, 'b', '\0'};
        cage_autofree char *other = byte == '/' ? NULL : shape_with(text);

        if (other)
            assert_string_equal(other, plain);
        else
            assert_true(byte == '/' || byte < 0x20 || byte >= 0x7f);
    }
}

static void shuffle_grants(struct random *r, struct cage_seatbelt_input *in)
{
    for (size_t i = in->n_grants; i > 1; i--) {
        size_t k = pick(r, (unsigned)i);
        struct cage_seatbelt_grant kept = in->grants[k];

        in->grants[k] = in->grants[i - 1];
        in->grants[i - 1] = kept;
    }
    for (size_t i = in->n_guards; i > 1; i--) {
        size_t k = pick(r, (unsigned)i);
        struct cage_seatbelt_guard kept = in->guards[k];

        in->guards[k] = in->guards[i - 1];
        in->guards[i - 1] = kept;
    }
    for (size_t i = in->deny.n; i > 1; i--) {
        size_t k = pick(r, (unsigned)i);
        char *kept = in->deny.items[k];

        in->deny.items[k] = in->deny.items[i - 1];
        in->deny.items[i - 1] = kept;
    }
}

static void the_order_of_lists_does_not_matter(void **state)
{
    struct random r = {1234567};

    (void)state;
    for (int i = 0; i < 150; i++) {
        struct cage_seatbelt_input in;
        struct sbpl_profile profile;
        cage_autofree char *text = next_profile(&r, &in, &profile);
        cage_autofree char *again = NULL;

        shuffle_grants(&r, &in);
        again = seatbelt_render(&in);
        assert_string_equal(text, again);
        sbpl_finish(&profile);
        cage_seatbelt_input_finish(&in);
    }
}

static void a_blacklist_entry_never_widens(void **state)
{
    struct random r = {31337};

    (void)state;
    for (int i = 0; i < 150; i++) {
        struct cage_seatbelt_input in;
        struct sbpl_profile before, after;
        struct cage_error err = {0};
        CAGE_STRBUF_AUTO out = {0};
        cage_autofree char *text = next_profile(&r, &in, &before);
        char why[256];

        assert_non_null(text);
        cage_strbuf_init(&out);
        cage_strv_add(&in.deny, pool[pick(&r, CAGE_LEN(pool))]);
        if (cage_seatbelt_render(&in, &out, &err) == 0) {
            assert_true(sbpl_parse(out.buf, &after, why, sizeof why));
            for (int k = 0; k < 120; k++) {
                struct sbpl_query q;
                char path[256];

                random_query(&r, &q, path, sizeof path);
                if (sbpl_allowed(&after, &q))
                    assert_true(sbpl_allowed(&before, &q));
            }
            sbpl_finish(&after);
        }
        sbpl_finish(&before);
        cage_seatbelt_input_finish(&in);
    }
}

static void the_reader_is_strict(void **state)
{
    const char *const bad[] = {
        "(version 2)",
        "(allow default)",
        "(version 1)(allow file-red*)",
        "(version 1)(allow file-read* (pattern \"/x\"))",
        "(version 1)(allow file-read* (literal \"/x\\n\"))",
        "(version 1)(allow file-read* (literal \"x\"))",
        "(version 1)(allow file-read* (literal \"/x)",
        "(version 1)(allow file-read* (literal \"/x\")",
        "(version 1) x",
        "(version 1)(maybe default)",
        "(version 1)(allow)",
        "(version 1)(deny file-read* (with message \"t\") (literal \"/x\"))",
        "(version 1)(allow file-read* (literal \"/x\") file-write*)",
    };
    struct sbpl_profile profile;
    char why[256];

    (void)state;
    assert_true(
        sbpl_parse("(version 1)\n; a comment ( \"\n(deny default)(allow file-read* (literal \"/\\\"\\\\\"))",
                   &profile, why, sizeof why));
    assert_true(sbpl_file(&profile, "file-read-data", "/\"\\"));
    assert_false(sbpl_file(&profile, "file-read-data", "/"));
    sbpl_finish(&profile);
    for (size_t i = 0; i < CAGE_LEN(bad); i++) {
        if (sbpl_parse(bad[i], &profile, why, sizeof why))
            fail_msg("accepted: %s", bad[i]);
        sbpl_finish(&profile);
    }
}

/* The models differ where they should: else their agreement would say nothing. */
static void the_readings_differ(void **state)
{
    const struct {
        const char *text;
        bool answers[SBPL_MODELS];
    } cases[] = {
        {"(version 1)(deny default)(deny file-read-data (subpath \"/a\"))(allow file-read* (subpath \"/a\"))",
         {true, true, false, false}},
        {"(version 1)(deny default)(allow file-read-data (subpath \"/a\"))(deny file-read-data)",
         {false, true, false, true}},
        {"(version 1)(allow file* (subpath \"/a\"))(deny default)", {false, true, true, true}},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        struct sbpl_profile profile;
        char why[256];

        assert_true(sbpl_parse(cases[i].text, &profile, why, sizeof why));
        for (int m = 0; m < SBPL_MODELS; m++)
            assert_int_equal(sbpl_decide(&profile,
                                         &(struct sbpl_query){.operation = "file-read-data", .path = "/a/b"},
                                         (enum sbpl_model)m),
                             cases[i].answers[m]);
        sbpl_finish(&profile);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reader_is_strict),
        cmocka_unit_test(the_readings_differ),
        cmocka_unit_test(all_readings_agree),
        cmocka_unit_test(rules_are_in_order),
        cmocka_unit_test(granted_paths_can_be_reached),
        cmocka_unit_test(only_known_services_are_named),
        cmocka_unit_test(hostile_names_change_nothing),
        cmocka_unit_test(the_order_of_lists_does_not_matter),
        cmocka_unit_test(a_blacklist_entry_never_widens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
