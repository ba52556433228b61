/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel's cgroup v2 files as text (Documentation/admin-guide/cgroup-v2.rst). */
#include "base/mem.h"
#include "limits/limits.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool cage_limits_parse_value(const char *text, uint64_t *value)
{
    char *end;
    unsigned long long v;

    if (strncmp(text, "max", 3) == 0 && (text[3] == '\n' || text[3] == '\0' || text[3] == ' ')) {
        *value = UINT64_MAX;
        return true;
    }
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    v = strtoull(text, &end, 10);
    if (errno || (*end != '\0' && *end != '\n' && *end != ' '))
        return false;
    *value = v;
    return true;
}

bool cage_limits_parse_cpu(const char *text, double *cpus)
{
    const char *space = strchr(text, ' ');
    uint64_t quota, period;

    if (!space || !cage_limits_parse_value(text, &quota) || !cage_limits_parse_value(space + 1, &period) ||
        period == 0)
        return false;
    *cpus = quota == UINT64_MAX ? INFINITY : (double)quota / (double)period;
    return true;
}

char *cage_limits_parse_own(const char *text)
{
    while (text && *text) {
        size_t n = strcspn(text, "\n");

        if (n > 3 && strncmp(text, "0::/", 4) == 0)
            return cage_strndup(text + 3, n - 3);
        text += n + (text[n] == '\n');
    }
    return NULL;
}
