/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/advice.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "config/schema.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

static const char *file_name(const struct cage_config *config)
{
    return config->file ? cage_path_basename(config->file) : "nixcage.toml";
}

static void add_value(enum cage_key key, const char *value, struct cage_strbuf *out)
{
    if (key == CAGE_KEY_NET_HOST_PORTS || key == CAGE_KEY_NET_EXPOSE)
        cage_strbuf_add(out, value);
    else
        cage_strbuf_add_toml_string(out, value);
}

char *cage_advice_list(const struct cage_config *config, enum cage_key key, const char *value)
{
    const struct cage_schema_entry *entry = cage_schema_entry(key);
    int line = config->marks[key].line;
    CAGE_STRBUF_AUTO out = {0};

    cage_strbuf_init(&out);
    cage_strbuf_add(&out, line ? "add " : entry->name);
    cage_strbuf_add(&out, line ? "" : " = [");
    add_value(key, value, &out);
    if (line)
        cage_strbuf_addf(&out, " to %s (%s:%d)", entry->name, file_name(config), line);
    else
        cage_strbuf_addf(&out, "] in [%s]", entry->section);
    return cage_strbuf_steal(&out);
}

char *cage_advice_set(const struct cage_config *config, enum cage_key key, const char *value)
{
    const struct cage_schema_entry *entry = cage_schema_entry(key);
    int line = config->marks[key].line;

    if (line)
        return cage_format("%s = %s (%s:%d)", entry->name, value, file_name(config), line);
    return cage_format("%s = %s in [%s]", entry->name, value, entry->section);
}

char *cage_advice_path(const struct cage_host *host, const char *path)
{
    if (host->home && strcmp(host->home, "/") != 0 && cage_path_is_under(path, host->home))
        return cage_format("~%s", path + strlen(host->home));
    return cage_strdup(path);
}

/* "~" is the home. What a place below one of these holds. */
static const struct {
    const char *path, *what;
} secrets[] = {
    {"~/.ssh", "SSH keys"},
    {"~/.gnupg", "GnuPG keys"},
    {"~/.aws", "AWS credentials"},
    {"~/.azure", "Azure credentials"},
    {"~/.config/gcloud", "Google Cloud credentials"},
    {"~/.kube", "Kubernetes credentials"},
    {"~/.docker/run/docker.sock", "root on the host, through Docker"},
    {"~/.docker", "registry credentials"},
    {"~/.netrc", "passwords of hosts"},
    {"~/.git-credentials", "passwords of git hosts"},
    {"~/.config/git/credentials", "passwords of git hosts"},
    {"~/.config/gh", "GitHub tokens"},
    {"~/.config/glab-cli", "GitLab tokens"},
    {"~/.npmrc", "npm tokens"},
    {"~/.yarnrc.yml", "npm tokens"},
    {"~/.pypirc", "PyPI tokens"},
    {"~/.cargo/credentials", "crates.io tokens"},
    {"~/.cargo/credentials.toml", "crates.io tokens"},
    {"~/.gem/credentials", "RubyGems tokens"},
    {"~/.m2/settings.xml", "Maven passwords"},
    {"~/.gradle/gradle.properties", "Gradle passwords"},
    {"~/.password-store", "passwords"},
    {"~/.local/share/keyrings", "passwords"},
    {"~/.mozilla", "the browser's cookies and passwords"},
    {"~/.config/google-chrome", "the browser's cookies and passwords"},
    {"~/.config/chromium", "the browser's cookies and passwords"},
    {"~/.bash_history", "the history of your shell"},
    {"~/.zsh_history", "the history of your shell"},
    {"~/.claude.json", "tokens of an agent"},
    {"~/.claude/.credentials.json", "tokens of an agent"},
    {"~/.codex/auth.json", "tokens of an agent"},
    {"~/.vault-token", "a Vault token"},
    {"~/.terraform.d", "Terraform tokens"},
    {"/etc/shadow", "password hashes"},
    {"/etc/gshadow", "password hashes"},
    {"/etc/sudoers", "who may become root"},
    {"/etc/ssh", "the host's keys"},
    {"/root", "root's files"},
    {"/run/docker.sock", "root on the host, through Docker"},
    {"/var/run/docker.sock", "root on the host, through Docker"},
    {"/run/podman", "the host's containers"},
    {"/run/dbus", "the host's services, through D-Bus"},
    {"/var/run/dbus", "the host's services, through D-Bus"},
    {"/run/user", "the desktop session: its keyring, D-Bus and display"},
    {"/tmp/.X11-unix", "the display: keys typed and what is on the screen"},
    /* macOS, where the physical path counts. */
    {"~/Library/Keychains", "passwords"},
    {"~/Library/Cookies", "the browser's cookies and passwords"},
    {"~/Library/Safari", "the browser's history"},
    {"~/Library/Application Support/Google/Chrome", "the browser's cookies and passwords"},
    {"~/Library/Application Support/Firefox", "the browser's cookies and passwords"},
    {"~/Library/Mail", "your mail"},
    {"~/Library/Messages", "your messages"},
    {"~/.zsh_sessions", "the history of your shell"},
    {"/Library/Keychains", "passwords of the system"},
    {"/private/etc/master.passwd", "password hashes"},
    {"/private/etc/sudoers", "who may become root"},
    {"/private/etc/ssh", "the host's keys"},
    {"/private/var/db/dslocal", "password hashes"},
    {"/private/var/folders", "temporary files of all your programs"},
    {"/private/var/run/docker.sock", "root on the host, through Docker"},
    {"/private/var/root", "root's files"},
};

