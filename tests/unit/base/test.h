/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every cmocka program needs, in the order cmocka wants it, and a scratch directory. */
#ifndef TEST_BASE_TEST_H
#define TEST_BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Compares an allocated string and frees it. */
#define assert_owned_string(actual, expected)                                                                \
    do {                                                                                                     \
        char *owned_ = (actual);                                                                             \
        assert_string_equal(owned_, expected);                                                               \
        free(owned_);                                                                                        \
    } while (0)

/* cmocka setup and teardown: every test runs in an empty directory of its own; *state is its path. */
static inline int scratch_setup(void **state)
{
    char *dir = strdup("/tmp/nixcage-unit-XXXXXX");

    *state = dir;
    return dir && mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static inline int scratch_teardown(void **state)
{
    char command[128];
    int rc;

    snprintf(command, sizeof command, "chmod -R u+rwx '%s' && rm -rf '%s'", (char *)*state, (char *)*state);
    rc = chdir("/") == 0 ? system(command) : -1; /* NOLINT(cert-env33-c): a fixed command */
    free(*state);
    return rc;
}

#endif
