/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/schema.h"
#include "base/mem.h"
#include "config/check.h"

static const char *const level_values[] = {"strict", "standard", "relaxed", NULL};
static const char *const enforce_values[] = {"require", "warn", NULL};
static const char *const store_mode_values[] = {"shared", "readonly", "copy", "isolated", NULL};
static const char *const store_view_values[] = {"closure", "full", NULL};

#define FS "sandbox.filesystem"
#define NET "sandbox.network"
#define RES "sandbox.resources"

/* name, type and place; the rest is named: .default_text, .values, .noun, .check, .help, .platforms */
#define ENTRY(id, section_, name_, type_, member, ...)                                                       \
    [CAGE_KEY_##id] = {.key = CAGE_KEY_##id,                                                                 \
                       .section = (section_),                                                                \
                       .name = (name_),                                                                      \
                       .type = CAGE_TYPE_##type_,                                                            \
                       .offset = offsetof(struct cage_config, member),                                       \
                       __VA_ARGS__}
#define LIST .default_text = "[]", .platforms = CAGE_ON_ALL
#define ON .default_text = "true", .platforms = CAGE_ON_ALL
#define OFF .default_text = "false", .platforms = CAGE_ON_ALL
#define EMPTY .default_text = "\"\"", .platforms = CAGE_ON_ALL

