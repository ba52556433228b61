/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/path.h"
#include "base/utf8.h"
#include "plan/explain.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA_VERSION = 1 };

/* JSON has only Unicode: bytes of a path that are not UTF-8 become "\xNN". NULL becomes null. */
static json_t *text(const char *s)
{
    CAGE_STRBUF_AUTO printable = {0};

    if (!s)
        return json_null();
    if (cage_utf8_valid(s))
        return json_string(s);
    cage_strbuf_init(&printable);
    cage_strbuf_add_printable(&printable, s);
    return json_string(printable.buf);
}

static void put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) < 0)
        abort(); /* out of memory, as everywhere */
}

static void append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) < 0)
        abort();
}

static json_t *strings(const struct cage_strv *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->n; i++)
        append(array, text(list->items[i]));
    return array;
}

static json_t *reason(const struct cage_reason *r, const struct cage_config *config)
{
    json_t *object = json_object();

    put(object, "rule", text(r->rule));
    if (r->mark.line > 0) {
        put(object, "file", text(config->file ? config->file : "nixcage.toml"));
        put(object, "line", json_integer(r->mark.line));
        put(object, "column", json_integer(r->mark.column));
    }
    return object;
}

static json_t *mounts(const struct cage_plan *plan, const struct cage_config *config)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->n_ops; i++) {
        const struct cage_op *op = &plan->ops[i];
        json_t *object = json_object();

        put(object, "kind", text(cage_plan_op_text(op)));
        put(object, "path", text(op->dest));
        if (op->source)
            put(object, "source", text(op->source));
        put(object, "reason", reason(&op->reason, config));
        append(array, object);
    }
    return array;
}

static json_t *environment(const struct cage_plan *plan, const struct cage_config *config)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->n_env; i++) {
        json_t *object = json_object();

        put(object, "name", text(plan->env[i].name));
        put(object, "secret", json_boolean(plan->env[i].secret));
        put(object, "reason", reason(&plan->env[i].reason, config));
        append(array, object);
    }
    return array;
}

static json_t *protected_paths(const struct cage_plan *plan, const struct cage_config *config)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->n_protected; i++) {
        json_t *object = json_object();

        put(object, "path", text(plan->protected_paths[i].path));
        put(object, "state", text(cage_protected_text(&plan->protected_paths[i])));
        put(object, "reason", reason(&plan->protected_paths[i].reason, config));
        append(array, object);
    }
    return array;
}

static json_t *limits(const struct cage_plan *plan, const struct cage_config *config)
{
    json_t *object = json_object();

    put(object, "cpus", config->cpus > 0 ? json_real(config->cpus) : json_null());
    put(object, "memory", config->memory > 0 ? json_integer((json_int_t)config->memory) : json_null());
    put(object, "memory_percent",
        config->memory_percent > 0 ? json_real(config->memory_percent) : json_null());
    put(object, "pids", config->pids > 0 ? json_integer((json_int_t)config->pids) : json_null());
    put(object, "enforce", text(cage_enforce_name(config->enforce)));
    if (plan->limits_held)
        put(object, "held_by", text(plan->limits_held));
    if (config->cpus > 0 && plan->limits_how[CAGE_LIMIT_CPUS])
        put(object, "cpus_held_by", text(plan->limits_how[CAGE_LIMIT_CPUS]));
    if ((config->memory > 0 || config->memory_percent > 0) && plan->limits_how[CAGE_LIMIT_MEMORY])
        put(object, "memory_held_by", text(plan->limits_how[CAGE_LIMIT_MEMORY]));
    if (config->pids > 0 && plan->limits_how[CAGE_LIMIT_PIDS])
        put(object, "pids_held_by", text(plan->limits_how[CAGE_LIMIT_PIDS]));
    return object;
}

static json_t *ports(const uint16_t *items, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++)
        append(array, json_integer(items[i]));
    return array;
}

static json_t *network(const struct cage_plan *plan, const struct cage_config *config)
{
    json_t *object = json_object();

    put(object, "mode", text(cage_net_mode_name(plan->net)));
    put(object, "reason", reason(&plan->net_reason, config));
    put(object, "hosts", strings(&plan->gate.hosts));
    put(object, "expose", ports(plan->gate.expose, plan->gate.n_expose));
    put(object, "host_ports", ports(plan->gate.host_ports, plan->gate.n_host_ports));
    return object;
}

static json_t *store(const struct cage_plan *plan)
{
    json_t *object = json_object();
    bool shown = cage_plan_getenv(plan, "NIX_REMOTE") != NULL;

    put(object, "mode", text(cage_store_mode_name(plan->store_mode)));
    put(object, "view", text(!shown ? "none" : plan->limit_store ? "closure" : "full"));
    put(object, "paths", strings(&plan->store_paths));
    return object;
}

static json_t *landlock(const struct cage_plan *plan)
{
    json_t *object = json_object();

    put(object, "store_view", json_boolean(plan->limit_store));
    put(object, "abstract_sockets", json_boolean(plan->scope_abstract));
    put(object, "signals", json_boolean(plan->scope_signal));
    return object;
}

void cage_plan_explain_json(const struct cage_plan *plan, const struct cage_config *config,
                            struct cage_strbuf *out)
{
    json_t *root = json_object();
    char *dump;

    put(root, "version", json_integer(SCHEMA_VERSION));
    put(root, "level", text(cage_level_name(plan->level)));
    put(root, "project", text(plan->project_root));
    put(root, "cwd", text(plan->cwd));
    put(root, "command", strings(&plan->argv));
    put(root, "network", network(plan, config));
    put(root, "store", store(plan));
    put(root, "mounts", mounts(plan, config));
    put(root, "environment", environment(plan, config));
    put(root, "protected", protected_paths(plan, config));
    put(root, "limits", limits(plan, config));
    put(root, "landlock", landlock(plan));
    put(root, "warnings", strings(&plan->warnings));
    dump = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    if (!dump)
        abort();
    cage_strbuf_add_json(out, dump);
    cage_strbuf_addc(out, '\n');
    free(dump);
}
