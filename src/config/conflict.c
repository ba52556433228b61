/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/conflict.h"
#include "base/mem.h"
#include "base/path.h"
#include "config/message.h"

#include <string.h>

static int hosts_without_network(const struct cage_config *c, struct cage_error *err)
{
    if (!c->hosts.set || c->net_allow)
        return 0;
    cage_config_error(c, c->hosts.mark, err, "hosts contradicts allow = false on line %d",
                      c->marks[CAGE_KEY_NET_ALLOW].line);
    return cage_error_hint(err, "Remove hosts for no network at all, or allow for these hosts only");
}

static int network_at_strict(const struct cage_config *c, struct cage_error *err)
{
    const struct {
        const char *name;
        bool used;
        struct cage_mark mark;
    } keys[] = {
        {"hosts", c->hosts.n > 0, c->hosts.mark},
        {"expose", c->expose.n > 0, c->expose.mark},
        {"host_ports", c->host_ports.n > 0, c->host_ports.mark},
    };

    for (size_t i = 0; c->level == CAGE_LEVEL_STRICT && i < CAGE_LEN(keys); i++) {
        if (!keys[i].used)
            continue;
        cage_config_error(c, keys[i].mark, err, "%s contradicts level = \"strict\", which has no network",
                          keys[i].name);
        return cage_error_hint(err, "Remove %s or use level = \"standard\"", keys[i].name);
    }
    return 0;
}

/* A relay and a program cannot both listen on one port of the cage's localhost. */
static int port_both_ways(const struct cage_config *c, struct cage_error *err)
{
    for (size_t i = 0; i < c->host_ports.n; i++) {
        for (size_t j = 0; j < c->expose.n; j++) {
            if (c->host_ports.items[i].port != c->expose.items[j].port)
                continue;
            cage_config_error(c, c->host_ports.items[i].mark, err, "port %d is in host_ports and in expose",
                              c->expose.items[j].port);
            return cage_error_hint(err, "Remove it from one of the two, or let one service use another port");
        }
    }
    return 0;
}

static int packages_and_shell(const struct cage_config *c, struct cage_error *err)
{
    if (c->packages.n == 0 || !*c->shell)
        return 0;
    cage_config_error(c, c->marks[CAGE_KEY_NIX_SHELL], err, "shell and packages are both set");
    return cage_error_hint(err, "Add the packages to the shell, or remove shell");
}

static int nested_and_closure(const struct cage_config *c, struct cage_error *err)
{
    if (!c->nested || c->store_mode != CAGE_STORE_READONLY || c->store_view != CAGE_VIEW_CLOSURE)
        return 0;
    cage_config_error(c, c->marks[CAGE_KEY_SANDBOX_NESTED], err,
                      "nested = true does not work with store_view = \"closure\": "
                      "its way of closing store paths (Landlock) also forbids mounts");
    return cage_error_hint(err, "Set store_view = \"full\" in [nix], or remove nested");
}

/* The same path in two lists that say different things about it. "?" and spelling do not make it another
 * path. */
static int path_in_both(const struct cage_config *c, const struct cage_list *a, const char *a_name,
                        const struct cage_list *b, const char *b_name, struct cage_error *err)
{
    for (size_t i = 0; i < a->n; i++) {
        size_t a_len = strlen(a->items[i].value) - (a->items[i].value[strlen(a->items[i].value) - 1] == '?');
        cage_autofree char *a_text = cage_strndup(a->items[i].value, a_len);
        cage_autofree char *one = cage_path_clean(a_text);

        for (size_t j = 0; j < b->n; j++) {
            const char *value = b->items[j].value;
            cage_autofree char *b_text =
                cage_strndup(value, strlen(value) - (value[strlen(value) - 1] == '?'));
            cage_autofree char *other = cage_path_clean(b_text);

            if (strcmp(one, other) != 0)
                continue;
            cage_config_error(c, b->items[j].mark, err, "%s is in %s and in %s", cage_quote(value).text,
                              a_name, b_name);
            return cage_error_hint(err, "Remove it from one of the two");
        }
    }
    return 0;
}

static int paths(const struct cage_config *c, struct cage_error *err)
{
    if (path_in_both(c, &c->ro_bind, "ro_bind", &c->rw_bind, "rw_bind", err) < 0 ||
        path_in_both(c, &c->protect, "protect", &c->unprotect, "unprotect", err) < 0 ||
        path_in_both(c, &c->ro_bind, "ro_bind", &c->blacklist, "blacklist", err) < 0)
        return -1;
    return path_in_both(c, &c->rw_bind, "rw_bind", &c->blacklist, "blacklist", err);
}

static int variable_twice(const struct cage_config *c, struct cage_error *err)
{
    /* The defaults give way to env; only what was written can contradict it. */
    if (!c->passthrough_env.set)
        return 0;
    for (size_t i = 0; i < c->passthrough_env.n; i++) {
        const char *name = c->passthrough_env.items[i].value;
        size_t n = strlen(name);

        for (size_t j = 0; j < c->env.n; j++) {
            if (strncmp(c->env.items[j].value, name, n) != 0 || c->env.items[j].value[n] != '=')
                continue;
            cage_config_error(c, c->env.items[j].mark, err,
                              "%s is set here and passed from the host by passthrough_env", name);
            return cage_error_hint(err, "Remove it from env or from passthrough_env");
        }
    }
    return 0;
}

int cage_config_check_conflicts(const struct cage_config *config, struct cage_error *err)
{
    static int (*const checks[])(const struct cage_config *, struct cage_error *) = {
        hosts_without_network, network_at_strict,  port_both_ways,
        packages_and_shell,    nested_and_closure, paths,
        variable_twice,
    };

    for (size_t i = 0; i < CAGE_LEN(checks); i++)
        if (checks[i](config, err) < 0)
            return -1;
    return 0;
}
