/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Nix store in the cage: mounts and NIX_REMOTE by mode. Without a setting of NIX_REMOTE, Nix since 2.2x
 * would quietly make a store of its own in the home directory. */
#include "base/mem.h"
#include "base/path.h"
#include "plan/planner.h"

#include <string.h>

#define DAEMON_DIR "/nix/var/nix/daemon-socket"

enum { ABI_REFER = 2 };

char *cage_plan_store_host_path(const struct cage_planner *p, const char *store_path)
{
    if (!cage_path_is_under(store_path, "/nix"))
        return cage_strdup(store_path);
    return cage_format("%s%s", p->nix->store_root, store_path + strlen("/nix"));
}

char *cage_plan_find_tool(const struct cage_planner *p, const char *name)
{
    const char *path_value = cage_env_get(&p->nix->env, "PATH");
    cage_autofree char *copy = cage_strdup(path_value);
    char *save = NULL;

    for (char *dir = copy ? strtok_r(copy, ":", &save) : NULL; dir; dir = strtok_r(NULL, ":", &save)) {
        cage_autofree char *tool = cage_path_join(dir, name);
        cage_autofree char *on_host = cage_plan_store_host_path(p, tool);
        struct cage_file_fact fact;
        bool found;

        if (dir[0] != '/' || p->host->lookup(p->host, on_host, &fact, NULL) < 0)
            continue;
        /* In a copied store absolute symlinks lead to places that only the cage has. */
        found = fact.type == CAGE_FILE_REGULAR || fact.is_symlink;
        cage_file_fact_finish(&fact);
        if (found)
            return cage_steal(&tool);
    }
    return NULL;
}

bool cage_plan_has_daemon(const struct cage_host *host)
{
    struct cage_file_fact fact;
    bool found;

    if (host->lookup(host, DAEMON_DIR "/socket", &fact, NULL) < 0)
        return false;
    found = fact.type == CAGE_FILE_OTHER;
    cage_file_fact_finish(&fact);
    return found;
}

static int set_remote(struct cage_planner *p, const char *value, struct cage_reason reason)
{
    cage_plan_setenv(p->plan, "NIX_REMOTE", value, false, reason);
    return 0;
}

static int add_shared(struct cage_planner *p, struct cage_reason reason, struct cage_error *err)
{
    if (!cage_plan_has_daemon(p->host)) {
        cage_strv_add(&p->plan->warnings,
                      "store_mode = \"shared\": the cage can write the host's Nix store and profiles");
        set_remote(p, "local", reason);
        return cage_plan_bind(p, p->nix->store_root, "/nix", CAGE_BIND_RW, reason, err) < 0 ? -1 : 0;
    }
    cage_strv_add(&p->plan->warnings,
                  "store_mode = \"shared\": the cage talks to the Nix daemon, which builds outside the cage");
    set_remote(p, "daemon", reason);
    if (cage_plan_bind(p, "/nix/store", "/nix/store", 0, reason, err) < 0)
        return -1;
    return cage_plan_bind(p, DAEMON_DIR, DAEMON_DIR, 0, reason, err) < 0 ? -1 : 0;
}

static int add_private(struct cage_planner *p, struct cage_reason reason, struct cage_error *err)
{
    set_remote(p, "local", reason);
    return cage_plan_bind(p, p->nix->store_root, "/nix", CAGE_BIND_RW, reason, err) < 0 ? -1 : 0;
}

/* Landlock lets only the closure be opened; a host without it must say so rather than show everything. */
static int limit_view(struct cage_planner *p, struct cage_error *err)
{
    struct cage_mark mark = p->config->marks[CAGE_KEY_NIX_STORE_VIEW];
    const struct cage_strv *closure = &p->nix->closure;

    if (p->config->store_view != CAGE_VIEW_CLOSURE)
        return 0;
    if (p->host->landlock_abi < ABI_REFER) {
        cage_config_error(p->config, mark, err,
                          "store_view = \"closure\" needs Landlock ABI %d (Linux 5.19); this kernel has %d",
                          ABI_REFER, p->host->landlock_abi);
        return cage_error_hint(
            err, "boot with lsm=landlock,... or a newer kernel, or set store_view = \"full\" in [nix]");
    }
    p->plan->limit_store = true;
    for (size_t i = 0; i < closure->n; i++)
        cage_strv_add(&p->plan->store_paths, closure->items[i]);
    return 0;
}

static int add_readonly(struct cage_planner *p, struct cage_reason reason, struct cage_error *err)
{
    cage_autofree char *store = cage_path_join(p->nix->store_root, "store");

    set_remote(p, "unix:///nixcage-store-is-readonly", reason);
    if (cage_plan_bind(p, store, "/nix/store", 0, reason, err) < 0)
        return -1;
    return limit_view(p, err);
}

int cage_plan_add_store(struct cage_planner *p, struct cage_error *err)
{
    static const struct {
        int (*add)(struct cage_planner *p, struct cage_reason reason, struct cage_error *err);
        const char *rule;
    } modes[] = {
        [CAGE_STORE_SHARED] = {add_shared, "store_mode shared"},
        [CAGE_STORE_READONLY] = {add_readonly, "store_mode readonly"},
        [CAGE_STORE_COPY] = {add_private, "store_mode copy"},
        [CAGE_STORE_ISOLATED] = {add_private, "store_mode isolated"},
    };
    enum cage_store_mode mode = p->config->store_mode;
    struct cage_reason reason = cage_rule_at(modes[mode].rule, p->config->marks[CAGE_KEY_NIX_STORE_MODE]);

    if (!p->nix)
        return 0;
    if (modes[mode].add(p, reason, err) < 0)
        return -1;
    if (p->nix->attrs_dir && p->nix->attrs_dest)
        return cage_plan_bind(p, p->nix->attrs_dir, p->nix->attrs_dest, 0, cage_rule("package attributes"),
                              err) < 0
                   ? -1
                   : 0;
    return 0;
}
