/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules of `hosts`: the one parser and the one comparison. Pure. */
#ifndef CAGE_NET_RULES_H
#define CAGE_NET_RULES_H

#include "base/error.h"
#include "net/addr.h"
#include "net/hostname.h"

#include <stdbool.h>
#include <stdint.h>

/* The gate's own addresses in the cage (RFC 2544, never routed on the Internet) and its resolver. */
#define CAGE_GATE_RANGE "198.18.0.0/15"
#define CAGE_GATE_RESOLVER "198.18.0.1"
#define CAGE_GATE_RANGE_BITS 0xc6120000U
#define CAGE_GATE_RANGE_MASK 0xfffe0000U

enum { CAGE_RULES_MAX = 1024, CAGE_RULES_MAX_PORTS = 128 };

enum cage_rule_kind {
    CAGE_RULE_NAME,  /* this name */
    CAGE_RULE_BELOW, /* "*.name": any name below it, at any depth */
    CAGE_RULE_ADDR,  /* this address */
};

struct cage_rule {
    enum cage_rule_kind kind;
    uint16_t port; /* 0: 80 and 443 */
    char name[CAGE_HOSTNAME_SIZE];
    struct cage_addr addr;
};

struct cage_rules {
    struct cage_rule *items;
    size_t n, alloc;
};

/*
 * Reads one rule: name, *.name, name:port, an IPv4 address or a bracketed IPv6 address, each with an optional
 * port. Returns NULL, or what is wrong with it (a static string that fits after "hosts: "): also for loopback
 * (host_ports is for that), multicast and unspecified addresses and the gate's own range.
 */
const char *cage_rule_parse(const char *text, struct cage_rule *rule);

/* As cage_rule_parse() without the result; fits struct cage_schema_entry.check. */
const char *cage_rule_check(const char *text);

/* Makes an empty list. */
void cage_rules_init(struct cage_rules *rules);

/* Frees the list, which is empty then. */
void cage_rules_finish(struct cage_rules *rules);

/* Parses and appends one rule. */
int cage_rules_add(struct cage_rules *rules, const char *text, struct cage_error *err) CAGE_MUST_CHECK;

/* Whether any port of this canonical name is allowed. */
bool cage_rules_know_name(const struct cage_rules *rules, const char *name);

/* Whether this port of the canonical name is allowed. */
bool cage_rules_allow_name(const struct cage_rules *rules, const char *name, uint16_t port);

/* Whether this port of the address is allowed by a rule for just that address. */
bool cage_rules_allow_addr(const struct cage_rules *rules, const struct cage_addr *addr, uint16_t port);

/*
 * The different ports of all rules, ascending, into ports; returns their number, at most
 * CAGE_RULES_MAX_PORTS, or -1 when there are more.
 */
int cage_rules_ports(const struct cage_rules *rules, uint16_t ports[CAGE_RULES_MAX_PORTS]);

/* Whether the address lies in the gate's own range. */
bool cage_rules_in_range(const struct cage_addr *addr);

#endif
