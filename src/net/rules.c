/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/rules.h"

#include "base/mem.h"
#include "net/judge.h"

#include <stdlib.h>
#include <string.h>

/* Digits only, 1 to 65535; 0 for anything else. */
static uint16_t parse_port(const char *text)
{
    size_t n = strlen(text);
    if (n == 0 || n > 5 || strspn(text, "0123456789") != n)
        return 0;
    unsigned long port = strtoul(text, NULL, 10);
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static const char *check_addr(const struct cage_addr *addr)
{
    if (cage_judge_is_loopback(addr))
        return "loopback addresses are reached with host_ports";
    if (cage_judge_is_never_host(addr))
        return "is not the address of a host";
    if (cage_rules_in_range(addr))
        return "198.18.0.0/15 is used by nixcage itself in the cage";
    return NULL;
}

static const char *parse_literal(const char *text, size_t n, struct cage_rule *rule)
{
    char copy[CAGE_ADDR_TEXT];
    if (n >= sizeof(copy))
        return "is not an IP address";
    memcpy(copy, text, n);
    copy[n] = '\0';
    if (!cage_addr_parse(copy, &rule->addr))
        return "is not an IP address";
    struct cage_addr inner;
    if (cage_judge_unmap(&rule->addr, &inner))
        return "write an IPv4 address as such";
    rule->kind = CAGE_RULE_ADDR;
    return check_addr(&rule->addr);
}

static const char *parse_name(const char *text, size_t n, struct cage_rule *rule)
{
    rule->kind = CAGE_RULE_NAME;
    if (n == 1 && text[0] == '*')
        return "for every host use allow = true and no hosts";
    if (n > 2 && text[0] == '*' && text[1] == '.') {
        rule->kind = CAGE_RULE_BELOW;
        text += 2;
        n -= 2;
    }
    if (memchr(text, '*', n))
        return "\"*\" may only stand for whole labels at the start, as in \"*.example.org\"";
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] >= 0x80)
            return "write an internationalised name in its ASCII form (xn--...)";
    }
    if (!cage_hostname_parse(text, n, rule->name))
        return "is not a host name";
    if (strcmp(rule->name, "localhost") == 0 || cage_hostname_is_below(rule->name, "localhost"))
        return "localhost is reached with host_ports";
    return NULL;
}

/* Finds where the port starts (after the colon), or NULL; sets the length of what is before it. */
static const char *split_port(const char *text, size_t *n, const char **reason)
{
    const char *colon = strrchr(text, ':');
    *n = strlen(text);
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        if (!end || (end[1] != '\0' && end[1] != ':')) {
            *reason = "is not an IPv6 address in brackets";
            return NULL;
        }
        *n = (size_t)(end - text) + 1;
        return end[1] ? end + 2 : NULL;
    }
    if (!colon)
        return NULL;
    if (strchr(text, ':') != colon) {
        *reason = "write an IPv6 address in brackets, as in \"[2001:db8::1]:443\"";
        return NULL;
    }
    *n = (size_t)(colon - text);
    return colon + 1;
}

const char *cage_rule_parse(const char *text, struct cage_rule *rule)
{
    *rule = (struct cage_rule){0};
    if (strstr(text, "://") || strchr(text, '/'))
        return "write the host name only, as in \"example.org\" or \"example.org:8443\"";
    const char *reason = NULL;
    size_t n;
    const char *port = split_port(text, &n, &reason);
    if (reason)
        return reason;
    if (port && (rule->port = parse_port(port)) == 0)
        return "the port must be a number from 1 to 65535";
    if (text[0] == '[') {
        reason = parse_literal(text + 1, n - 2, rule);
        return !reason && !rule->addr.v6 ? "only IPv6 addresses stand in brackets" : reason;
    }
    if (n > 0 && strspn(text, "0123456789.") == n)
        return parse_literal(text, n, rule);
    return parse_name(text, n, rule);
}

