/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How to get a program on this machine: distributions by ID of os-release(5), packages by program. */
#include "base/mem.h"
#include "host/host.h"

#include <stdlib.h>
#include <string.h>

enum manager { APT, DNF, PACMAN, APK, ZYPPER, NIXOS, NIX, BREW, N_MANAGERS };

static const struct {
    const char *command;
    bool needs_root;
    const char *upgrade; /* brings the distribution's newest kernel; NULL: unknown */
} managers[N_MANAGERS] = {
    [APT] = {"apt install", true, "apt full-upgrade"},
    [DNF] = {"dnf install", true, "dnf upgrade"},
    [PACMAN] = {"pacman -S", true, "pacman -Syu"},
    [APK] = {"apk add", true, "apk upgrade"},
    [ZYPPER] = {"zypper install", true, "zypper update"},
    [NIXOS] = {"nix-env -iA nixos.", false, "nixos-rebuild switch --upgrade"},
    [NIX] = {"nix-env -iA nixpkgs.", false, NULL},
    [BREW] = {"brew install", false, NULL},
};

static const struct {
    const char *id;
    enum manager manager;
} distributions[] = {
    {"debian", APT},   {"ubuntu", APT},           {"linuxmint", APT},
    {"raspbian", APT}, {"fedora", DNF},           {"rhel", DNF},
    {"centos", DNF},   {"arch", PACMAN},          {"manjaro", PACMAN},
    {"alpine", APK},   {"opensuse", ZYPPER},      {"suse", ZYPPER},
    {"nixos", NIXOS},  {"opensuse-leap", ZYPPER}, {"opensuse-tumbleweed", ZYPPER},
};

#define NIX_INSTALLER "sh <(curl -L https://nixos.org/nix/install)"

/* Programs whose package has another name. "": there is no package, `else_` is the way; NULL: as the program.
 */
static const struct {
    const char *program;
    const char *package[N_MANAGERS];
    const char *else_;
} packages[] = {
    {"bwrap",
     {"bubblewrap", "bubblewrap", "bubblewrap", "bubblewrap", "bubblewrap", "bubblewrap", "bubblewrap", ""},
     "it is for Linux only"},
    {"newuidmap",
     {"uidmap", "shadow-utils", "shadow", "shadow-uidmap", "shadow", "shadow", "shadow", ""},
     "it is for Linux only"},
    {"nix-shell", {"nix-bin", "", "nix", "nix", "", "nix", "", ""}, NIX_INSTALLER},
    {"nix", {"nix-bin", "", "nix", "nix", "", "nix", "", ""}, NIX_INSTALLER},
};

/* The value of KEY= in os-release(5) text, without quotes. The caller frees; NULL: not there. */
static char *os_release_value(const char *text, const char *key)
{
    size_t n = strlen(key);

    for (const char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        const char *value = line + n + 1;

        if (strncmp(line, key, n) != 0 || line[n] != '=')
            continue;
        value += strspn(value, "\"'");
        return cage_strndup(value, strcspn(value, "\"'\n"));
    }
    return NULL;
}

static bool manager_of(const char *id, enum manager *manager)
{
    for (size_t i = 0; id && i < CAGE_LEN(distributions); i++)
        if (strcmp(id, distributions[i].id) == 0) {
            *manager = distributions[i].manager;
            return true;
        }
    return false;
}

/* ID first, then what it says it is like, nearest first. */
static enum manager find_manager(const struct cage_host *host)
{
    cage_autofree char *text = host->read_small(host, "/etc/os-release");
    cage_autofree char *id = text ? os_release_value(text, "ID") : NULL;
    cage_autofree char *like = text ? os_release_value(text, "ID_LIKE") : NULL;
    enum manager manager = NIX;
    char *save = NULL;

    if (strcmp(host->os, "macos") == 0)
        return BREW;
    if (manager_of(id, &manager))
        return manager;
    for (char *word = like ? strtok_r(like, " ", &save) : NULL; word; word = strtok_r(NULL, " ", &save))
        if (manager_of(word, &manager))
            return manager;
    return NIX;
}

/* "sudo " for an ordinary user where the manager is root's. */
static const char *sudo(const struct cage_host *host, bool needs_root)
{
    return needs_root && host->uid != 0 ? "sudo " : "";
}

char *cage_host_install_hint(const struct cage_host *host, const char *program)
{
    enum manager manager = find_manager(host);
    const char *command = managers[manager].command, *package = program;

    for (size_t i = 0; i < CAGE_LEN(packages); i++) {
        const char *name = packages[i].package[manager];

        if (strcmp(packages[i].program, program) != 0 || !name)
            continue;
        if (!*name)
            return cage_strdup(packages[i].else_);
        package = name;
    }
    return cage_format("%s%s%s%s", sudo(host, managers[manager].needs_root), command,
                       command[strlen(command) - 1] == '.' ? "" : " ", package);
}

char *cage_host_kernel_hint(const struct cage_host *host, const char *since, const char *release)
{
    enum manager manager = find_manager(host);
    const char *upgrade = managers[manager].upgrade, *root = host->uid != 0 ? "sudo " : "";

    if (!upgrade)
        return cage_format("boot Linux %s or newer (this is %s)", since, release);
    return cage_format("boot Linux %s or newer (this is %s): %s%s, or a newer release of the distribution",
                       since, release, root, upgrade);
}