/* Of places with keys, what is no secret: whoever shares these gives no key away. */
static bool is_public(const char *place, const char *path)
{
    static const char *const names[] = {
        "config", "known_hosts*", "ssh_known_hosts*", "ssh_config*", "sshd_config*", "moduli", "*.pub"};
    const char *name = cage_path_basename(place);
    const char *below = path + strlen(place);

    if ((strcmp(name, ".ssh") != 0 && strcmp(name, "ssh") != 0) || *below != '/')
        return false;
    for (size_t i = 0; i < CAGE_LEN(names); i++)
        if (fnmatch(names[i], below + 1, 0) == 0)
            return true;
    return false;
}

const char *cage_advice_secret(const struct cage_host *host, const char *path)
{
    const char *name = cage_path_basename(path);

    for (size_t i = 0; i < CAGE_LEN(secrets); i++) {
        cage_autofree char *place = cage_path_expand_home(secrets[i].path, host->home ? host->home : "/");

        /* /root is the home of one who is root. */
        if (host->home && cage_path_is_under(host->home, place))
            continue;
        if (cage_path_is_under(path, place))
            return is_public(place, path) ? NULL : secrets[i].what;
    }
    if (fnmatch("id_*", name, 0) == 0 && !strstr(name, ".pub"))
        return "an SSH key";
    return fnmatch("*.pem", name, 0) == 0 || fnmatch("*.key", name, 0) == 0 ? "perhaps a private key" : NULL;
}

bool cage_advice_too_wide(const struct cage_host *host, const char *path)
{
    return cage_path_depth(path) < 2 || (host->home && cage_path_is_under(host->home, path));
}

/* Programs whose package in nixpkgs has another name. */
static const struct {
    const char *program, *package;
} packages[] = {
    {"cc", "gcc"},
    {"g++", "gcc"},
    {"c++", "gcc"},
    {"cpp", "gcc"},
    {"ld", "binutils"},
    {"as", "binutils"},
    {"ar", "binutils"},
    {"objdump", "binutils"},
    {"readelf", "binutils"},
    {"strip", "binutils"},
    {"make", "gnumake"},
    {"gmake", "gnumake"},
    {"node", "nodejs"},
    {"npm", "nodejs"},
    {"npx", "nodejs"},
    {"corepack", "nodejs"},
    {"python", "python3"},
    {"python3", "python3"},
    {"pip", "python3Packages.pip"},
    {"pip3", "python3Packages.pip"},
    {"pytest", "python3Packages.pytest"},
    {"ssh", "openssh"},
    {"scp", "openssh"},
    {"ssh-keygen", "openssh"},
    {"ssh-add", "openssh"},
    {"rg", "ripgrep"},
    {"fdfind", "fd"},
    {"sed", "gnused"},
    {"grep", "gnugrep"},
    {"egrep", "gnugrep"},
    {"fgrep", "gnugrep"},
    {"awk", "gawk"},
    {"tar", "gnutar"},
    {"find", "findutils"},
    {"xargs", "findutils"},
    {"diff", "diffutils"},
    {"cmp", "diffutils"},
    {"patch", "gnupatch"},
    {"m4", "gnum4"},
    {"ps", "procps"},
    {"top", "procps"},
    {"pkill", "procps"},
    {"pgrep", "procps"},
    {"free", "procps"},
    {"ip", "iproute2"},
    {"ss", "iproute2"},
    {"ifconfig", "nettools"},
    {"netstat", "nettools"},
    {"ping", "iputils"},
    {"dig", "dnsutils"},
    {"nslookup", "dnsutils"},
    {"nc", "netcat"},
    {"gpg", "gnupg"},
    {"less", "less"},
    {"vi", "vim"},
    {"nvim", "neovim"},
    {"gunzip", "gzip"},
    {"zcat", "gzip"},
    {"bunzip2", "bzip2"},
    {"unxz", "xz"},
    {"7z", "p7zip"},
    {"rustc", "rustc"},
    {"javac", "jdk"},
    {"java", "jdk"},
    {"mvn", "maven"},
    {"gem", "ruby"},
    {"bundle", "bundler"},
    {"rustfmt", "rustfmt"},
    {"clang++", "clang"},
    {"clangd", "clang-tools"},
    {"clang-format", "clang-tools"},
    {"clang-tidy", "clang-tools"},
    {"ninja", "ninja"},
    {"pkg-config", "pkg-config"},
    {"autoreconf", "autoconf"},
    {"aclocal", "automake"},
    {"libtoolize", "libtool"},
    {"gh", "gh"},
    {"aws", "awscli2"},
    {"docker", "docker-client"},
    {"kubectl", "kubectl"},
    {"psql", "postgresql"},
    {"pg_dump", "postgresql"},
    {"mysql", "mariadb"},
    {"redis-cli", "redis"},
    {"convert", "imagemagick"},
    {"man", "man-db"},
    {"hostname", "nettools"},
    {"script", "util-linux"},
    {"lsblk", "util-linux"},
    {"column", "util-linux"},
    {"killall", "psmisc"},
    {"ls", "coreutils"},
    {"cat", "coreutils"},
    {"env", "coreutils"},
    {"claude", "claude-code"},
};

