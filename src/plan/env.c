/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The environment of the cage, from the weakest source to the strongest: the host's (pure = false), the
 * packages', what nixcage sets, passthrough_env, env.
 */
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "config/schema.h"
#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Taken from the caller as they are: what nix-shell --pure keeps, without displays. */
static const char *const live[] = {
    "COLORTERM", "FORCE_COLOR", "LOGNAME",      "NO_COLOR",
    "PAGER",     "TERM",        "TERM_PROGRAM", "TERM_PROGRAM_VERSION",
    "TZ",        "http_proxy",  "https_proxy",  "ftp_proxy",
    "all_proxy", "no_proxy",
};

/* Values that may be shown although they come from the caller; "LC_" and the like are prefixes. */
static const char *const harmless[] = {"TERM", "COLORTERM", "LANG",   "LANGUAGE", "LC_",
                                       "TZ",   "EDITOR",    "VISUAL", "PAGER"};

/* Names of nixcage's own, which a configuration cannot set; and why not. */
static const struct {
    const char *name, *why;
} refused[] = {
    {"NIXCAGE_ACTIVE", "nixcage sets it"},
    {"NIXCAGE_ROOT", "nixcage sets it"},
    {"NIXCAGE_LEVEL", "nixcage sets it"},
    {"NIXCAGE_OS", "nixcage sets it"},
};

static char *name_of(const char *entry)
{
    return cage_strndup(entry, strcspn(entry, "="));
}

static const char *value_of(const char *entry)
{
    const char *equals = strchr(entry, '=');

    return equals ? equals + 1 : "";
}

static bool is_shown(const char *name, const char *value)
{
    for (size_t i = 0; i < CAGE_LEN(harmless); i++)
        if (strncmp(name, harmless[i], strlen(harmless[i])) == 0)
            return !cage_env_looks_secret(name, value);
    return false;
}

static void add_impure(struct cage_planner *p)
{
    struct cage_reason reason = cage_rule_at("pure = false", p->config->marks[CAGE_KEY_NIX_PURE]);

    for (size_t i = 0; !p->config->pure && i < p->host->env.n; i++) {
        const char *entry = p->host->env.items[i];
        cage_autofree char *name = name_of(entry);

        if (!cage_schema_env_name_ok(name) || cage_env_is_dropped(name) ||
            cage_env_looks_secret(name, value_of(entry)))
            continue;
        cage_plan_setenv(p->plan, name, value_of(entry), !is_shown(name, value_of(entry)), reason);
    }
}

/* nixpkgs' setup names certificates that are not there, to find impurities: ours are better. */
static bool is_placeholder(const char *entry)
{
    return strstr(entry, "_CERT_FILE=/no-cert-file.crt") != NULL;
}

static void add_packages(struct cage_planner *p)
{
    for (size_t i = 0; p->nix && i < p->nix->env.n; i++) {
        const char *entry = p->nix->env.items[i];
        cage_autofree char *name = name_of(entry);

        if (!is_placeholder(entry))
            cage_plan_setenv(p->plan, name, value_of(entry), false, cage_rule("packages"));
    }
}

static void add_live(struct cage_planner *p)
{
    struct cage_reason reason = cage_rule("as in the caller's environment");
    bool is_bash;
    cage_autofree char *shell = p->nix ? cage_strdup(p->nix->bash) : cage_plan_system_shell(p, &is_bash);

    for (size_t i = 0; i < CAGE_LEN(live); i++) {
        const char *value = cage_host_getenv(p->host, live[i]);

        /* A proxy's URL may hold a password. */
        if (value)
            cage_plan_setenv(p->plan, live[i], value, cage_env_looks_secret(live[i], value), reason);
    }
    cage_plan_setenv(p->plan, "HOME", p->home, false, cage_rule("home"));
    cage_plan_setenv(p->plan, "USER", p->host->user, false, cage_rule("user"));
    cage_plan_setenv(p->plan, "LOGNAME", p->host->user, false, cage_rule("user"));
    if (shell)
        cage_plan_setenv(p->plan, "SHELL", shell, false, cage_rule(p->nix ? "packages" : "system"));
}

/* XDG base directories: below .nixcage/local, unless something of the user's is shown at the usual place. */
static const struct {
    const char *name, *local, *usual;
} xdg[] = {
    {"XDG_CACHE_HOME", "cache", ".cache"},
    {"XDG_CONFIG_HOME", "config", ".config"},
    {"XDG_DATA_HOME", "data", ".local/share"},
    {"XDG_STATE_HOME", "state", ".local/state"},
};

static bool is_used(const struct cage_planner *p, const char *dir)
{
    for (size_t i = 0; i < p->plan->n_ops; i++) {
        const struct cage_op *op = &p->plan->ops[i];

        if (op->kind == CAGE_OP_BIND && op->reason.mark.line > 0 && cage_path_is_under(op->dest, dir))
            return true;
    }
    return false;
}

