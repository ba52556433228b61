/* SPDX-License-Identifier: GPL-3.0-or-later */
/* add and remove: packages in nixcage.toml. */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/enter.h"
#include "cli/project_files.h"
#include "config/edit.h"
#include "nix/nix.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG "nixcage.toml"

typedef int edit_function(const char *file, const char *text, size_t n, char *const *names,
                          struct cage_strbuf *out, size_t *changed, struct cage_error *err);

/* Whether the user's word covers the configuration as it is. */
static bool is_trusted(const struct cage_session *session, struct cage_trust_state *state)
{
    struct cage_error ignored;

    return cage_trust_check(&session->host, &session->project, &session->config, state, &ignored) == 0 &&
           (state->verdict == CAGE_TRUST_TRUSTED || state->verdict == CAGE_TRUST_TIGHTENED);
}

/*
 * Adding a package by a command of their own is the user's word for it: for what was read, judged and edited.
 * Neither the file nor what Nix evaluates is looked at again: replaced, it may be a cage's by now.
 */
static int keep_trust(const struct cage_session *session, const struct cage_strbuf *edited,
                      const struct cage_trust_state *seen, struct cage_error *err)
{
    __attribute__((cleanup(cage_config_finish))) struct cage_config config = {0};

    cage_config_init(&config);
    if (cage_config_parse(&config, session->project.config, edited->buf, edited->len, err) < 0)
        return -1;
    return cage_trust_record(&session->host, &session->project, &config, seen, err);
}

/*
 * Asks Nix for the environment with the new packages, so that a name that does not exist or does not build
 * never gets into the file. Asking may build, and evaluates what nixpkgs names: only for a configuration that
 * is allowed.
 */
static int resolve(const struct cage_session *session, const struct cage_strbuf *edited,
                   struct cage_error *err)
{
    __attribute__((cleanup(cage_config_finish))) struct cage_config config = {0};
    __attribute__((cleanup(cage_nix_env_finish))) struct cage_nix_env nix = {0};
    const struct cage_nix_request request = {
        .host = &session->host,
        .config = &config,
        .project = &session->project,
    };

    cage_config_init(&config);
    cage_nix_env_init(&nix);
    if (cage_config_parse(&config, session->project.config, edited->buf, edited->len, err) < 0 ||
        cage_trust_require(session, err) < 0)
        return -1;
    if (cage_nix_resolve(&request, &nix, err) < 0) {
        cage_error_wrap(err, "nothing was changed");
        return -1;
    }
    return 0;
}

static int print_result(const char *verb, size_t changed, const struct cage_session *session,
                        struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    if (changed)
        cage_strbuf_addf(&text, "%s %zu package%s: ", verb, changed, changed == 1 ? "" : "s");
    else
        cage_strbuf_add(&text, "Nothing to change in ");
    cage_strbuf_add_printable(&text, session->project.config);
    cage_strbuf_addc(&text, '\n');
    return cage_cli_print(&text, err);
}

/* Writes the edited text in the place of the file, with its mode. */
static int put(const struct cage_session *session, const struct cage_strbuf *edited, struct cage_error *err)
{
    __attribute__((cleanup(cage_files_finish))) struct cage_files files = {.dirfd = -1};
    struct stat st;

    if (cage_files_open(&files, session->project.root, false, err) < 0)
        return -1;
    if (fstatat(files.dirfd, CONFIG, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return cage_error_sys(err, errno, "cannot stat " CONFIG);
    return cage_files_put(files.dirfd, CONFIG, edited, st.st_mode & 0777, err);
}

/* The file is read once: what is edited is what is judged. */
static int edit(const struct cage_cli *cli, edit_function *function, const char *verb, struct cage_error *err)
{
    CAGE_SESSION_AUTO session = {0};
    CAGE_TRUST_AUTO state = {0};
    CAGE_STRBUF_AUTO edited = {0};
    const char *text;
    size_t changed = 0;
    bool trusted;

    cage_session_init(&session);
    cage_strbuf_init(&edited);
    if (!cli->words[0]) {
        cage_error_set(err, CAGE_ERR_USAGE, "%s: no package given", cli->command->name);
        return cage_error_hint(err,
                               "name them as nixpkgs does, for example: nodejs_22 python3Packages.requests");
    }
    if (cage_session_open(&session, cli, err) < 0)
        return -1;
    text = session.config.text;
    if (function(session.project.config, text, strlen(text), cli->words, &edited, &changed, err) < 0)
        return -1;
    if (changed && function == cage_config_add_packages && resolve(&session, &edited, err) < 0)
        return -1;
    trusted = is_trusted(&session, &state);
    if (changed && put(&session, &edited, err) < 0)
        return -1;
    if (changed && trusted && keep_trust(&session, &edited, &state, err) < 0)
        return -1;
    return print_result(verb, changed, &session, err);
}

int cage_cmd_add(const struct cage_cli *cli, struct cage_error *err)
{
    return edit(cli, cage_config_add_packages, "Added", err);
}

int cage_cmd_remove(const struct cage_cli *cli, struct cage_error *err)
{
    return edit(cli, cage_config_remove_packages, "Removed", err);
}