static const struct cage_schema_entry schema[CAGE_KEY_COUNT] = {
    ENTRY(SANDBOX_LEVEL, "sandbox", "level", ENUM, level, .default_text = "\"standard\"",
          .values = level_values, .noun = "level", .platforms = CAGE_ON_ALL,
          .help = "how much of the host the cage sees"),
    ENTRY(SANDBOX_NESTED, "sandbox", "nested", BOOL, nested, .default_text = "false",
          .platforms = CAGE_ON_LINUX,
          .help = "allow user namespaces (containers, other sandboxes) inside the cage"),
    ENTRY(FS_RO_BIND, FS, "ro_bind", LIST, ro_bind, LIST, .noun = "path", .check = cage_check_bind,
          .help = "extra host paths to read"),
    ENTRY(FS_RW_BIND, FS, "rw_bind", LIST, rw_bind, LIST, .noun = "path", .check = cage_check_bind,
          .help = "extra host paths to read and write"),
    ENTRY(FS_BLACKLIST, FS, "blacklist", LIST, blacklist, LIST, .noun = "path", .check = cage_check_blacklist,
          .help = "host paths to hide, whatever else is shared"),
    ENTRY(FS_PROTECT, FS, "protect", LIST, protect, LIST, .noun = "path", .check = cage_check_project_path,
          .help = "more paths of the project to keep read-only"),
    ENTRY(FS_UNPROTECT, FS, "unprotect", LIST, unprotect, LIST, .noun = "path",
          .check = cage_check_project_path,
          .help = "protected paths of the project to leave writable after all"),
    ENTRY(FS_SYSTEM, FS, "system", BOOL, system, OFF,
          .help = "share the host's /usr, /bin, /lib and needed parts of /etc, read-only"),
    ENTRY(NET_ALLOW, NET, "allow", BOOL, net_allow, ON, .help = "allow the network"),
    ENTRY(NET_HOSTS, NET, "hosts", LIST, hosts, .platforms = CAGE_ON_ALL, .noun = "host",
          .check = cage_check_host,
          .help = "the only hosts that can be reached; without the key: every host"),
    ENTRY(NET_EXPOSE, NET, "expose", PORTS, expose, LIST, .noun = "port",
          .help = "ports in the cage that the host's localhost can reach"),
    ENTRY(NET_HOST_PORTS, NET, "host_ports", PORTS, host_ports, LIST, .noun = "port",
          .help = "ports of the host's localhost that the cage can reach"),
    ENTRY(RES_CPUS, RES, "cpus", NUMBER, cpus, .default_text = "0", .platforms = CAGE_ON_LINUX,
          .noun = "number of cores", .help = "processor cores; 0: no limit"),
    ENTRY(RES_MEMORY, RES, "memory", SIZE, memory, .default_text = "\"\"", .platforms = CAGE_ON_LINUX,
          .noun = "size", .help = "memory, such as \"4G\" or \"50%\"; empty: no limit"),
    ENTRY(RES_PIDS, RES, "pids", COUNT, pids, .default_text = "0", .platforms = CAGE_ON_LINUX,
          .noun = "number of processes", .help = "processes and threads; 0: no limit"),
    ENTRY(RES_ENFORCE, RES, "enforce", ENUM, enforce, .default_text = "\"require\"", .values = enforce_values,
          .platforms = CAGE_ON_LINUX, .noun = "enforce value",
          .help = "what to do where limits cannot be set: refuse to start, or warn"),
    ENTRY(NIX_PACKAGES, "nix", "packages", LIST, packages, LIST, .noun = "package name",
          .check = cage_check_package, .help = "Nix packages whose programs the cage has"),
    ENTRY(NIX_ALLOW_UNFREE, "nix", "allow_unfree", BOOL, allow_unfree, OFF,
          .help = "accept packages with an unfree licence"),
    ENTRY(NIX_PURE, "nix", "pure", BOOL, pure, ON,
          .help = "clear the host's environment; false keeps it, but for what looks secret"),
    ENTRY(NIX_STORE_MODE, "nix", "store_mode", ENUM, store_mode, .default_text = "\"readonly\"",
          .values = store_mode_values, .noun = "store mode", .platforms = CAGE_ON_ALL,
          .help = "how the cage has the Nix store"),
    ENTRY(NIX_STORE_VIEW, "nix", "store_view", ENUM, store_view, .default_text = "\"closure\"",
          .values = store_view_values, .noun = "store view", .platforms = CAGE_ON_ALL,
          .help = "which paths of the store can be opened: what the packages need, or all"),
    ENTRY(NIX_NIXPKGS, "nix", "nixpkgs", STRING, nixpkgs, EMPTY, .noun = "nixpkgs",
          .check = cage_check_nixpkgs,
          .help = "the package set: a path or a pinned GitHub revision; empty: <nixpkgs>"),
    ENTRY(NIX_SHELL, "nix", "shell", STRING, shell, EMPTY, .noun = "shell", .check = cage_check_shell,
          .help = "a shell.nix or flake dev shell of the project, instead of packages"),
    ENTRY(CAGE_COMMAND, "cage", "command", COMMAND, command, EMPTY, .noun = "command",
          .help = "what to run when no command is given; empty: a shell"),
    ENTRY(CAGE_PASSTHROUGH_ENV, "cage", "passthrough_env", LIST, passthrough_env,
          .default_text = "[\"TERM\", \"LANG\"]", .platforms = CAGE_ON_ALL, .noun = "variable name",
          .check = cage_check_env_name, .help = "host variables the command gets"),
    ENTRY(CAGE_ENV, "cage", "env", LIST, env, LIST, .noun = "variable", .check = cage_check_env,
          .help = "variables to set, as \"NAME=value\""),
    ENTRY(CAGE_SSH_AGENT, "cage", "ssh_agent", BOOL, ssh_agent, OFF,
          .help = "pass the SSH agent's socket: the cage can then use every key it holds"),
};

const struct cage_schema_entry *cage_schema(size_t *n)
{
    *n = CAGE_LEN(schema);
    return schema;
}

const struct cage_schema_entry *cage_schema_entry(enum cage_key key)
{
    return &schema[key];
}

const char *cage_level_name(enum cage_level level)
{
    return level_values[level];
}

const char *cage_store_mode_name(enum cage_store_mode mode)
{
    return store_mode_values[mode];
}

const char *cage_store_view_name(enum cage_store_view view)
{
    return store_view_values[view];
}

const char *cage_enforce_name(enum cage_enforce enforce)
{
    return enforce_values[enforce];
}
