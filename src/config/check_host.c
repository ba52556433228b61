/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host rules: the gate's own parser decides (two parsers would disagree one day); here are the ways out. */
#include "base/mem.h"
#include "config/check.h"
#include "net/rules.h"

#include <string.h>

/* What people write that is not a rule. The first whose test holds explains it. */
struct habit {
    bool (*test)(const char *value);
    struct cage_objection reason;
};

static bool is_empty(const char *value)
{
    return !*value;
}

static bool is_url(const char *value)
{
    return strstr(value, "://") != NULL;
}

static bool is_range(const char *value)
{
    const char *slash = strchr(value, '/');

    return slash && slash[1] && strspn(slash + 1, "0123456789") == strlen(slash + 1) &&
           strspn(value, "0123456789abcdefABCDEF.:[]") == (size_t)(slash - value);
}

static bool has_path(const char *value)
{
    return strchr(value, '/') != NULL;
}

static bool is_bare_v6(const char *value)
{
    const char *colon = strchr(value, ':');

    return value[0] != '[' && colon && strchr(colon + 1, ':');
}

static bool is_star(const char *value)
{
    return strcmp(value, "*") == 0;
}

static const struct habit habits[] = {
    {is_empty, {"it is empty", "Name a host, or write hosts = [] for none"}},
    {is_url, {"it is a URL", "Write the host name alone, such as \"api.anthropic.com\""}},
    {is_range, {"ranges of addresses are not supported", "List the addresses, or names"}},
    {has_path, {"a rule is about a host, not about a path on it", "Write the host name alone"}},
    {is_star, {"\"*\" alone would be every host", "Remove the hosts key to allow every host"}},
    {is_bare_v6,
     {"it has more than one colon", "Write an IPv6 address in brackets, such as \"[2001:db8::1]:443\""}},
};

bool cage_check_host(const char *value, struct cage_objection *why)
{
    struct cage_rule rule;

    if (!cage_check_text(value, why))
        return false;
    why->what = cage_rule_parse(value, &rule);
    if (!why->what)
        return true;
    why->fix =
        strstr(why->what, "host_ports")
            ? "List the port in host_ports instead"
            : "Write a name, *.name, an IPv4 address or an [IPv6 address], each with :PORT if it needs one";
    for (size_t i = 0; i < CAGE_LEN(habits); i++) {
        if (habits[i].test(value)) {
            *why = habits[i].reason;
            break;
        }
    }
    return false;
}
