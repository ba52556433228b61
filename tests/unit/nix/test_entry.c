/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/hash.h"
#include "base/mem.h"
#include "nix/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fill(struct cage_nix_entry *entry)
{
    cage_nix_entry_init(entry);
    entry->generation = cage_strdup("0123-4-5");
    entry->bash = cage_strdup("/nix/store/aaaa-bash/bin/bash");
    entry->stdenv_setup = cage_strdup("/nix/store/bbbb-stdenv/setup");
    entry->shell_hook = cage_strdup("echo 'a\nb'");
    entry->attrs_dest = cage_strdup("/run/nixcage/attrs");
    entry->expires = 1700000000;
    cage_strv_add(&entry->env, "PATH=/nix/store/aaaa-bash/bin");
    cage_strv_add(&entry->env, "MULTI=first\nsecond");
    cage_strv_add(&entry->env, "EMPTY=");
    cage_strv_add(&entry->closure, "/nix/store/aaaa-bash");
    cage_strv_add(&entry->roots, "/nix/store/aaaa-bash");
    cage_strv_add(&entry->witness, "f1.2");
    cage_strv_add(&entry->witness, "/etc/nix/nix.conf");
}

static void assert_same_list(const struct cage_strv *a, const struct cage_strv *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++)
        assert_string_equal(a->items[i], b->items[i]);
}

static void test_round_trip(void **state)
{
    struct cage_nix_entry entry, read;
    struct cage_strbuf text;

    (void)state;
    fill(&entry);
    cage_strbuf_init(&text);
    cage_nix_entry_write(&entry, &text);
    cage_nix_entry_init(&read);
    assert_int_equal(cage_nix_entry_parse(&read, text.buf, text.len), 0);
    assert_same_list(&entry.env, &read.env);
    assert_same_list(&entry.closure, &read.closure);
    assert_same_list(&entry.roots, &read.roots);
    assert_same_list(&entry.witness, &read.witness);
    assert_string_equal(entry.generation, read.generation);
    assert_string_equal(entry.bash, read.bash);
    assert_string_equal(entry.stdenv_setup, read.stdenv_setup);
    assert_string_equal(entry.shell_hook, read.shell_hook);
    assert_string_equal(entry.attrs_dest, read.attrs_dest);
    assert_true(entry.expires == read.expires);
    cage_nix_entry_finish(&entry);
    cage_nix_entry_finish(&read);
    cage_strbuf_finish(&text);
}

static bool parses(const char *data, size_t n)
{
    struct cage_nix_entry entry;
    /* Exactly n bytes, so that a sanitizer sees a read behind them. */
    char *copy = malloc(n ? n : 1);
    int rc;

    assert_non_null(copy);
    memcpy(copy, data, n);
    cage_nix_entry_init(&entry);
    rc = cage_nix_entry_parse(&entry, copy, n);
    cage_nix_entry_finish(&entry);
    free(copy);
    return rc == 0;
}

static void test_every_truncation_and_flip_is_refused(void **state)
{
    struct cage_nix_entry entry;
    struct cage_strbuf text;

    (void)state;
    fill(&entry);
    cage_strbuf_init(&text);
    cage_nix_entry_write(&entry, &text);
    assert_true(parses(text.buf, text.len));
    for (size_t n = 0; n < text.len; n++)
        assert_false(parses(text.buf, n));
    for (size_t i = 0; i < text.len; i++) {
        text.buf[i] ^= 1;
        assert_false(parses(text.buf, text.len));
        text.buf[i] ^= 1;
    }
    cage_strbuf_addc(&text, 'x');
    assert_false(parses(text.buf, text.len));
    cage_nix_entry_finish(&entry);
    cage_strbuf_finish(&text);
}

/* A body with a digest that fits: what a hostile or mistaken writer could leave. */
static bool body_parses(const char *body, size_t n)
{
    struct cage_strbuf text;
    char digest[CAGE_CHECKSUM_HEX];
    bool ok;

    cage_strbuf_init(&text);
    cage_checksum_hex(body, n, digest);
    cage_strbuf_addf(&text, CAGE_NIX_ENTRY_VERSION "\n%s\n", digest);
    cage_strbuf_add_bytes(&text, body, n);
    ok = parses(text.buf, text.len);
    cage_strbuf_finish(&text);
    return ok;
}

#define BODY(s) body_parses(s, sizeof(s) - 1)

static void test_bodies(void **state)
{
    (void)state;
    assert_true(BODY("Gx\0B/b\0"));
    assert_false(BODY(""));
    assert_false(BODY("Gx\0"));
    assert_false(BODY("B/b\0"));
    assert_false(BODY("Gx\0B/b"));
    assert_false(BODY("Gx\0Gx\0B/b\0"));
    assert_false(BODY("G../x\0B/b\0"));
    assert_false(BODY("G..\0B/b\0"));
    assert_false(BODY("G\0B/b\0"));
    assert_false(BODY("Gx\0Bb\0"));
    assert_false(BODY("Gx\0B/b\0\0"));
    assert_false(BODY("Gx\0B/b\0Zx\0"));
    assert_false(BODY("Gx\0B/b\0ENAME\0"));
    assert_false(BODY("Gx\0B/b\0E=x\0"));
    assert_false(BODY("Gx\0B/b\0C/etc\0"));
    assert_false(BODY("Gx\0B/b\0C/nix/store/a/../b\0"));
    assert_false(BODY("Gx\0B/b\0C/nix/store/\0"));
    assert_false(BODY("Gx\0B/b\0Wodd\0"));
    assert_false(BODY("Gx\0B/b\0X-1\0"));
    assert_false(BODY("Gx\0B/b\0X99999999999999999999\0"));
    assert_false(BODY("Gx\0B/b\0X1x\0"));
    assert_false(BODY("Gx\0B/b\0Arelative\0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_truncation_and_flip_is_refused),
        cmocka_unit_test(test_bodies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