const char *cage_rule_check(const char *text)
{
    struct cage_rule rule;
    return cage_rule_parse(text, &rule);
}

void cage_rules_init(struct cage_rules *rules)
{
    *rules = (struct cage_rules){0};
}

void cage_rules_finish(struct cage_rules *rules)
{
    free(rules->items);
    *rules = (struct cage_rules){0};
}

int cage_rules_add(struct cage_rules *rules, const char *text, struct cage_error *err)
{
    struct cage_rule rule;
    const char *reason = cage_rule_parse(text, &rule);
    if (reason) {
        cage_error_set(err, CAGE_ERR_CONFIG, "hosts: \"%s\": %s", text, reason);
        return cage_error_hint(
            err, "write a name or an address, as in example.org, *.example.org:443, 192.0.2.1:22");
    }
    if (rules->n == CAGE_RULES_MAX) {
        cage_error_set(err, CAGE_ERR_CONFIG, "hosts: more than %d entries", CAGE_RULES_MAX);
        return cage_error_hint(err, "take some out; *.example.com covers every host of a domain");
    }
    if (rules->n == rules->alloc) {
        rules->alloc = rules->alloc ? rules->alloc * 2 : 8;
        rules->items = cage_realloc_array(rules->items, rules->alloc, sizeof(*rules->items));
    }
    rules->items[rules->n++] = rule;
    return 0;
}

static bool name_matches(const struct cage_rule *rule, const char *name)
{
    if (rule->kind == CAGE_RULE_NAME)
        return strcmp(rule->name, name) == 0;
    return rule->kind == CAGE_RULE_BELOW && cage_hostname_is_below(name, rule->name);
}

static bool port_matches(const struct cage_rule *rule, uint16_t port)
{
    return rule->port ? rule->port == port : port == 80 || port == 443;
}

bool cage_rules_know_name(const struct cage_rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->n; i++) {
        if (name_matches(&rules->items[i], name))
            return true;
    }
    return false;
}

bool cage_rules_allow_name(const struct cage_rules *rules, const char *name, uint16_t port)
{
    for (size_t i = 0; i < rules->n; i++) {
        if (name_matches(&rules->items[i], name) && port_matches(&rules->items[i], port))
            return true;
    }
    return false;
}

bool cage_rules_allow_addr(const struct cage_rules *rules, const struct cage_addr *addr, uint16_t port)
{
    for (size_t i = 0; i < rules->n; i++) {
        const struct cage_rule *rule = &rules->items[i];
        if (rule->kind == CAGE_RULE_ADDR && cage_addr_equal(&rule->addr, addr) && port_matches(rule, port))
            return true;
    }
    return false;
}

/* Inserts into the ascending list unless it is there; false when the list is full. */
static bool insert_port(uint16_t *ports, int *n, uint16_t port)
{
    int at = 0;
    while (at < *n && ports[at] < port)
        at++;
    if (at < *n && ports[at] == port)
        return true;
    if (*n == CAGE_RULES_MAX_PORTS)
        return false;
    memmove(ports + at + 1, ports + at, (size_t)(*n - at) * sizeof(*ports));
    ports[at] = port;
    (*n)++;
    return true;
}

int cage_rules_ports(const struct cage_rules *rules, uint16_t ports[CAGE_RULES_MAX_PORTS])
{
    int n = 0;
    for (size_t i = 0; i < rules->n; i++) {
        uint16_t port = rules->items[i].port;
        bool ok =
            port ? insert_port(ports, &n, port) : insert_port(ports, &n, 80) && insert_port(ports, &n, 443);
        if (!ok)
            return -1;
    }
    return n;
}

bool cage_rules_in_range(const struct cage_addr *addr)
{
    return !addr->v6 && (cage_addr_bits(addr) & CAGE_GATE_RANGE_MASK) == CAGE_GATE_RANGE_BITS;
}
