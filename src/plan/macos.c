/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The steps that are different on macOS, where nothing can be mounted: a bind is a tree that may be used
 * where it lies, a mask is a path that is denied, and what Linux makes up (/etc, /proc, an empty home) is not
 * there. src/backend/seatbelt_input.c makes the profile's input of the result.
 */
#include "base/mem.h"
#include "base/path.h"
#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

#define DAEMON_SOCKET "/nix/var/nix/daemon-socket/socket"
#define PROFILES "/nix/var/nix/profiles"

static bool has_hosts(const struct cage_planner *p)
{
    return p->config->hosts.set && p->config->hosts.n > 0;
}

static bool is_nested(const struct cage_planner *p)
{
    return p->config->nested;
}

static bool has_cpus(const struct cage_planner *p)
{
    return p->config->cpus > 0;
}

static bool has_memory(const struct cage_planner *p)
{
    return p->config->memory > 0 || p->config->memory_percent > 0;
}

static bool has_pids(const struct cage_planner *p)
{
    return p->config->pids > 0;
}

/* What macOS cannot do, or nixcage not there; the rows of unsupported.c are Linux's. */
static const struct {
    enum cage_key key;
    bool (*wanted)(const struct cage_planner *p);
    bool is_limit;
    const char *message, *hint;
} rows[] = {
    {CAGE_KEY_SANDBOX_NESTED, is_nested, false, "nested = true: sandboxes cannot be nested on macOS",
     "take nested away"},
    {CAGE_KEY_RES_CPUS, has_cpus, true, "cpus: macOS has no way to limit a group of processes",
     "take cpus away, or set enforce = \"warn\""},
    {CAGE_KEY_RES_MEMORY, has_memory, true, "memory: macOS has no way to limit a group of processes",
     "take memory away, or set enforce = \"warn\""},
    {CAGE_KEY_RES_PIDS, has_pids, true, "pids: macOS has no way to limit a group of processes",
     "take pids away, or set enforce = \"warn\""},
};

int cage_plan_macos_check(struct cage_planner *p, struct cage_error *err)
{
    p->plan->in_place = true;
    cage_plan_choose_network(p);
    /* Loopback is the host's own here: ports need no gate, only rules of the profile. */
    if (p->plan->net == CAGE_NET_GATE && !has_hosts(p))
        p->plan->net = CAGE_NET_NONE;
    for (size_t i = 0; i < CAGE_LEN(rows); i++) {
        if (!rows[i].wanted(p))
            continue;
        if (rows[i].is_limit && p->config->enforce == CAGE_ENFORCE_WARN) {
            cage_strv_addf(&p->plan->warnings, "%s: the limit is not in force", rows[i].message);
            continue;
        }
        cage_config_error(p->config, p->config->marks[rows[i].key], err, "%s", rows[i].message);
        return cage_error_hint(err, "%s", rows[i].hint);
    }
    return 0;
}

int cage_plan_macos_home(struct cage_planner *p, struct cage_error *err)
{
    struct cage_reason reason =
        cage_rule_at("level relaxed: the real home, read-only", p->config->marks[CAGE_KEY_SANDBOX_LEVEL]);

    if (p->config->level != CAGE_LEVEL_RELAXED)
        return 0;
    return cage_plan_bind(p, p->home, p->home, CAGE_BIND_OPTIONAL, reason, err) < 0 ? -1 : 0;
}

/* The socket may be a symlink to elsewhere (Determinate Nix); the profile needs the place it leads to. */
static int add_daemon(struct cage_planner *p, struct cage_reason reason, bool *found, struct cage_error *err)
{
    const char *named = cage_host_getenv(p->host, "NIX_DAEMON_SOCKET_PATH");
    const char *socket = named && named[0] == '/' ? named : DAEMON_SOCKET;
    struct cage_file_fact fact;

    if (p->host->lookup(p->host, socket, &fact, err) < 0)
        return -1;
    *found = fact.type == CAGE_FILE_OTHER;
    cage_file_fact_finish(&fact);
    if (!*found)
        return 0;
    if (named)
        cage_plan_setenv(p->plan, "NIX_DAEMON_SOCKET_PATH", named, false, reason);
    return cage_plan_bind(p, socket, socket, 0, reason, err) < 0 ? -1 : 0;
}

