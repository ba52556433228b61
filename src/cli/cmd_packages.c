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
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG "nixcage.toml"

enum { CONFIG_MAX = 1 << 20 };

typedef int edit_function(const char *file, const char *text, size_t n, char *const *names,
                          struct cage_strbuf *out, size_t *changed, struct cage_error *err);

/* Reads it without following a symlink: the edited file will stand in its place. */
static int read_config(const struct cage_files *files, struct cage_strbuf *text, mode_t *mode,
                       struct cage_error *err)
{
    cage_autofd int fd = openat(files->dirfd, CONFIG, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;

    if (fd < 0 && errno == ELOOP) {
        cage_error_set(err, CAGE_ERR_PROJECT,
                       CONFIG " is a symbolic link, which nixcage does not write through");
        return cage_error_hint(err, "edit the file it leads to by hand");
    }
    if (fd < 0 || fstat(fd, &st) < 0)
        return cage_error_sys(err, errno, "cannot open " CONFIG);
    if (cage_fs_read_fd(fd, CONFIG_MAX, text, err) < 0)
        return cage_error_wrap(err, CONFIG);
    *mode = st.st_mode & 0777;
    return 0;
}

/* Whether the user's word covers the configuration as it is. */
static bool is_trusted(const struct cage_session *session)
{
    CAGE_TRUST_AUTO state = {0};
    struct cage_error ignored;

    return cage_trust_check(&session->host, &session->project, &session->config, &state, &ignored) == 0 &&
           (state.verdict == CAGE_TRUST_TRUSTED || state.verdict == CAGE_TRUST_TIGHTENED);
}

/* Adding a package by a command of their own is the user's word for it. */
static int keep_trust(struct cage_session *session, struct cage_error *err)
{
    cage_config_finish(&session->config);
    cage_config_init(&session->config);
    if (cage_config_load(&session->config, session->project.dirfd, session->project.config, err) < 0)
        return -1;
    return cage_trust_record(&session->host, &session->project, &session->config, NULL, err);
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

static int edit(const struct cage_cli *cli, edit_function *function, const char *verb, struct cage_error *err)
{
    CAGE_SESSION_AUTO session = {0};
    CAGE_STRBUF_AUTO text = {0};
    CAGE_STRBUF_AUTO edited = {0};
    __attribute__((cleanup(cage_files_finish))) struct cage_files files = {.dirfd = -1};
    size_t changed = 0;
    bool trusted;
    mode_t mode = 0;

    cage_session_init(&session);
    cage_strbuf_init(&text);
    cage_strbuf_init(&edited);
    if (!cli->words[0]) {
        cage_error_set(err, CAGE_ERR_USAGE, "%s: no package given", cli->command->name);
        return cage_error_hint(err,
                               "name them as nixpkgs does, for example: nodejs_22 python3Packages.requests");
    }
    if (cage_session_find(&session, cli, err) < 0 ||
        cage_files_open(&files, session.project.root, false, err) < 0 ||
        cage_config_load(&session.config, session.project.dirfd, session.project.config, err) < 0 ||
        read_config(&files, &text, &mode, err) < 0)
        return -1;
    if (function(session.project.config, text.buf, text.len, cli->words, &edited, &changed, err) < 0)
        return -1;
    if (changed && function == cage_config_add_packages && resolve(&session, &edited, err) < 0)
        return -1;
    trusted = is_trusted(&session);
    if (changed && cage_files_put(files.dirfd, CONFIG, &edited, mode, err) < 0)
        return -1;
    if (changed && trusted && keep_trust(&session, err) < 0)
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
