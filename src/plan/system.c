/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `system = true`: the host's programs and libraries, read-only; and /bin/sh and /usr/bin/env without it. */
#include "base/mem.h"
#include "base/path.h"
#include "plan/planner.h"

#include <string.h>

/* With a merged /usr most of these are symlinks: they are made again as such. */
static const char *const top[] = {"/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"};

/*
 * Parts of /etc that programs of the system need and that hold nothing private. /etc/ssl and /etc/pki as a
 * whole do: their private keys are readable for root.
 */
static const char *const etc[] = {
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/crypto-policies",
    "/etc/fonts",
    "/etc/java",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/pki/ca-trust",
    "/etc/pki/java",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/protocols",
    "/etc/python3",
    "/etc/services",
    "/etc/shells",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/static",
    "/etc/terminfo",
};

static const char *const nixos[] = {"/run/current-system"};

static const char *const path_dirs[] = {"/run/current-system/sw/bin",
                                        "/usr/local/sbin",
                                        "/usr/local/bin",
                                        "/usr/sbin",
                                        "/usr/bin",
                                        "/sbin",
                                        "/bin"};

/* A symlink of the host's is made again, with an absolute target; a directory or file is bound. */
static int show(struct cage_planner *p, const char *path, struct cage_reason reason, struct cage_error *err)
{
    cage_autofree char *dir = cage_path_dirname(path);
    cage_autofree char *target = NULL;
    cage_autofree char *clean = NULL;
    struct cage_file_fact fact;

    if (p->host->lookup(p->host, path, &fact, NULL) < 0)
        return 0;
    if (fact.is_symlink && fact.type != CAGE_FILE_NONE) {
        target = cage_path_join(dir, fact.link_target);
        clean = cage_path_clean(target);
    }
    cage_file_fact_finish(&fact);
    if (clean) {
        cage_plan_add(p->plan, CAGE_OP_SYMLINK, clean, path, reason)->soft = true;
        return 0;
    }
    return cage_plan_bind(p, path, path, CAGE_BIND_OPTIONAL, reason, err) < 0 ? -1 : 0;
}

/* What system = true shows and the blacklist hides is a contradiction: the blacklist's line is named. */
static int check_blacklist(const struct cage_planner *p, const char *path, struct cage_error *err)
{
    const struct cage_hidden *hidden = cage_plan_hidden(p, path, NULL);

    if (!hidden)
        return 0;
    cage_config_error(p->config, hidden->mark, err, "the blacklist hides %s, which system = true shows",
                      path);
    return cage_error_hint(err, "take it out of the blacklist, or set system = false");
}

static int show_all(struct cage_planner *p, const char *const *paths, size_t n, struct cage_error *err)
{
    struct cage_reason reason = cage_rule_at("system", p->config->marks[CAGE_KEY_FS_SYSTEM]);

    for (size_t i = 0; i < n; i++)
        if (show(p, paths[i], reason, err) < 0)
            return -1;
    return 0;
}

static void add_path_dirs(struct cage_planner *p)
{
    for (size_t i = 0; i < CAGE_LEN(path_dirs); i++) {
        struct cage_file_fact fact;

        if (p->host->lookup(p->host, path_dirs[i], &fact, NULL) < 0)
            continue;
        /* With a merged /usr, /bin is /usr/bin once more. */
        if (fact.type == CAGE_FILE_DIR && (!fact.is_symlink || i == 0))
            cage_strv_add(&p->host_path, path_dirs[i]);
        cage_file_fact_finish(&fact);
    }
}

/* NixOS keeps its system in the store: all of it must then be seen. */
static int add_nixos(struct cage_planner *p, struct cage_error *err)
{
    struct cage_file_fact fact;
    bool there;

    if (p->host->lookup(p->host, nixos[0], &fact, NULL) < 0)
        return 0;
    there = fact.type == CAGE_FILE_DIR;
    cage_file_fact_finish(&fact);
    if (!there)
        return 0;
    if (show_all(p, nixos, CAGE_LEN(nixos), err) < 0)
        return -1;
    if (p->plan->limit_store)
        cage_strv_add(&p->plan->warnings,
                      "system = true on NixOS shows the whole store: store_view = \"closure\" has no effect");
    p->plan->limit_store = false;
    if (p->nix)
        return 0;
    return cage_plan_bind(p, "/nix/store", "/nix/store", 0,
                          cage_rule_at("system", p->config->marks[CAGE_KEY_FS_SYSTEM]), err) < 0
               ? -1
               : 0;
}

/* The two paths that scripts of the whole world begin with. */
static void add_interpreters(struct cage_planner *p)
{
    cage_autofree char *env = cage_plan_find_tool(p, "env");
    struct cage_reason reason = cage_rule("for scripts");

    cage_plan_add(p->plan, CAGE_OP_SYMLINK, p->nix->bash, "/bin/sh", reason)->soft = true;
    if (env)
        cage_plan_add(p->plan, CAGE_OP_SYMLINK, env, "/usr/bin/env", reason)->soft = true;
}

int cage_plan_add_system(struct cage_planner *p, struct cage_error *err)
{
    if (p->nix)
        add_interpreters(p);
    if (!p->config->system)
        return 0;
    for (size_t i = 0; i < CAGE_LEN(top); i++)
        if (check_blacklist(p, top[i], err) < 0)
            return -1;
    if (show_all(p, top, CAGE_LEN(top), err) < 0 || show_all(p, etc, CAGE_LEN(etc), err) < 0)
        return -1;
    add_path_dirs(p);
    return add_nixos(p, err);
}
