/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which variables look like secrets, and which change how programs start. With `pure = false` neither kind
 * reaches the cage unless passthrough_env names it. Better one too many: naming it is one word.
 */
#include "base/mem.h"
#include "plan/planner.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum match { EXACT, PREFIX, SUFFIX, CONTAINS };

struct pattern {
    enum match match;
    const char *text;
};

/* Names, compared without regard to case. */
static const struct pattern secret_names[] = {
    {CONTAINS, "TOKEN"},      {CONTAINS, "SECRET"},
    {CONTAINS, "PASSWORD"},   {CONTAINS, "PASSWD"},
    {CONTAINS, "PASSPHRASE"}, {CONTAINS, "CREDENTIAL"},
    {CONTAINS, "APIKEY"},     {CONTAINS, "API_KEY"},
    {CONTAINS, "ACCESS_KEY"}, {CONTAINS, "PRIVATE"},
    {CONTAINS, "COOKIE"},     {CONTAINS, "AUTH"},
    {CONTAINS, "BEARER"},     {CONTAINS, "JWT"},
    {CONTAINS, "WEBHOOK"},    {CONTAINS, "CONNECTION_STRING"},
    {CONTAINS, "ENCRYPTION"}, {CONTAINS, "SIGNING"},
    {SUFFIX, "_KEY"},         {SUFFIX, "_KEYS"},
    {SUFFIX, "_PAT"},         {SUFFIX, "_PASS"},
    {SUFFIX, "_PWD"},         {SUFFIX, "_PIN"},
    {SUFFIX, "_DSN"},         {SUFFIX, "_SALT"},
    {EXACT, "DATABASE_URL"},  {EXACT, "REDIS_URL"},
    {EXACT, "MONGODB_URI"},   {EXACT, "AMQP_URL"},
    {EXACT, "KUBECONFIG"},    {EXACT, "NETRC"},
    {EXACT, "PGPASSFILE"},    {PREFIX, "AWS_"},
    {PREFIX, "AZURE_"},       {PREFIX, "ARM_"},
    {PREFIX, "GOOGLE_"},      {PREFIX, "GCP_"},
    {PREFIX, "GCLOUD_"},      {PREFIX, "CLOUDSDK_"},
    {PREFIX, "GH_"},          {PREFIX, "GITHUB_"},
    {PREFIX, "GITLAB_"},      {PREFIX, "VAULT_"},
    {PREFIX, "OP_SESSION"},   {PREFIX, "BW_SESSION"},
    {PREFIX, "DOCKER_"},      {PREFIX, "TF_VAR_"},
    {PREFIX, "CI_JOB_"},      {PREFIX, "ACTIONS_"},
    {PREFIX, "NIX_CONFIG"},   {PREFIX, "KRB5"},
};

/* Values that are secrets whatever their name: well-known prefixes of keys and tokens. */
static const struct pattern secret_values[] = {
    {PREFIX, "sk-"},     {PREFIX, "sk_live_"},    {PREFIX, "ghp_"},          {PREFIX, "gho_"},
    {PREFIX, "ghs_"},    {PREFIX, "github_pat_"}, {PREFIX, "glpat-"},        {PREFIX, "xoxb-"},
    {PREFIX, "xoxp-"},   {PREFIX, "AKIA"},        {PREFIX, "ASIA"},          {PREFIX, "eyJ"},
    {PREFIX, "npm_"},    {PREFIX, "hf_"},         {PREFIX, "AIza"},          {PREFIX, "ya29."},
    {PREFIX, "dop_v1_"}, {PREFIX, "pypi-"},       {CONTAINS, "-----BEGIN "},
};

/*
 * Not of the host: what loads code into programs or shells (ld.so(8), bash(1)), sockets and displays of the
 * host, what nixcage sets itself, and what belongs to the process that called us.
 */
