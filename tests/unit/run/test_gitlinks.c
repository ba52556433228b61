/* SPDX-License-Identifier: GPL-3.0-or-later */
/* git's index, made here byte by byte in versions 2 to 4. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "run/gitlinks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_MODE = 0100644, LINK_MODE = 0160000, SHA1 = 20, SHA256 = 32 };

static void add32(struct cage_strbuf *out, uint32_t n)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        cage_strbuf_addc(out, (int)(n >> shift & 255));
}

static void add_zeros(struct cage_strbuf *out, size_t n)
{
    while (n-- > 0)
        cage_strbuf_addc(out, 0);
}

static void add_header(struct cage_strbuf *out, uint32_t version, uint32_t count)
{
    cage_strbuf_init(out);
    cage_strbuf_add(out, "DIRC");
    add32(out, version);
    add32(out, count);
}

/* drop: version 4. */
static void add_entry(struct cage_strbuf *out, uint32_t version, size_t hash, uint32_t mode, int drop,
                      const char *name)
{
    size_t start = out->len;

    add_zeros(out, 24);
    add32(out, mode);
    add_zeros(out, 12 + hash);
    cage_strbuf_addc(out, version == 3 ? 0x40 : 0);
    cage_strbuf_addc(out, (int)strlen(name));
    if (version == 3)
        add_zeros(out, 2);
    if (version == 4)
        cage_strbuf_addc(out, drop);
    cage_strbuf_add(out, name);
    add_zeros(out, version == 4 ? 1 : 8 - (out->len - start) % 8);
}

static void test_versions(void **state)
{
    (void)state;
    for (uint32_t version = 2; version <= 4; version++)
        for (size_t hash = SHA1; hash <= SHA256; hash += SHA256 - SHA1) {
            CAGE_STRBUF_AUTO index = {0};
            CAGE_STRV_AUTO paths = {0};

            add_header(&index, version, 3);
            add_entry(&index, version, hash, FILE_MODE, 0, "lib/file");
            add_entry(&index, version, hash, LINK_MODE, 4, version == 4 ? "one" : "lib/one");
            add_entry(&index, version, hash, LINK_MODE, 7, "x");
            add_zeros(&index, hash); /* the checksum, which is git's affair */
            assert_int_equal(cage_gitlinks_parse(index.buf, index.len, hash, &paths), 0);
            assert_int_equal(paths.n, 2);
            assert_string_equal(paths.items[0], "lib/one");
            assert_string_equal(paths.items[1], "x");
        }
}

static void test_damage(void **state)
{
    CAGE_STRBUF_AUTO index = {0};

    (void)state;
    for (uint32_t version = 2; version <= 4; version++) {
        add_header(&index, version, 2);
        add_entry(&index, version, SHA1, LINK_MODE, 0, "a");
        add_entry(&index, version, SHA1, LINK_MODE, 1, "b");
        for (size_t n = 0; n < index.len; n++) {
            CAGE_STRV_AUTO paths = {0};
            char *copy = cage_alloc(n + 1); /* its own size, for the sanitizers */

            memcpy(copy, index.buf, n);
            assert_int_equal(cage_gitlinks_parse(copy, n, SHA1, &paths), -1);
            free(copy);
        }
        cage_strbuf_finish(&index);
    }
    add_header(&index, 4, 1);
    add_entry(&index, 4, SHA1, LINK_MODE, 5, "drops what is not there");
    {
        CAGE_STRV_AUTO paths = {0};

        assert_int_equal(cage_gitlinks_parse(index.buf, index.len, SHA1, &paths), -1);
        assert_int_equal(cage_gitlinks_parse("DIRX00000000", 12, SHA1, &paths), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_versions), cmocka_unit_test(test_damage)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
