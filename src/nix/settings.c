/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files besides the evaluated ones that decide what Nix does. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "nix/witness.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SMALL_FILE = 4 << 20, MAX_INCLUDES = 8 };

/* A Nix configuration file, and those it includes ("include F", "!include F"; nix.conf(5)). */
static void add_nix_conf(struct cage_strv *list, const char *path, int depth)
{
    CAGE_STRBUF_AUTO text = {0};
    cage_autofree char *dir = cage_path_dirname(path);
    char *save = NULL;

    cage_strbuf_init(&text);
    cage_nix_witness_file(list, path);
    if (depth > MAX_INCLUDES || cage_fs_read(AT_FDCWD, path, MAX_SMALL_FILE, &text, NULL) < 0)
        return;
    for (char *line = strtok_r(text.buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *word = line + strspn(line, " \t");

        word += *word == '!';
        if (strncmp(word, "include", 7) == 0 && isspace((unsigned char)word[7])) {
            char *name = word + 8 + strspn(word + 8, " \t");
            cage_autofree char *included = NULL;

            name[strcspn(name, " \t#")] = '\0';
            included = cage_path_join(dir, name);
            add_nix_conf(list, included, depth + 1);
        }
    }
}

static void add_nix_confs(struct cage_strv *list, const struct cage_host *host)
{
    const char *dir = cage_host_getenv(host, "NIX_CONF_DIR"),
               *files = cage_host_getenv(host, "NIX_USER_CONF_FILES");
    const char *config_home = cage_host_getenv(host, "XDG_CONFIG_HOME");
    cage_autofree char *system = cage_path_join(dir && *dir ? dir : "/etc/nix", "nix.conf");

    add_nix_conf(list, system, 0);
    if (files) {
        while (*files) {
            size_t n = strcspn(files, ":");
            cage_autofree char *one = cage_strndup(files, n);

            if (n)
                add_nix_conf(list, one, 0);
            files += n + (files[n] == ':');
        }
        return;
    }
    cage_autofree char *user = config_home && *config_home
                                   ? cage_path_join(config_home, "nix/nix.conf")
                                   : cage_path_join(host->home, ".config/nix/nix.conf");
    add_nix_conf(list, user, 0);
}

/* A directory by its listing, with the files in it. */
static void add_directory(struct cage_strv *list, const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *e;

    cage_nix_witness_file(list, path);
    while (dir && (e = readdir(dir))) {
        cage_autofree char *file = cage_path_join(path, e->d_name);

        if (e->d_name[0] != '.')
            cage_nix_witness_file(list, file);
    }
    if (dir)
        closedir(dir);
}

static void add_nixpkgs_config(struct cage_strv *list, const struct cage_host *host)
{
    static const char *const files[] = {".config/nixpkgs/config.nix", ".nixpkgs/config.nix",
                                        ".config/nixpkgs/overlays.nix"};
    const char *named = cage_host_getenv(host, "NIXPKGS_CONFIG");
    cage_autofree char *overlays = cage_path_join(host->home, ".config/nixpkgs/overlays");

    if (named && *named)
        cage_nix_witness_file(list, named);
    for (size_t i = 0; i < CAGE_LEN(files); i++) {
        cage_autofree char *path = cage_path_join(host->home, files[i]);

        cage_nix_witness_file(list, path);
    }
    add_directory(list, overlays);
}

static void add_channels(struct cage_strv *list, const struct cage_host *host)
{
    cage_autofree char *own = cage_path_join(host->home, ".nix-defexpr/channels/nixpkgs");
    cage_autofree char *own_root = cage_path_join(host->home, ".nix-defexpr/channels_root/nixpkgs");
    const char *state = cage_host_getenv(host, "XDG_STATE_HOME");
    cage_autofree char *state_default = cage_path_join(host->home, ".local/state");
    cage_autofree char *xdg =
        cage_path_join(state && *state ? state : state_default, "nix/defexpr/channels/nixpkgs");

    cage_nix_witness_chain(list, own);
    cage_nix_witness_chain(list, own_root);
    cage_nix_witness_chain(list, xdg);
    cage_nix_witness_chain(list, "/nix/var/nix/profiles/per-user/root/channels/nixpkgs");
}

static void add_nix_path(struct cage_strv *list, const struct cage_host *host)
{
    const char *value = cage_host_getenv(host, "NIX_PATH");

    while (value && *value) {
        size_t n = strcspn(value, ":");
        cage_autofree char *entry = NULL;
        const char *path;

        /* The colon of "https://" does not end an entry. */
        while (value[n] == ':' && strncmp(value + n, "://", 3) == 0)
            n += 3 + strcspn(value + n + 3, ":");
        entry = cage_strndup(value, n);
        path = strchr(entry, '=') ? strchr(entry, '=') + 1 : entry;
        if (path[0] == '/')
            cage_nix_witness_chain(list, path);
        value += n + (value[n] == ':');
    }
}

void cage_nix_witness_settings(struct cage_strv *list, const struct cage_host *host)
{
    add_nix_confs(list, host);
    add_nixpkgs_config(list, host);
    add_channels(list, host);
    add_nix_path(list, host);
}

/* The word after getEnv, if it is a plain string: getEnv "NAME". */
static void scan_getenv(struct cage_strv *list, const struct cage_host *host, const char *text)
{
    while ((text = strstr(text, "getEnv"))) {
        const char *p = text + 6 + strspn(text + 6, " \t\n(");

        text += 6;
        if (*p++ == '"') {
            size_t n = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
            cage_autofree char *name = cage_strndup(p, n);

            if (n && p[n] == '"')
                cage_nix_witness_variable(list, host, name);
        }
    }
}

static void scan_paths(struct cage_strv *list, const char *dir, const char *text)
{
    for (const char *p = text; (p = strchr(p, '.')); p++) {
        size_t dots = strspn(p, "."), n;

        if (p > text && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/.", p[-1]))
            continue;
        if (dots > 2 || p[dots] != '/')
            continue;
        n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./");
        cage_autofree char *literal = cage_strndup(p, n);
        cage_autofree char *joined = cage_path_join(dir, literal);
        cage_autofree char *clean = cage_path_clean(joined);

        cage_nix_witness_file(list, clean);
        p += n - 1;
    }
}

bool cage_nix_witness_scan_text(struct cage_strv *list, const struct cage_host *host, const char *dir,
                                const char *text, bool paths)
{
    static const char *const fetchers[] = {"fetchTarball", "builtins.fetchurl",    "fetchGit",
                                           "fetchTree",    "builtins.currentTime", "getFlake"};

    scan_getenv(list, host, text);
    if (!paths)
        return false;
    scan_paths(list, dir, text);
    for (size_t i = 0; i < CAGE_LEN(fetchers); i++)
        if (strstr(text, fetchers[i]))
            return true;
    return false;
}

bool cage_nix_witness_scan(struct cage_strv *list, const struct cage_host *host, const char *path, bool paths)
{
    CAGE_STRBUF_AUTO text = {0};
    cage_autofree char *dir = cage_path_dirname(path);

    cage_strbuf_init(&text);
    if (cage_fs_read(AT_FDCWD, path, MAX_SMALL_FILE, &text, NULL) < 0)
        return false;
    return cage_nix_witness_scan_text(list, host, dir, text.buf, paths);
}
