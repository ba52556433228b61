/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `status`: what the project's configuration says. */
#include "base/mem.h"
#include "cli/enter.h"
#include "cli/json.h"
#include "cli/status.h"
#include "cli/status_running.h"
#include "config/dump.h"

#include <string.h>

/* The values of a list in one line, or `none`. */
static void add_list_row(struct cage_strbuf *out, const char *name, const struct cage_list *list,
                         const char *none)
{
    CAGE_STRBUF_AUTO value = {0};

    cage_strbuf_init(&value);
    for (size_t i = 0; i < list->n; i++)
        cage_strbuf_addf(&value, "%s%s", i ? ", " : "", list->items[i].value);
    cage_status_add_row(out, name, list->n ? value.buf : none);
}

static const char *network_name(const struct cage_config *config)
{
    bool none =
        !config->net_allow || config->level == CAGE_LEVEL_STRICT || (config->hosts.set && !config->hosts.n);

    return none ? "none" : config->hosts.set ? "hosts" : "host";
}

static void add_network(struct cage_strbuf *out, const struct cage_config *config)
{
    const char *name = network_name(config);

    if (strcmp(name, "hosts") == 0)
        add_list_row(out, "Network:", &config->hosts, "none");
    else
        cage_status_add_row(out,
                            "Network:", strcmp(name, "host") == 0 ? "all that this machine reaches" : "none");
}

/* As people write it: 67108864 is 64M. */
static void add_size(struct cage_strbuf *out, uint64_t bytes)
{
    static const char units[] = "KMGT";
    int unit = -1;

    while (unit < 3 && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    cage_strbuf_addf(out, "%llu", (unsigned long long)bytes);
    if (unit >= 0)
        cage_strbuf_addc(out, units[unit]);
}

static void add_limit(struct cage_strbuf *out, const struct cage_config *config, enum cage_key key,
                      const char *name)
{
    if (config->marks[key].line == 0)
        return;
    cage_strbuf_addf(out, "%s%s ", out->len ? ", " : "", name);
    if (key == CAGE_KEY_RES_MEMORY && config->memory > 0)
        add_size(out, config->memory);
    else
        cage_config_dump_value(config, cage_schema_entry(key), out);
}

static void add_limits(struct cage_strbuf *out, const struct cage_config *config)
{
    CAGE_STRBUF_AUTO value = {0};

    cage_strbuf_init(&value);
    add_limit(&value, config, CAGE_KEY_RES_CPUS, "cpus");
    add_limit(&value, config, CAGE_KEY_RES_MEMORY, "memory");
    add_limit(&value, config, CAGE_KEY_RES_PIDS, "pids");
    cage_status_add_row(out, "Limits:", value.len ? value.buf : "none");
}

/* The verdict; or why there is none, which run would fail with. */
static void judge(const struct cage_session *session, const char **text, char **problem)
{
    CAGE_TRUST_AUTO state = {0};
    struct cage_error err = {0};

    *text = "unusable";
    if (cage_trust_check(&session->host, &session->project, &session->config, &state, &err) == 0)
        *text = cage_trust_text(state.verdict);
    else
        *problem = cage_strdup(err.message);
}

static void add_trust(struct cage_strbuf *out, const struct cage_session *session)
{
    const char *text;
    cage_autofree char *problem = NULL;
    cage_autofree char *value = NULL;

    judge(session, &text, &problem);
    value = cage_format("%s%s", problem ? problem : text,
                        !problem && strcmp(text, "allowed") != 0 ? " (read nixcage.toml, then: nixcage allow)"
                                                                 : "");
    cage_status_add_row(out, "Trust:", value);
}

/* What the cage can do with which store; the view matters in readonly mode only. */
static char *store_text(const struct cage_config *config, const struct cage_host *host)
{
    const char *mode = cage_store_mode_name(config->store_mode);

    if (config->store_mode == CAGE_STORE_READONLY)
        return cage_format("%s (%s view)", mode, cage_store_view_name(config->store_view));
    if (config->store_mode != CAGE_STORE_SHARED)
        return cage_format("%s (a store of the project's own)", mode);
    return cage_format("%s (the whole store; %s)", mode,
                       cage_plan_has_daemon(host) ? "the Nix daemon builds outside the cage"
                                                  : "the cage can write it");
}

void cage_status_add_project(struct cage_strbuf *out, const struct cage_session *session)
{
    const struct cage_config *config = &session->config;
    cage_autofree char *store = store_text(config, &session->host);

    cage_status_add_row(out, "Level:", cage_level_name(config->level));
    cage_status_add_row(out, "Store:", store);
    add_network(out, config);
    if (config->shell[0])
        cage_status_add_row(out, "Shell:", config->shell);
    else
        add_list_row(out, "Packages:", &config->packages, "none");
    cage_status_add_row(out, "Pure:", config->pure ? "true" : "false");
    add_limits(out, config);
    add_trust(out, session);
    cage_status_add_running(out, session);
}

static json_t *network_json(const struct cage_config *config)
{
    json_t *network = json_object();

    json_object_set_new(network, "mode", json_string(network_name(config)));
    json_object_set_new(network, "hosts", config->hosts.set ? cage_json_list(&config->hosts) : json_null());
    json_object_set_new(network, "expose", cage_json_ports(&config->expose));
    json_object_set_new(network, "host_ports", cage_json_ports(&config->host_ports));
    return network;
}

/* Limits that are not set are null. A share of the machine's memory is turned into bytes. */
static json_t *limits_json(const struct cage_config *config, const struct cage_host *host)
{
    json_t *limits = json_object();
    uint64_t memory = config->memory;

    if (config->memory_percent > 0)
        memory = (uint64_t)((double)host->memory * config->memory_percent / 100);
    json_object_set_new(limits, "cpus", config->cpus > 0 ? json_real(config->cpus) : json_null());
    json_object_set_new(limits, "memory", memory ? json_integer((json_int_t)memory) : json_null());
    json_object_set_new(limits, "pids", config->pids ? json_integer((json_int_t)config->pids) : json_null());
    json_object_set_new(limits, "enforce", json_string(cage_enforce_name(config->enforce)));
    return limits;
}

void cage_status_add_project_json(json_t *root, const struct cage_session *session)
{
    cage_autofree char *problem = NULL;
    const char *trust;
    const struct cage_config *config = &session->config;

    json_object_set_new(root, "config", cage_json_text(session->project.config));
    json_object_set_new(root, "level", json_string(cage_level_name(config->level)));
    json_object_set_new(root, "store_mode", json_string(cage_store_mode_name(config->store_mode)));
    json_object_set_new(root, "store_view", json_string(cage_store_view_name(config->store_view)));
    json_object_set_new(root, "network", network_json(config));
    json_object_set_new(root, "packages", cage_json_list(&config->packages));
    json_object_set_new(root, "shell", config->shell[0] ? cage_json_text(config->shell) : json_null());
    json_object_set_new(root, "pure", json_boolean(config->pure));
    json_object_set_new(root, "limits", limits_json(config, &session->host));
    judge(session, &trust, &problem);
    json_object_set_new(root, "trust", json_string(trust));
    json_object_set_new(root, "running", cage_status_running_json(session));
}
