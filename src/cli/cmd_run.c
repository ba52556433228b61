/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run and shell. */
#include "cli/cli.h"
#include "cli/debug.h"
#include "cli/enter.h"
#include "cli/limits.h"
#include "cli/project_files.h"
#include "run/run.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { FEW_BINDS = 20 };

#define LIMITS_AUTO __attribute__((cleanup(cage_limits_forget))) struct cage_cli_limits

static void say(const char *line)
{
    cage_cli_note("%s", line);
}

/* Else bwrap is started with its mounts made. */
static bool fits_ahead(const struct cage_config *config)
{
    return config->ro_bind.n + config->rw_bind.n <= FEW_BINDS;
}

/* As cage_session_open(), with bwrap started as soon as it can be. */
static int open_session(struct cage_session *session, struct cage_entry *entry, const struct cage_cli *cli,
                        struct cage_error *err)
{
    if (cage_session_find(session, cli, err) < 0)
        return -1;
    if (!cli->given[CAGE_OPT_DEBUG])
        cage_entry_start_ahead(entry, &session->host);
    if (cage_config_load(&session->config, session->project.dirfd, session->project.config, err) < 0)
        return -1;
    if (!fits_ahead(&session->config))
        cage_run_ahead_finish(&entry->ahead);
    return 0;
}

/* argv NULL: an interactive shell. */
static int enter(struct cage_session *session, struct cage_entry *entry, const struct cage_cli *cli,
                 char *const *argv, struct cage_error *err)
{
    CAGE_DEBUG_AUTO debug = {0};
    LIMITS_AUTO limits = {0};
    const struct cage_limits wanted = cage_plan_limits(&session->config, &session->host);
    struct cage_run_options options = {
        .host = &session->host,
        .bwrap = &entry->bwrap,
        .capture_fd = -1,
        .say = say,
    };
    bool made;
    int status, rc;

    cage_debug_init(&debug);
    entry->stale_ok = cli->given[CAGE_OPT_STALE];
    if (cage_run_check_stdio(err) < 0 || cage_trust_require(session, err) < 0)
        return -1;
    /* Before the plan, which notes what the directories are, for the init to compare. */
    if (session->config.level != CAGE_LEVEL_STRICT &&
        cage_files_make_state(session->project.dirfd, &made, err) < 0)
        return cage_error_wrap(err, "%s", session->project.root);
    /* Where bwrap is there already, before the plan: systemd works meanwhile. */
    if (entry->ahead && (cage_limits_prepare(&limits, session, &wanted, err) < 0 ||
                         cage_run_ahead_limit(entry->ahead, &limits.way, err) < 0))
        return -1;
    if (cage_entry_prepare(entry, session, argv, err) < 0 ||
        (!entry->ahead && cage_limits_prepare(&limits, session, &wanted, err) < 0))
        return -1;
    options.limits = &limits.way;
    options.limits_on = &limits.system;
    if (cage_debug_start(&debug, cli, session, &entry->plan, err) < 0)
        return -1;
    options.wrapper = cage_debug_wrapper(&debug);
    options.denials = cage_debug_denials(&debug);
    options.ahead = entry->ahead;
    *err = (struct cage_error){0};
    rc = cage_run(&entry->plan, &options, &status, err);
    cage_debug_end(&debug, rc < 0 ? 0 : status);
    if (rc < 0)
        return -1;
    /* The cage was fine, the command was not there: its status stands, with a word about it. */
    if (err->code != CAGE_ERR_NONE)
        cage_cli_complain(err);
    return status;
}

void cage_cli_configured_command(const struct cage_config *config, struct cage_strv *argv)
{
    for (size_t i = 0; i < config->command.n; i++)
        cage_strv_add(argv, config->command.items[i].value);
}

/* `run rg -- PATTERN` means rg as DIR, `run DIR CMD` means DIR as CMD: say so. */
static void explain_dir(const struct cage_cli *cli, const struct cage_session *session,
                        struct cage_error *err)
{
    const char *word = cli->words && cli->words[0] ? cli->words[0] : "";
    struct stat st;

    if (!cli->dir && !session->project.root && strchr(word, '/') && stat(word, &st) == 0 &&
        S_ISDIR(st.st_mode))
        cage_error_hint(err, "to run a command in that directory: nixcage run %s -- COMMAND", word);
    if (cli->dir && !session->project.root && (stat(cli->dir, &st) < 0 || !S_ISDIR(st.st_mode)))
        cage_error_hint(err, "the word before '--' is the project; to run it: nixcage run -- %s -- ...",
                        cli->dir);
}

int cage_cmd_run(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_SESSION_AUTO session = {0};
    CAGE_ENTRY_AUTO entry = {0};
    CAGE_STRV_AUTO command = {0};

    cage_session_init(&session);
    cage_entry_init(&entry);
    if (open_session(&session, &entry, cli, err) < 0) {
        explain_dir(cli, &session, err);
        return -1;
    }
    cage_strv_add_all(&command, cli->words);
    if (command.n == 0)
        cage_cli_configured_command(&session.config, &command);
    if (command.n == 0) {
        cage_error_set(err, CAGE_ERR_USAGE, "run: no command given, and %s has no [cage] command",
                       session.project.config);
        return cage_error_hint(err, "write 'nixcage run CMD', or 'nixcage shell' for a shell");
    }
    return enter(&session, &entry, cli, cage_strv_argv(&command), err);
}

int cage_cmd_shell(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_SESSION_AUTO session = {0};
    CAGE_ENTRY_AUTO entry = {0};
    CAGE_STRV_AUTO command = {0};

    cage_session_init(&session);
    cage_entry_init(&entry);
    if (open_session(&session, &entry, cli, err) < 0)
        return -1;
    cage_cli_configured_command(&session.config, &command);
    return enter(&session, &entry, cli, command.n ? cage_strv_argv(&command) : NULL, err);
}