static int add_shared(struct cage_planner *p, struct cage_reason reason, struct cage_error *err)
{
    bool daemon = false;

    if (add_daemon(p, reason, &daemon, err) < 0)
        return -1;
    cage_plan_setenv(p->plan, "NIX_REMOTE", daemon ? "daemon" : "local", false, reason);
    if (daemon) {
        cage_strv_add(
            &p->plan->warnings,
            "store_mode = \"shared\": the cage talks to the Nix daemon, which builds outside the cage");
        return 0;
    }
    cage_strv_add(&p->plan->warnings,
                  "store_mode = \"shared\": the cage can write the host's Nix store and profiles");
    return cage_plan_bind(p, "/nix", "/nix", CAGE_BIND_RW, reason, err) < 0 ? -1 : 0;
}

int cage_plan_macos_store(struct cage_planner *p, struct cage_error *err)
{
    enum cage_store_mode mode = p->config->store_mode;
    struct cage_reason reason = cage_rule_at("store_mode", p->config->marks[CAGE_KEY_NIX_STORE_MODE]);

    if (!p->nix)
        return 0;
    if (mode == CAGE_STORE_COPY || mode == CAGE_STORE_ISOLATED) {
        cage_strv_addf(&p->plan->warnings, "store_mode = \"%s\" needs Linux: readonly is used instead",
                       cage_store_mode_name(mode));
        p->plan->store_mode = CAGE_STORE_READONLY;
    }
    if (p->config->store_view == CAGE_VIEW_CLOSURE && p->config->marks[CAGE_KEY_NIX_STORE_VIEW].line > 0)
        cage_strv_add(&p->plan->warnings,
                      "store_view = \"closure\" needs Linux: the whole store can be read");
    if (cage_plan_bind(p, "/nix/store", "/nix/store", 0, reason, err) < 0 ||
        cage_plan_bind(p, PROFILES, PROFILES, CAGE_BIND_OPTIONAL, reason, err) < 0)
        return -1;
    if (p->nix->attrs_dir && p->nix->attrs_dest &&
        cage_plan_bind(p, p->nix->attrs_dir, p->nix->attrs_dest, 0, cage_rule("package attributes"), err) < 0)
        return -1;
    if (mode == CAGE_STORE_SHARED)
        return add_shared(p, reason, err);
    cage_plan_setenv(p->plan, "NIX_REMOTE", "unix:///nixcage-store-is-readonly", false, reason);
    return 0;
}

/* The profile always shows what a program needs to start (/usr, /bin, /System); this is the rest. */
static const char *const system_dirs[] = {"/Library/Developer", "/opt/homebrew", "/opt/local"};
static const char *const system_path[] = {"/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"};

bool cage_plan_macos_is_system(const char *path)
{
    for (size_t i = 0; i < CAGE_LEN(system_dirs); i++)
        if (cage_path_is_under(path, system_dirs[i]))
            return true;
    return false;
}

int cage_plan_macos_system(struct cage_planner *p, struct cage_error *err)
{
    struct cage_reason reason = cage_rule_at("system", p->config->marks[CAGE_KEY_FS_SYSTEM]);
    int added;

    for (size_t i = 0; p->config->system && i < CAGE_LEN(system_dirs); i++) {
        added = cage_plan_bind(p, system_dirs[i], system_dirs[i], CAGE_BIND_OPTIONAL, reason, err);
        if (added < 0)
            return -1;
        if (added > 0 && i > 0)
            cage_strv_addf(&p->host_path, "%s/bin", system_dirs[i]);
    }
    for (size_t i = 0; (p->config->system || !p->nix) && i < CAGE_LEN(system_path); i++)
        cage_strv_add(&p->host_path, system_path[i]);
    return 0;
}