static void add_xdg(struct cage_planner *p)
{
    for (size_t i = 0; i < CAGE_LEN(xdg); i++) {
        cage_autofree char *usual = cage_path_join(p->home, xdg[i].usual);
        cage_autofree char *local = p->local ? cage_path_join(p->local, xdg[i].local) : NULL;
        /* The level relaxed is there for reading ~/.config; the other three must be writable. */
        bool real = p->config->level == CAGE_LEVEL_RELAXED && strcmp(xdg[i].local, "config") == 0;

        cage_plan_unsetenv(p->plan, xdg[i].name);
        if (local && !real && !is_used(p, usual))
            cage_plan_setenv(p->plan, xdg[i].name, local, false, cage_rule("persistent caches"));
    }
}

/*
 * Tools that keep what they download in a directory of their own, and do not heed the XDG base directories:
 * in an empty home directory they would download it again in every cage. What packages set stays.
 */
static const struct {
    const char *name, *local, *usual;
} caches[] = {
    {"BUN_INSTALL_CACHE_DIR", "cache/bun", ".bun"},
    {"CARGO_HOME", "data/cargo", ".cargo"},
    {"GOPATH", "data/go", "go"},
    {"GRADLE_USER_HOME", "data/gradle", ".gradle"},
    {"NUGET_PACKAGES", "cache/nuget", ".nuget"},
    {"npm_config_cache", "cache/npm", ".npm"},
};

static void add_caches(struct cage_planner *p)
{
    for (size_t i = 0; p->local && i < CAGE_LEN(caches); i++) {
        cage_autofree char *usual = cage_path_join(p->home, caches[i].usual);
        cage_autofree char *local = cage_path_join(p->local, caches[i].local);

        if (p->nix && cage_env_get(&p->nix->env, caches[i].name))
            continue;
        cage_plan_unsetenv(p->plan, caches[i].name);
        if (!is_used(p, usual))
            cage_plan_setenv(p->plan, caches[i].name, local, false, cage_rule("persistent caches"));
    }
}

static const char *const tmp_names[] = {"TMPDIR", "TMP", "TEMP", "TEMPDIR", "NIX_BUILD_TOP"};

static void add_directories(struct cage_planner *p)
{
    cage_autofree char *tmp = p->local ? cage_path_join(p->local, "tmp") : cage_strdup("/tmp");
    cage_autofree char *run =
        p->local ? cage_path_join(p->local, "run") : cage_format("/run/user/%ld", (long)p->host->uid);

    add_xdg(p);
    add_caches(p);
    for (size_t i = 0; i < CAGE_LEN(tmp_names); i++)
        cage_plan_setenv(p->plan, tmp_names[i], tmp, false, cage_rule("temporary files"));
    cage_plan_setenv(p->plan, "XDG_RUNTIME_DIR", run, false, cage_rule("run-time files"));
    if (!p->local)
        cage_plan_add(p->plan, CAGE_OP_DIR, NULL, run, cage_rule("run-time files"))->mode = 0700;
}

/* What is left of the host's PATH where its directories are seen in the cage. */
static void list_seen_path(struct cage_planner *p)
{
    cage_autofree char *path = p->config->pure ? NULL : cage_strdup(cage_host_getenv(p->host, "PATH"));
    char *save = NULL;

    for (char *dir = path ? strtok_r(path, ":", &save) : NULL; dir; dir = strtok_r(NULL, ":", &save)) {
        cage_autofree char *clean = cage_path_clean(dir);
        cage_autofree char *seen = NULL;

        if (dir[0] != '/' || cage_path_is_under(clean, "/nix") || cage_strv_has(&p->host_path, clean))
            continue;
        seen = cage_plan_host_path(p->plan, clean);
        if (seen && strcmp(seen, clean) == 0)
            cage_strv_add(&p->host_path, clean);
    }
}

static void add_path(struct cage_planner *p)
{
    const char *packages = p->nix ? cage_env_get(&p->nix->env, "PATH") : NULL;
    CAGE_STRBUF_AUTO path = {0};

    cage_strbuf_init(&path);
    list_seen_path(p);
    cage_strbuf_add(&path, packages ? packages : "");
    for (size_t i = 0; i < p->host_path.n; i++)
        cage_strbuf_addf(&path, "%s%s", path.len ? ":" : "", p->host_path.items[i]);
    cage_plan_setenv(p->plan, "PATH", path.buf, false,
                     cage_rule(p->host_path.n ? "packages, then the host's" : "packages"));
}

static void add_own(struct cage_planner *p)
{
    struct cage_reason reason = cage_rule("nixcage");

    cage_plan_setenv(p->plan, "NIXCAGE_ACTIVE", "cage", false, reason);
    cage_plan_setenv(p->plan, "NIXCAGE_ROOT", p->root, false, reason);
    cage_plan_setenv(p->plan, "NIXCAGE_LEVEL", cage_level_name(p->config->level), false, reason);
    cage_plan_setenv(p->plan, "NIXCAGE_OS", p->host->os, false, reason);
    /* Another bind may lie where the certificates would have been. */
    if (!p->ca_file || !cage_plan_covering(p->plan, p->ca_file))
        return;
    if (!cage_plan_getenv(p->plan, "SSL_CERT_FILE"))
        cage_plan_setenv(p->plan, "SSL_CERT_FILE", p->ca_file, false, cage_rule("CA certificates"));
    if (!cage_plan_getenv(p->plan, "NIX_SSL_CERT_FILE"))
        cage_plan_setenv(p->plan, "NIX_SSL_CERT_FILE", p->ca_file, false, cage_rule("CA certificates"));
}