static const struct pattern dropped_names[] = {
    {PREFIX, "LD_"},
    {PREFIX, "DYLD_"},
    {PREFIX, "BASH_FUNC_"},
    {EXACT, "BASH_ENV"},
    {EXACT, "ENV"},
    {EXACT, "PROMPT_COMMAND"},
    {EXACT, "PS4"},
    {EXACT, "SHELLOPTS"},
    {EXACT, "BASHOPTS"},
    {EXACT, "IFS"},
    {EXACT, "GCONV_PATH"},
    {EXACT, "LOCPATH"},
    {EXACT, "LOCALE_ARCHIVE"},
    {EXACT, "NLSPATH"},
    {PREFIX, "MALLOC_"},
    {EXACT, "GLIBC_TUNABLES"},
    {EXACT, "HOSTALIASES"},
    {EXACT, "RES_OPTIONS"},
    {EXACT, "PYTHONHOME"},
    {EXACT, "PYTHONPATH"},
    {EXACT, "PYTHONSTARTUP"},
    {EXACT, "NODE_OPTIONS"},
    {EXACT, "NODE_PATH"},
    {EXACT, "PERL5LIB"},
    {EXACT, "PERL5OPT"},
    {EXACT, "RUBYOPT"},
    {EXACT, "RUBYLIB"},
    {EXACT, "JAVA_TOOL_OPTIONS"},
    {EXACT, "_JAVA_OPTIONS"},
    {EXACT, "PATH"},
    {EXACT, "HOME"},
    {EXACT, "PWD"},
    {EXACT, "OLDPWD"},
    {EXACT, "SHLVL"},
    {EXACT, "_"},
    {EXACT, "SHELL"},
    {EXACT, "TMPDIR"},
    {EXACT, "TMP"},
    {EXACT, "TEMP"},
    {EXACT, "TEMPDIR"},
    {PREFIX, "XDG_"},
    {PREFIX, "DBUS_"},
    {EXACT, "DISPLAY"},
    {PREFIX, "WAYLAND_"},
    {EXACT, "XAUTHORITY"},
    {EXACT, "SSH_AGENT_PID"},
    {PREFIX, "SSH_"},
    {PREFIX, "GPG_"},
    {PREFIX, "DIRENV_"},
    {PREFIX, "NIXCAGE_"},
    {EXACT, "NIX_REMOTE"},
    {EXACT, "NIX_BUILD_TOP"},
    {EXACT, "TMUX"},
    {EXACT, "TMUX_PANE"},
    {EXACT, "STY"},
    {PREFIX, "SUDO_"},
    {EXACT, "SSL_CERT_FILE"},
    {EXACT, "SSL_CERT_DIR"},
    {EXACT, "NIX_SSL_CERT_FILE"},
    {EXACT, "TERMINFO"},
    {EXACT, "MAIL"},
    {EXACT, "NOTIFY_SOCKET"},
    {PREFIX, "LISTEN_"},
    {EXACT, "INVOCATION_ID"},
    {EXACT, "JOURNAL_STREAM"},
    {PREFIX, "VSCODE_"},
    {PREFIX, "SYSTEMD_"},
};

static bool matches(const struct pattern *pattern, const char *s)
{
    size_t n = strlen(pattern->text), length = strlen(s);

    switch (pattern->match) {
    case EXACT:
        return strcasecmp(s, pattern->text) == 0;
    case PREFIX:
        return strncasecmp(s, pattern->text, n) == 0;
    case SUFFIX:
        return length >= n && strcasecmp(s + length - n, pattern->text) == 0;
    case CONTAINS:
        return strcasestr(s, pattern->text) != NULL;
    }
    return false;
}

static bool any_matches(const struct pattern *patterns, size_t n, const char *s)
{
    for (size_t i = 0; i < n; i++)
        if (matches(&patterns[i], s))
            return true;
    return false;
}

/* scheme://user:password@host */
static bool has_password_url(const char *value)
{
    const char *at = strstr(value, "://");
    size_t n;

    if (!at)
        return false;
    at += 3;
    n = strcspn(at, "/?# \t\n");
    return memchr(at, '@', n) && memchr(at, ':', (size_t)((const char *)memchr(at, '@', n) - at));
}

bool cage_env_looks_secret(const char *name, const char *value)
{
    return any_matches(secret_names, CAGE_LEN(secret_names), name) ||
           any_matches(secret_values, CAGE_LEN(secret_values), value) || has_password_url(value);
}

bool cage_env_is_dropped(const char *name)
{
    return any_matches(dropped_names, CAGE_LEN(dropped_names), name);
}
