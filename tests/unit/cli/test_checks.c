/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What status calls required is what a run refuses to start without. */
#include "base/mem.h"
#include "cli/checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_landlock_abi(void **state)
{
    static const struct {
        const char *toml;
        int abi;
    } rows[] = {
        {"", 6}, /* the network is shared by default */
        {"[sandbox]\nlevel = \"strict\"\n[nix]\npackages = [\"hello\"]\n", 2},
        {"[sandbox.network]\nallow = false\n[nix]\npackages = [\"hello\"]\n", 2},
        {"[sandbox.network]\nhosts = [\"a.example\"]\n[nix]\npackages = [\"hello\"]\n", 2},
        {"[sandbox.network]\nallow = false\n[nix]\npackages = [\"hello\"]\nstore_view = \"full\"\n", 0},
        {"[sandbox.network]\nallow = false\n[nix]\npackages = [\"hello\"]\nstore_mode = \"copy\"\n", 0},
        {"[sandbox.filesystem]\nsystem = true\n[sandbox.network]\nallow = false\n", 0},
    };

    (void)state;
    for (size_t i = 0; i < CAGE_LEN(rows); i++) {
        struct cage_config config;
        struct cage_error err = {0};

        cage_config_init(&config);
        if (cage_config_parse(&config, "nixcage.toml", rows[i].toml, strlen(rows[i].toml), &err) < 0)
            fail_msg("%s: %s", rows[i].toml, err.message);
        if (cage_checks_landlock_abi(&config) != rows[i].abi)
            fail_msg("%s: %d", rows[i].toml, cage_checks_landlock_abi(&config));
        cage_config_finish(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_landlock_abi)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