int cage_plan_macos_agent(struct cage_planner *p, struct cage_error *err)
{
    const char *socket = cage_host_getenv(p->host, "SSH_AUTH_SOCK");
    struct cage_reason reason = cage_rule_at("ssh_agent", p->config->marks[CAGE_KEY_CAGE_SSH_AGENT]);

    if (!p->config->ssh_agent)
        return 0;
    if (!socket || socket[0] != '/') {
        cage_strv_add(&p->plan->warnings,
                      "ssh_agent = true, but no agent is running (SSH_AUTH_SOCK is not set)");
        return 0;
    }
    cage_strv_add(&p->plan->warnings, "ssh_agent = true: the cage can use every key that your agent holds");
    return cage_plan_bind(p, socket, socket, 0, reason, err) < 0 ? -1 : 0;
}

/* Whether `env` of the configuration sets it. */
static bool is_own_word(const struct cage_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n_env; i++)
        if (strcmp(plan->env[i].name, name) == 0)
            return plan->env[i].reason.mark.line > 0 && strcmp(plan->env[i].reason.rule, "env") == 0;
    return false;
}

/*
 * There is no way to the gate but its port, so programs have to be told of it. By address: looking up
 * localhost is a network service that the cage does not have.
 */
static void add_proxy_variables(struct cage_planner *p)
{
    static const struct {
        const char *name, *value;
    } proxies[] = {
        {"HTTP_PROXY", "http://127.0.0.1:" CAGE_PLAN_GATE_PORT},
        {"HTTPS_PROXY", "http://127.0.0.1:" CAGE_PLAN_GATE_PORT},
        {"ALL_PROXY", "socks5h://127.0.0.1:" CAGE_PLAN_GATE_PORT},
        {"NO_PROXY", "localhost,127.0.0.1,::1"},
        {"http_proxy", "http://127.0.0.1:" CAGE_PLAN_GATE_PORT},
        {"https_proxy", "http://127.0.0.1:" CAGE_PLAN_GATE_PORT},
        {"all_proxy", "socks5h://127.0.0.1:" CAGE_PLAN_GATE_PORT},
        {"no_proxy", "localhost,127.0.0.1,::1"},
    };

    for (size_t i = 0; p->plan->net == CAGE_NET_GATE && i < CAGE_LEN(proxies); i++)
        if (!is_own_word(p->plan, proxies[i].name))
            cage_plan_setenv(p->plan, proxies[i].name, proxies[i].value, false,
                             cage_rule_at(CAGE_PLAN_GATE_RULE, p->config->hosts.mark));
}

/* Claude Code writes to /tmp/claude-UID whatever TMPDIR says, and to here instead; /tmp is the host's own. */
static void add_claude_tmpdir(struct cage_planner *p)
{
    if (!is_own_word(p->plan, "CLAUDE_CODE_TMPDIR"))
        cage_plan_setenv(p->plan, "CLAUDE_CODE_TMPDIR", "/tmp", false, cage_rule("temporary files"));
}

int cage_plan_macos_env(struct cage_planner *p, struct cage_error *err)
{
    const char *socket = cage_host_getenv(p->host, "SSH_AUTH_SOCK");

    if (cage_plan_add_env(p, err) < 0)
        return -1;
    add_claude_tmpdir(p);
    add_proxy_variables(p);
    if (p->config->ssh_agent && socket && socket[0] == '/')
        cage_plan_setenv(p->plan, "SSH_AUTH_SOCK", socket, false,
                         cage_rule_at("ssh_agent", p->config->marks[CAGE_KEY_CAGE_SSH_AGENT]));
    return 0;
}

/* Everything that is listed is denied, whatever else the plan shows: the profile also allows parts of the
 * system. */
int cage_plan_macos_masks(struct cage_planner *p, struct cage_error *err)
{
    if (cage_plan_add_masks(p, err) < 0)
        return -1;
    for (size_t i = 0; i < p->n_hidden; i++) {
        const struct cage_hidden *hidden = &p->hidden[i];
        const char *names[] = {hidden->fact.real, hidden->written};

        for (size_t k = 0; k < CAGE_LEN(names); k++)
            if (k == 0 || strcmp(names[0], names[1]) != 0)
                cage_plan_add(p->plan,
                              hidden->fact.type == CAGE_FILE_DIR ? CAGE_OP_MASK_DIR : CAGE_OP_MASK_FILE, NULL,
                              names[k], cage_rule_at("blacklist", hidden->mark));
    }
    return 0;
}
