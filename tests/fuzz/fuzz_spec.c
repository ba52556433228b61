/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reader of the in-cage init: whatever the bytes, it stays within them, moves forward, and hands out only
 * what spec.h promises.
 */
#include "init/spec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cage_spec_record record;
    size_t at = 0, before = 0;
    /* A copy of exactly this size, so that the sanitizer sees a byte too many. */
    char *copy = malloc(size ? size : 1);

    if (!copy)
        abort();
    memcpy(copy, data, size);
    while (cage_spec_next(copy, size, &at, &record) > 0) {
        if (at <= before || at > size || record.data < copy || record.data + record.length >= copy + size)
            abort();
        if (record.data[record.length] != '\0' || record.tag == 0 || record.tag >= CAGE_SPEC_TAG_END_)
            abort();
        if (record.tag == CAGE_SPEC_ARG && strlen(record.data) != record.length)
            abort();
        before = at;
    }
    free(copy);
    return 0;
}
