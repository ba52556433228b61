/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as a rule, and as a host name against the rule. */
#include "base/mem.h"
#include "net/judge.h"
#include "net/rules.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_name(const struct cage_rule *rule)
{
    struct cage_rules rules = {.items = (struct cage_rule *)(uintptr_t)rule, .n = 1, .alloc = 1};
    char below[CAGE_HOSTNAME_SIZE + 2];
    (void)snprintf(below, sizeof(below), "x.%s", rule->name);
    if (cage_rules_know_name(&rules, rule->name) != (rule->kind == CAGE_RULE_NAME))
        abort();
    if (cage_rules_know_name(&rules, below) != (rule->kind == CAGE_RULE_BELOW))
        abort();
    (void)snprintf(below, sizeof(below), "x%s", rule->name);
    if (cage_rules_know_name(&rules, below))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    cage_autofree char *text = cage_strndup((const char *)data, n);
    struct cage_rule rule;

    if (cage_rule_parse(text, &rule))
        return 0;
    if (rule.kind == CAGE_RULE_ADDR) {
        if (cage_judge_is_loopback(&rule.addr) || cage_rules_in_range(&rule.addr))
            abort();
        return 0;
    }
    check_name(&rule);
    return 0;
}
