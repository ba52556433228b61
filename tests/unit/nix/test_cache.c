/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an unpinned URL gave is believed for a while only. (Everything else about the cache:
 * tests/cage/cache_use.bats.) */
#include "base/fs.h"
#include "base/mem.h"
#include "nix/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include <fcntl.h>

static int load(const char *cache, bool stale)
{
    const struct cage_host host = {0};
    struct cage_nix_entry entry;
    int rc = cage_nix_cache_load(cache, "key", &host, "", stale, &entry);

    if (rc == 0)
        cage_nix_entry_finish(&entry);
    return rc;
}

static void store(const char *cache, int64_t expires)
{
    struct cage_nix_entry entry;
    struct cage_error err;

    cage_nix_entry_init(&entry);
    entry.generation = cage_strdup("0123-4-5");
    entry.bash = cage_strdup("/nix/store/aaaa-bash/bin/bash");
    cage_strv_add(&entry.env, "PATH=/nix/store/aaaa-bash/bin");
    entry.expires = expires;
    assert_int_equal(cage_nix_cache_store(cache, "key", &entry, &err), 0);
    cage_nix_entry_finish(&entry);
}

static void test_expiry(void **state)
{
    char dir[] = "/tmp/nixcage-test-XXXXXX";
    const int64_t now = (int64_t)time(NULL);
    struct cage_error err;

    (void)state;
    assert_non_null(mkdtemp(dir));
    store(dir, 0);
    assert_int_equal(load(dir, false), 0);
    store(dir, now + 60);
    assert_int_equal(load(dir, false), 0);
    store(dir, now - 1);
    assert_int_equal(load(dir, false), -1);
    assert_int_equal(load(dir, true), 0);
    assert_int_equal(cage_fs_remove_tree(AT_FDCWD, dir, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_expiry)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
