/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by the tests that compare output with files under tests/golden/config. */
#ifndef TEST_CONFIG_GOLDEN_H
#define TEST_CONFIG_GOLDEN_H

#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/strv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN_DIR TEST_SRCDIR "/../../golden/config"

/* The names in GOLDEN_DIR/sub that end in suffix, sorted, without it. */
static inline void golden_names(const char *sub, const char *suffix, struct cage_strv *names)
{
    cage_autofree char *path = cage_path_join(GOLDEN_DIR, sub);
    DIR *dir = opendir(path);
    struct dirent *e;

    assert_non_null(dir);
    while ((e = readdir(dir))) {
        size_t n = strlen(e->d_name), len = strlen(suffix);

        if (e->d_name[0] != '.' && n > len && strcmp(e->d_name + n - len, suffix) == 0)
            cage_strv_take(names, cage_strndup(e->d_name, n - len));
    }
    closedir(dir);
    cage_strv_sort_unique(names);
}

/* Reads GOLDEN_DIR/sub/name+suffix. A missing file gives an empty buffer. */
static inline void golden_read(const char *sub, const char *name, const char *suffix, struct cage_strbuf *out)
{
    cage_autofree char *path = cage_format("%s/%s/%s%s", GOLDEN_DIR, sub, name, suffix);
    struct cage_error err = {0};

    cage_strbuf_init(out);
    if (cage_fs_read(AT_FDCWD, path, 8 << 20, out, &err) < 0 && err.sys != ENOENT)
        fail_msg("%s", err.message);
}

/*
 * Compares got with the golden file and shows both when they differ; UPDATE_GOLDEN=1 in the environment
 * rewrites the file instead. Returns 1 when they differ, so that one run shows every difference.
 */
static inline int golden_compare(const char *sub, const char *name, const char *suffix, const char *got)
{
    cage_autofree char *path = cage_format("%s/%s/%s%s", GOLDEN_DIR, sub, name, suffix);
    CAGE_STRBUF_AUTO want = {0};
    struct cage_error err = {0};

    golden_read(sub, name, suffix, &want);
    if (strcmp(want.buf, got) == 0)
        return 0;
    if (getenv("UPDATE_GOLDEN")) {
        assert_int_equal(cage_fs_write_atomic(AT_FDCWD, path, got, strlen(got), 0644, &err), 0);
        return 0;
    }
    print_error("%s%s differs. expected:\n%s\ngot:\n%s\n", name, suffix, want.buf, got);
    return 1;
}

#endif
