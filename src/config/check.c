/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/check.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "config/pin.h"

#include <stdlib.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum { NAME_MAX_LENGTH = 256, PATH_MAX_LENGTH = 4095 };

static bool wrong(struct cage_objection *why, const char *what, const char *fix)
{
    why->what = what;
    why->fix = fix;
    return false;
}

static bool is_control(unsigned long cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
}

bool cage_check_text(const char *value, struct cage_objection *why)
{
    unsigned long cp;
    size_t n;

    for (; (n = cage_utf8_decode(value, &cp)) > 0; value += n) {
        if (is_control(cp))
            return wrong(why, "it holds a control character", "Remove the control character");
        /* What reorders text makes one path look like another: "Trojan Source", CVE-2021-42574. */
        if (!cage_utf8_printable(value, n, cp))
            return wrong(why, "it holds an invisible character that reorders text", "Type the value anew");
    }
    return true;
}

static bool has_component(const char *path, const char *name)
{
    size_t len = strlen(name);

    while (*path) {
        size_t n = strcspn(path, "/");

        if (n == len && memcmp(path, name, n) == 0)
            return true;
        path += n;
        path += strspn(path, "/");
    }
    return false;
}

/* What is wrong in a path wherever it stands. */
static bool check_path(const char *path, struct cage_objection *why)
{
    if (!cage_check_text(path, why))
        return false;
    if (!*path)
        return wrong(why, "it is empty", "Name a path or remove the item");
    if (strlen(path) > PATH_MAX_LENGTH)
        return wrong(why, "it is longer than 4095 bytes", "Use a shorter path");
    if (path[0] == '~' && path[1] && path[1] != '/')
        return wrong(why, "another user's home is not looked up",
                     "Write that home directory as an absolute path");
    if (path[0] == '$')
        return wrong(why, "variables are not expanded in paths", "Write ~ for the home directory");
    if (strpbrk(path, "*"))
        return wrong(why, "wildcards are not expanded", "Name the directory itself or list the paths");
    return true;
}

static bool is_root(const char *path)
{
    return path[0] == '/' && strspn(path, "/.") == strlen(path);
}

static bool check_rooted(const char *path, struct cage_objection *why)
{
    if (has_component(path, ".."))
        return wrong(why, "\"..\" means different things when a directory is a symbolic link",
                     "Write the path without \"..\"");
    if (is_root(path))
        return wrong(why, "the root directory itself cannot be used", "Name what is needed below it");
    return true;
}

bool cage_check_bind(const char *value, struct cage_objection *why)
{
    size_t n = strlen(value);
    cage_autofree char *path = cage_strndup(value, n && value[n - 1] == '?' ? n - 1 : n);
    const char *p = path;

    if (!check_path(p, why))
        return false;
    if (p[0] == '/' || p[0] == '~')
        return check_rooted(p, why);
    while (strncmp(p, "../", 3) == 0 || strncmp(p, "./", 2) == 0)
        p += strcspn(p, "/") + 1;
    if (has_component(strcmp(p, "..") == 0 ? "" : p, ".."))
        return wrong(why, "\"..\" can only stand at the beginning",
                     "Write the path without \"..\" in the middle");
    return true;
}

bool cage_check_blacklist(const char *value, struct cage_objection *why)
{
    if (!check_path(value, why))
        return false;
    if (value[0] != '/' && value[0] != '~')
        return wrong(why, "it is relative", "Write it as an absolute path or with ~ for the home directory");
    if (value[strlen(value) - 1] == '?')
        return wrong(why, "the blacklist takes no \"?\"",
                     "Remove the \"?\": a path may be missing here anyway");
    return check_rooted(value, why);
}

bool cage_check_project_path(const char *value, struct cage_objection *why)
{
    if (!check_path(value, why))
        return false;
    if (value[0] == '/' || value[0] == '~')
        return wrong(why, "it is not relative to the project", "Write it as seen from the project directory");
    if (has_component(value, ".."))
        return wrong(why, "it leaves the project", "Write it without \"..\"");
    if (strspn(value, "./") == strlen(value))
        return wrong(why, "it is the whole project", "Name files or directories in the project");
    if (value[strlen(value) - 1] == '?')
        return wrong(why, "it takes no \"?\"", "Remove the \"?\": a path may be missing here anyway");
    return true;
}