static int check_name(const struct cage_planner *p, const char *key, const char *name, struct cage_mark mark,
                      struct cage_error *err)
{
    for (size_t i = 0; i < CAGE_LEN(refused); i++)
        if (strcmp(name, refused[i].name) == 0) {
            cage_config_error(p->config, mark, err, "%s: %s cannot be set: %s", key, name, refused[i].why);
            return cage_error_hint(err, "take it out; in the cage, a script can set it before the program");
        }
    return 0;
}

static int add_passthrough(struct cage_planner *p, struct cage_error *err)
{
    for (size_t i = 0; i < p->config->passthrough_env.n; i++) {
        const struct cage_item *item = &p->config->passthrough_env.items[i];
        const char *value = cage_host_getenv(p->host, item->value);

        if (check_name(p, "passthrough_env", item->value, item->mark, err) < 0)
            return -1;
        if (strcmp(item->value, "PATH") == 0) {
            cage_config_error(p->config, item->mark, err, "passthrough_env: PATH is made of the packages");
            return cage_error_hint(err, "system = true in [sandbox.filesystem] adds the host's programs");
        }
        if (strcmp(item->value, "SSH_AUTH_SOCK") == 0 && !p->config->ssh_agent)
            cage_strv_add(&p->plan->warnings,
                          "passthrough_env: SSH_AUTH_SOCK alone does not show the agent's socket: set "
                          "ssh_agent = true in [cage]");
        if (value)
            cage_plan_setenv(p->plan, item->value, value, !is_shown(item->value, value),
                             cage_rule_at("passthrough_env", item->mark));
    }
    return 0;
}

static int add_configured(struct cage_planner *p, struct cage_error *err)
{
    for (size_t i = 0; i < p->config->env.n; i++) {
        const struct cage_item *item = &p->config->env.items[i];
        cage_autofree char *name = name_of(item->value);

        if (check_name(p, "env", name, item->mark, err) < 0)
            return -1;
        cage_plan_setenv(p->plan, name, value_of(item->value),
                         cage_env_looks_secret(name, value_of(item->value)), cage_rule_at("env", item->mark));
    }
    return 0;
}

#define AGENT_DEST "/run/nixcage/ssh-agent"

int cage_plan_add_agent(struct cage_planner *p, struct cage_error *err)
{
    const char *socket = cage_host_getenv(p->host, "SSH_AUTH_SOCK");
    struct cage_mark mark = p->config->marks[CAGE_KEY_CAGE_SSH_AGENT];
    struct cage_reason reason = cage_rule_at("ssh_agent", mark);
    struct cage_file_fact fact;
    bool usable;

    if (!p->config->ssh_agent)
        return 0;
    if (!socket || socket[0] != '/') {
        cage_strv_add(&p->plan->warnings,
                      "ssh_agent = true, but no agent is running (SSH_AUTH_SOCK is not set)");
        return 0;
    }
    if (p->host->lookup(p->host, socket, &fact, err) < 0)
        return -1;
    usable = fact.type == CAGE_FILE_OTHER && (fact.uid == p->host->uid || fact.uid == 0);
    cage_file_fact_finish(&fact);
    if (!usable) {
        cage_config_error(p->config, mark, err, "ssh_agent: SSH_AUTH_SOCK (%s) is not a socket of yours",
                          socket);
        return cage_error_hint(err, "start an agent of your own (ssh-agent(1)), or set ssh_agent = false");
    }
    if (cage_plan_bind(p, socket, AGENT_DEST, 0, reason, err) < 0)
        return -1;
    cage_strv_add(&p->plan->warnings, "ssh_agent = true: the cage can use every key that your agent holds");
    return 0;
}

int cage_plan_add_env(struct cage_planner *p, struct cage_error *err)
{
    cage_autofree char *remote = cage_strdup(cage_plan_getenv(p->plan, "NIX_REMOTE"));

    cage_plan_unsetenv(p->plan, "NIX_REMOTE");
    add_impure(p);
    add_packages(p);
    add_live(p);
    add_directories(p);
    add_path(p);
    add_own(p);
    if (remote)
        cage_plan_setenv(p->plan, "NIX_REMOTE", remote, false, cage_rule("store_mode"));
    if (add_passthrough(p, err) < 0 || add_configured(p, err) < 0)
        return -1;
    if (cage_plan_at(p->plan, AGENT_DEST))
        cage_plan_setenv(p->plan, "SSH_AUTH_SOCK", AGENT_DEST, false,
                         cage_rule_at("ssh_agent", p->config->marks[CAGE_KEY_CAGE_SSH_AGENT]));
    p->plan->path_value = cage_strdup(cage_plan_getenv(p->plan, "PATH"));
    return 0;
}
