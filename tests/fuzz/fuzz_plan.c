/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as nixcage.toml, on a described machine: no plan breaks a rule of plan_properties.h. */
#include "../unit/plan/plan_properties.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const hide[] = {NULL, "/home/u/.ssh", "/data/models", "/home/u/proj/src", "/home/u"};
    cage_autofree char *toml = NULL;
    const char *bad;
    int planned;

    if (size < 2)
        return 0;
    toml = cage_strndup((const char *)data + 2, size - 2);
    bad = plan_properties_check(data[0] % plan_properties_hosts(), toml, hide[data[1] % CAGE_LEN(hide)],
                                &planned);
    if (bad) {
        fprintf(stderr, "%s\n", bad);
        abort();
    }
    return 0;
}