/* ^[A-Za-z_][A-Za-z0-9_'-]*(\.[A-Za-z_][A-Za-z0-9_'-]*)*$ : what follows is part of a Nix expression. */
bool cage_schema_package_name_ok(const char *name)
{
    if (strlen(name) > NAME_MAX_LENGTH)
        return false;
    for (;;) {
        if (!*name || !strchr(LOWER UPPER "_", *name))
            return false;
        name += strspn(name, LOWER UPPER DIGITS "_'-");
        if (!*name)
            return true;
        if (*name++ != '.')
            return false;
    }
}

bool cage_check_package(const char *value, struct cage_objection *why)
{
    if (!*value)
        return wrong(why, "it is empty", "Name a package or remove the item");
    if (strncmp(value, "nixpkgs#", 8) == 0 || strncmp(value, "nixpkgs.", 8) == 0)
        return wrong(why, "names here are already those of nixpkgs", "Remove the \"nixpkgs\" in front");
    if (strchr(value, '@'))
        return wrong(why, "versions are part of the name in nixpkgs", "Write a name such as \"nodejs_22\"");
    if (!cage_schema_package_name_ok(value))
        return wrong(why, "letters, digits, _, - and ', in parts joined by dots, are allowed",
                     "Write a name such as \"nodejs_22\" or \"python3Packages.requests\"");
    return true;
}

bool cage_check_nixpkgs(const char *value, struct cage_objection *why)
{
    struct cage_pin pin;

    if (!*value)
        return true;
    if (strncmp(value, "github:", 7) == 0)
        return cage_config_pin_parse(value, &pin, why);
    if (!check_path(value, why))
        return false;
    if (value[0] != '/' && value[0] != '~' && strncmp(value, "./", 2) != 0 && strncmp(value, "../", 3) != 0)
        return wrong(why, "it is neither a path nor a pinned revision",
                     "Write a path (/..., ~/..., ./...) or github:NixOS/nixpkgs/REVISION#sha256-HASH");
    if (strpbrk(value, "#<>\""))
        return wrong(why, "it holds a character that Nix would not take as part of a path",
                     "Use a plain path");
    return true;
}

/* The part of a flake reference after "#": one attribute name, quoted nowhere. */
static bool flake_name_ok(const char *name)
{
    return *name && cage_schema_package_name_ok(name);
}

bool cage_check_shell(const char *value, struct cage_objection *why)
{
    size_t n = strlen(value);

    if (!*value)
        return true;
    if (!check_path(value, why))
        return false;
    if (value[0] == '/' || value[0] == '~' || has_component(value, ".."))
        return wrong(why, "it is not a file of the project", "Write it as seen from the project directory");
    if (strcmp(value, ".") == 0 || (strncmp(value, ".#", 2) == 0 && flake_name_ok(value + 2)))
        return true;
    if (strchr(value, '#'))
        return wrong(why, "a flake here is the project's own",
                     "Write \".#NAME\" with the name of a dev shell");
    if (n < 5 || strcmp(value + n - 4, ".nix") != 0 || strpbrk(value, "<>\""))
        return wrong(why, "it is neither a .nix file nor a flake dev shell",
                     "Write \"shell.nix\", \".\" or \".#NAME\"");
    return true;
}

bool cage_schema_env_name_ok(const char *name)
{
    return *name && strchr(LOWER UPPER "_", *name) && strlen(name) <= NAME_MAX_LENGTH &&
           strspn(name, LOWER UPPER DIGITS "_") == strlen(name);
}

bool cage_check_env_name(const char *value, struct cage_objection *why)
{
    if (strchr(value, '='))
        return wrong(why, "it sets a value", "Move it to env, which takes \"NAME=value\"");
    if (strchr(value, '*'))
        return wrong(why, "wildcards are not expanded", "List every variable by its name");
    if (value[0] == '$')
        return wrong(why, "it is an expansion, not a name", "Write the name without \"$\"");
    if (!cage_schema_env_name_ok(value))
        return wrong(why, "letters, digits and _ are allowed, and no digit in front",
                     "Write the name of an environment variable");
    if (strncmp(value, "NIXCAGE_", 8) == 0)
        return wrong(why, "nixcage sets this variable itself", "Remove it");
    return true;
}

bool cage_check_env(const char *value, struct cage_objection *why)
{
    const char *equals = strchr(value, '=');
    cage_autofree char *name = cage_strndup(value, equals ? (size_t)(equals - value) : strlen(value));

    if (!equals)
        return wrong(why, "it has no \"=\"",
                     "Write \"NAME=value\"; to pass a variable of the host, list it in passthrough_env");
    return cage_check_env_name(name, why);
}
