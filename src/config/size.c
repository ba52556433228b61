/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "config/convert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool wrong(struct cage_objection *why, const char *what, const char *fix)
{
    why->what = what;
    why->fix = fix;
    return false;
}

/* Digits with at most one dot between them; returns the end, or NULL. */
static const char *scan_number(const char *text)
{
    size_t whole = strspn(text, "0123456789"), fraction;

    if (whole == 0 || whole > 18)
        return NULL;
    text += whole;
    if (*text != '.')
        return text;
    fraction = strspn(text + 1, "0123456789");
    return fraction && fraction <= 18 ? text + 1 + fraction : NULL;
}

/* Binary multiples, as systemd.resource-control(5) reads them. */
static double multiplier(const char *suffix)
{
    static const struct {
        const char *suffix;
        double bytes;
    } units[] = {
        {"", 1},         {"K", 0x1p10},   {"M", 0x1p20},   {"G", 0x1p30},   {"T", 0x1p40},
        {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40},
    };

    for (size_t i = 0; i < CAGE_LEN(units); i++)
        if (strcasecmp(suffix, units[i].suffix) == 0)
            return units[i].bytes;
    return 0;
}

bool cage_config_parse_size(const char *text, uint64_t *bytes, double *percent, struct cage_objection *why)
{
    const double least = 16 * 0x1p20, most = 0x1p60;
    const char *end = scan_number(text);
    double number = end ? strtod(text, NULL) : 0;

    *bytes = 0;
    *percent = 0;
    if (!*text || strcmp(text, "0") == 0)
        return true;
    if (!end)
        return wrong(why, "it does not begin with a number",
                     "Write a size such as \"4G\", \"512M\" or \"50%\"");
    if (strcmp(end, "%") == 0) {
        if (number < 1 || number > 100)
            return wrong(why, "it is not between 1% and 100%", "Write a share of the memory such as \"50%\"");
        *percent = number;
        return true;
    }
    if (strcasecmp(end, "KB") == 0 || strcasecmp(end, "MB") == 0 || strcasecmp(end, "GB") == 0)
        return wrong(why, "its unit is ambiguous", "Write K, M, G or T, which count in 1024s: \"4G\"");
    if (multiplier(end) <= 0)
        return wrong(why, "its unit is unknown", "Write K, M, G or T, which count in 1024s: \"4G\"");
    number *= multiplier(end);
    if (number < least)
        return wrong(why, "no program starts with less than 16M",
                     "Write a size with its unit, such as \"4G\"");
    if (number > most)
        return wrong(why, "it is too large", "Write a size such as \"4G\"");
    *bytes = (uint64_t)llround(number);
    return true;
}
