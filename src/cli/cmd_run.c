/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run and shell. */
#include "backend/backend.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/limits.h"
#include "cli/project_files.h"
#include "cli/session.h"
#include "nix/nix.h"
#include "plan/plan.h"
#include "run/run.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define NIX_ENV_AUTO __attribute__((cleanup(cage_nix_env_finish))) struct cage_nix_env
#define PLAN_AUTO __attribute__((cleanup(cage_plan_finish))) struct cage_plan
#define LIMITS_AUTO __attribute__((cleanup(cage_limits_forget))) struct cage_cli_limits
#define BWRAP_AUTO __attribute__((cleanup(cage_bwrap_finish))) struct cage_bwrap

/* Parents come before what is in them. */
static int make_directories(const struct cage_strv *dirs, struct cage_error *err)
{
    for (size_t i = 0; i < dirs->n; i++)
        if (mkdir(dirs->items[i], 0700) < 0 && errno != EEXIST)
            return cage_error_sys(err, errno, "cannot create the directory %s", dirs->items[i]);
    return 0;
}

static void say(const char *line)
{
    cage_cli_note("%s", line);
}

static int plan_and_run(struct cage_session *session, char *const *argv, const struct cage_nix_env *nix,
                        const struct cage_bwrap *bwrap, struct cage_error *err)
{
    const struct cage_plan_input input = {
        .config = &session->config,
        .host = &session->host,
        .project = &session->project,
        .nix = nix,
        .argv = argv,
        .interactive = !argv,
        .has_tty = isatty(STDIN_FILENO) == 1,
    };
    struct cage_run_options options = {.host = &session->host, .bwrap = bwrap, .capture_fd = -1, .say = say};
    LIMITS_AUTO limits = {0};
    PLAN_AUTO plan;
    int status;

    *err = (struct cage_error){0};
    cage_plan_init(&plan);
    if (cage_plan_build(&plan, &input, err) < 0 || make_directories(&plan.make_dirs, err) < 0)
        return -1;
    for (size_t i = 0; i < plan.warnings.n; i++)
        cage_cli_note("warning: %s", plan.warnings.items[i]);
    if (cage_limits_prepare(&limits, session, &plan.limits, err) < 0)
        return -1;
    options.limits = &limits.way;
    options.limits_on = &limits.system;
    if (cage_run(&plan, &options, &status, err) < 0)
        return -1;
    /* The cage was fine, the command was not there: its status stands, with a word about it. */
    if (err->code != CAGE_ERR_NONE)
        cage_cli_complain(err);
    return status;
}

/* argv NULL: an interactive shell. */
static int enter(struct cage_session *session, char *const *argv, struct cage_error *err)
{
    const struct cage_nix_request request = {
        .host = &session->host,
        .config = &session->config,
        .project = &session->project,
    };
    NIX_ENV_AUTO nix;
    BWRAP_AUTO bwrap = {0};
    bool needed = cage_nix_needed(&session->config), made;

    cage_nix_env_init(&nix);
    if (session->config.level != CAGE_LEVEL_STRICT &&
        cage_files_make_state(session->project.dirfd, &made, err) < 0)
        return cage_error_wrap(err, "%s", session->project.root);
    if (cage_bwrap_probe(&session->host, &bwrap, err) < 0)
        return -1;
    if (needed && cage_nix_resolve(&request, &nix, err) < 0)
        return -1;
    return plan_and_run(session, argv, needed ? &nix : NULL, &bwrap, err);
}

static int refuse_debug(const struct cage_cli *cli, struct cage_error *err)
{
    if (!cli->given[CAGE_OPT_DEBUG])
        return 0;
    return cage_error_set(err, CAGE_ERR_USAGE, "--debug is not supported yet");
}

/* Appends the words of [cage] command. */
static void configured_command(const struct cage_config *config, struct cage_strv *argv)
{
    for (size_t i = 0; i < config->command.n; i++)
        cage_strv_add(argv, config->command.items[i].value);
}

/* `run rg -- PATTERN` means rg as DIR: say so when it is none. */
static void explain_dir(const struct cage_cli *cli, const struct cage_session *session,
                        struct cage_error *err)
{
    if (cli->dir && !session->project.root && !err->hint[0])
        cage_error_hint(err, "the word before '--' is the project; to run it: nixcage run -- %s -- ...",
                        cli->dir);
}

int cage_cmd_run(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_SESSION_AUTO session;
    CAGE_STRV_AUTO command = {0};

    cage_session_init(&session);
    if (refuse_debug(cli, err) < 0)
        return -1;
    if (cage_session_open(&session, cli, err) < 0) {
        explain_dir(cli, &session, err);
        return -1;
    }
    cage_strv_add_all(&command, cli->words);
    if (command.n == 0)
        configured_command(&session.config, &command);
    if (command.n == 0) {
        cage_error_set(err, CAGE_ERR_USAGE, "run: no command given, and %s has no [cage] command",
                       session.project.config);
        return cage_error_hint(err, "write 'nixcage run CMD', or 'nixcage shell' for a shell");
    }
    return enter(&session, cage_strv_argv(&command), err);
}

int cage_cmd_shell(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_SESSION_AUTO session;
    CAGE_STRV_AUTO command = {0};

    cage_session_init(&session);
    if (refuse_debug(cli, err) < 0 || cage_session_open(&session, cli, err) < 0)
        return -1;
    configured_command(&session.config, &command);
    return enter(&session, command.n ? cage_strv_argv(&command) : NULL, err);
}
