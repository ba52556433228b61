/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asked for and cannot be had, in one table: the cage is never quietly weaker than its plan. */
#include "base/mem.h"
#include "plan/planner.h"

#include <string.h>

enum { ABI_SCOPES = 6 };

/* A user namespace that maps uid 0 of its parent needs CAP_SETFCAP there (user_namespaces(7)), which every
 * cage drops. */
static bool is_nested_root(const struct cage_planner *p)
{
    return p->config->nested && p->host->uid == 0;
}

/*
 * On a shared network the host's abstract sockets (X11, D-Bus) can be reached, whatever is mounted; only a
 * Landlock scope closes them (unix(7), landlock(7)).
 */
static bool cannot_scope(const struct cage_planner *p)
{
    return p->plan->net == CAGE_NET_HOST && p->host->landlock_abi < ABI_SCOPES;
}

static const struct {
    enum cage_key key;
    bool (*wanted)(const struct cage_planner *p);
    const char *message, *hint;
} rows[] = {
    {CAGE_KEY_SANDBOX_NESTED, is_nested_root, "nested = true is not supported for root",
     "run nixcage as an ordinary user, or take nested away"},
    {CAGE_KEY_NET_ALLOW, cannot_scope,
     "this kernel cannot keep the cage from the host's abstract sockets (X11, D-Bus) on a shared network: "
     "Landlock ABI 6 (Linux 6.12) is needed",
     "boot a newer kernel, with landlock among its security modules, or name hosts, or set allow = false in "
     "[sandbox.network]"},
};

static uint16_t *copy_ports(const struct cage_ports *ports, size_t *n)
{
    uint16_t *copy = cage_alloc(ports->n * sizeof *copy);

    for (size_t i = 0; i < ports->n; i++)
        copy[i] = ports->items[i].port;
    *n = ports->n;
    return copy;
}

/* On a network of its own the cage has nothing but what these let through. */
static void add_gate(struct cage_planner *p)
{
    const struct cage_config *config = p->config;
    struct cage_plan_gate *gate = &p->plan->gate;

    p->plan->net = CAGE_NET_GATE;
    gate->names = config->hosts.set && config->hosts.n > 0;
    for (size_t i = 0; i < config->hosts.n; i++)
        cage_strv_add(&gate->hosts, config->hosts.items[i].value);
    gate->expose = copy_ports(&config->expose, &gate->n_expose);
    gate->host_ports = copy_ports(&config->host_ports, &gate->n_host_ports);
}

void cage_plan_choose_network(struct cage_planner *p)
{
    const struct cage_config *config = p->config;
    struct cage_plan *plan = p->plan;

    plan->net = CAGE_NET_HOST;
    plan->net_reason = cage_rule_at("allow", config->marks[CAGE_KEY_NET_ALLOW]);
    if (config->level == CAGE_LEVEL_STRICT) {
        plan->net = CAGE_NET_NONE;
        plan->net_reason = cage_rule_at("level strict", config->marks[CAGE_KEY_SANDBOX_LEVEL]);
    } else if (!config->net_allow) {
        plan->net = CAGE_NET_NONE;
    } else if (config->hosts.set) {
        plan->net = CAGE_NET_NONE;
        plan->net_reason = cage_rule_at("hosts", config->hosts.mark);
    }
    if (plan->net == CAGE_NET_NONE && (config->hosts.n || config->expose.n || config->host_ports.n))
        add_gate(p);
}

struct cage_limits cage_plan_limits(const struct cage_config *config, const struct cage_host *host)
{
    struct cage_limits limits = {.cpus = config->cpus, .memory = config->memory, .pids = config->pids};

    if (config->memory_percent > 0)
        limits.memory = (uint64_t)((double)host->memory * config->memory_percent / 100);
    return limits;
}

int cage_plan_check_supported(struct cage_planner *p, struct cage_error *err)
{
    cage_plan_choose_network(p);
    for (size_t i = 0; i < CAGE_LEN(rows); i++) {
        if (!rows[i].wanted(p))
            continue;
        cage_config_error(p->config, p->config->marks[rows[i].key], err, "%s", rows[i].message);
        return cage_error_hint(err, "%s", rows[i].hint);
    }
    p->plan->limits = cage_plan_limits(p->config, p->host);
    p->plan->scope_signal = p->host->landlock_abi >= ABI_SCOPES;
    p->plan->scope_abstract = p->host->landlock_abi >= ABI_SCOPES;
    if (!p->plan->scope_signal && strcmp(p->host->os, "linux") == 0)
        cage_strv_add(
            &p->plan->warnings,
            "this kernel has no Landlock ABI 6 (Linux 6.12): the cage can signal the process group that "
            "nixcage is started in (the other programs of a pipeline, a script)");
    return 0;
}
