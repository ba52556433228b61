/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fuzzer's checks on its seeds and on all golden files, in every build and without clang. */
#include "../../fuzz/fuzz_config.c"

#include "golden.h"

static void run(const char *sub, size_t at_least)
{
    CAGE_STRV_AUTO names = {0};

    golden_names(sub, "", &names);
    assert_true(names.n >= at_least);
    for (size_t i = 0; i < names.n; i++) {
        CAGE_STRBUF_AUTO text = {0};

        golden_read(sub, names.items[i], "", &text);
        assert_int_equal(LLVMFuzzerTestOneInput((const uint8_t *)text.buf, text.len), 0);
        /* A torn file is what an editor or a full disk may leave. */
        for (size_t n = 0; n < text.len && n < 600; n++)
            LLVMFuzzerTestOneInput((const uint8_t *)text.buf, n);
    }
}

static void test_corpus(void **state)
{
    (void)state;
    run("../../fuzz/corpus/config", 10);
}

static void test_golden(void **state)
{
    (void)state;
    run("good", 20);
    run("bad", 60);
    run("edit", 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_golden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