const char *cage_advice_package(const char *program)
{
    if (!isalpha((unsigned char)program[0]) ||
        strspn(program, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+.") !=
            strlen(program))
        return NULL;
    for (size_t i = 0; i < CAGE_LEN(packages); i++)
        if (strcmp(packages[i].program, program) == 0)
            return packages[i].package;
    return strpbrk(program, "+.") ? NULL : program;
}

/* Programs that others look for and do without; the names are shell patterns. */
static const struct {
    const char *program, *name;
} optional[] = {
    {"collect2", "gnm"},
    {"collect2", "gstrip"},
    {"collect2", "collect-ld"},
    {"collect2", "real-ld"},
    {"docker", "docker-credential-*"},
    {"docker", "pass"},
};

bool cage_advice_is_optional(const char *program, const char *name)
{
    for (size_t i = 0; i < CAGE_LEN(optional); i++)
        if (strcmp(optional[i].program, program) == 0 && fnmatch(optional[i].name, name, 0) == 0)
            return true;
    return false;
}

/* Shell patterns of fnmatch(3), in which * matches slashes. */
static const char *const probes[] = {
    "/etc/ld.so.*",         "/etc/ld-nix.so.*",     "/lib/*.so",
    "/lib/*.so.*",          "/lib64/*.so",          "/lib64/*.so.*",
    "/usr/lib*/*.so",       "/usr/lib*/*.so.*",     "/nix/store/*/glibc-hwcaps*",
    "*/tls/*.so*",          "/usr/lib/locale*",     "/usr/lib*/gconv*",
    "/usr/share/locale*",   "/usr/share/zoneinfo*", "/usr/share/i18n*",
    "/usr/share/terminfo*", "/usr/lib/terminfo*",   "/lib/terminfo*",
    "/etc/terminfo*",       "/etc/selinux*",        "/etc/localtime",
    "/etc/inputrc",         "/etc/bash.bashrc",     "/etc/gai.conf",
    "/etc/host.conf",       "/etc/services",        "/etc/protocols",
    "/etc/nanorc",          "/etc/profile",         "/run/nscd/*",
    "/var/run/nscd/*",      "/run/systemd/*",       "/run/utmp",
    "/var/run/utmp",        "/sys/fs/selinux*",     "/dev/.udev*",
};

/* What the libraries of macOS and the shells' own start-up files look for. "~" is the home. */
static const char *const mac_probes[] = {
    "~/.CFUserTextEncoding",
    "~/Library/Preferences/.GlobalPreferences*",
    "~/Library/Preferences/ByHost/*",
    "~/Library/Preferences/com.apple.*",
    "/Library/Preferences/*",
    "/Library/Managed Preferences*",
    "/Library/Caches/com.apple.*",
    "/Library/Filesystems*",
    "/AppleInternal*",
    "/.file*",
    "/.vol*",
    "/dev/dtracehelper",
    "/dev/oslog*",
    "/private/etc/bashrc*",
    "/private/etc/manpaths*",
    "/private/etc/nanorc",
    "/private/etc/paths*",
    "/private/etc/profile",
    "/private/etc/zprofile",
    "/private/etc/zshenv",
    "/private/etc/zshrc*",
    "/private/etc/zlogin",
    "/private/var/db/DarwinDirectory*",
    "/private/var/db/eligibilityd*",
    "/private/var/db/mds*",
    "/private/var/db/nsurlstoraged*",
    "/private/var/protected*",
};

bool cage_advice_is_mac_probe(const struct cage_host *host, const char *path)
{
    for (size_t i = 0; i < CAGE_LEN(mac_probes); i++) {
        cage_autofree char *pattern = cage_path_expand_home(mac_probes[i], host->home ? host->home : "/");

        if (fnmatch(pattern, path, 0) == 0)
            return true;
    }
    return false;
}

bool cage_advice_is_probe(const char *path)
{
    for (size_t i = 0; i < CAGE_LEN(probes); i++)
        if (fnmatch(probes[i], path, 0) == 0)
            return true;
    return false;
}
