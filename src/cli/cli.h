/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The subcommands, and what they share. */
#ifndef CAGE_CLI_CLI_H
#define CAGE_CLI_CLI_H

#include "base/strbuf.h"
#include "base/strv.h"
#include "cli/options.h"
#include "config/config.h"

/* Exit codes of nixcage's own, as env(1) and docker(1) use them. */
enum {
    CAGE_EXIT_OK = 0,
    CAGE_EXIT_STATUS = 1, /* status: no project, or something required is missing */
    CAGE_EXIT_FAILED = 125,
};

/*
 * Runs the command line. Returns the exit status, or -1 with *err for main() to render. What a command
 * prints on standard output goes through cage_cli_print(); notes for the user through cage_cli_note().
 */
int cage_cli_main(char *const *argv, char *const *environ_, struct cage_error *err) CAGE_MUST_CHECK;

/* Writes text to standard output; a full disk is an error. */
int cage_cli_print(const struct cage_strbuf *text, struct cage_error *err) CAGE_MUST_CHECK;

/* As cage_cli_print() for text that people read: on a terminal, long lines are wrapped to its width. */
int cage_cli_print_wrapped(const struct cage_strbuf *text, char *const *environ_,
                           struct cage_error *err) CAGE_MUST_CHECK;

/* One line on standard error after "nixcage: "; control characters are replaced. */
void cage_cli_note(const char *fmt, ...) CAGE_PRINTF(1, 2);

/* The error on standard error, after "nixcage: ". */
void cage_cli_complain(const struct cage_error *err);

/* Whether somebody is there to be asked: standard input and error are terminals. */
bool cage_cli_can_ask(void);

/* Asks a yes-or-no question on the terminal; anything but y is no. */
bool cage_cli_ask(const char *question);

/* Appends the words of [cage] command. */
void cage_cli_configured_command(const struct cage_config *config, struct cage_strv *argv);

/* Whether this process runs in a cage, by what the cage sets in its environment. */
bool cage_cli_is_inside(char *const *environ_);

/* No command has this name: the error, with the name that is meant where one is close. Returns -1. */
int cage_cli_unknown_command(const char *word, struct cage_error *err);

/* The help of one command, or of nixcage when command is NULL. Pure. */
void cage_help_render(const struct cage_command *command, struct cage_strbuf *out);

/* Completions for "bash", "zsh" or "fish" from the option table. Pure. -1: another shell. */
int cage_completions_render(const char *shell, struct cage_strbuf *out,
                            struct cage_error *err) CAGE_MUST_CHECK;

/*
 * Prints names of packages for the shells' completion, one a line: those of the current project or,
 * known_elsewhere, those of all projects whose packages were resolved, but for the current project's.
 */
int cage_complete_packages(const struct cage_cli *cli, bool known_elsewhere, struct cage_error *err);

/* One function for each subcommand: see struct cage_command. */
int cage_cmd_add(const struct cage_cli *cli, struct cage_error *err);
/* Remembers that this configuration was read and is wanted, after a question unless --yes. */
int cage_cmd_allow(const struct cage_cli *cli, struct cage_error *err);
/* _completions SHELL: prints them. */
int cage_cmd_completions(const struct cage_cli *cli, struct cage_error *err);
/* Forgets that the configuration was allowed. */
int cage_cmd_deny(const struct cage_cli *cli, struct cage_error *err);
/* Removes what nixcage made in a project, and nothing else. */
int cage_cmd_destroy(const struct cage_cli *cli, struct cage_error *err);
/* _direnv_hook: prints what .envrc evaluates. Starts no Nix process. */
int cage_cmd_direnv_hook(const struct cage_cli *cli, struct cage_error *err);
/* Removes cached environments and stores that nothing uses. */
int cage_cmd_gc(const struct cage_cli *cli, struct cage_error *err);
/* Prints the help of nixcage or of one command. */
int cage_cmd_help(const struct cage_cli *cli, struct cage_error *err);
/* Makes nixcage.toml, .envrc and .nixcage in a directory. */
int cage_cmd_init(const struct cage_cli *cli, struct cage_error *err);
/* Prints the presets, built in and the user's own. */
int cage_cmd_list_presets(const struct cage_cli *cli, struct cage_error *err);
/* Prints what the network gate let through and refused. */
int cage_cmd_log(const struct cage_cli *cli, struct cage_error *err);
/* Prints what a run would do; resolves the packages for it, and starts no cage. */
int cage_cmd_plan(const struct cage_cli *cli, struct cage_error *err);
/* destroy, then init; the old nixcage.toml stays as nixcage.toml.bak. */
int cage_cmd_reinit(const struct cage_cli *cli, struct cage_error *err);
/* Takes packages out of nixcage.toml, after it was seen that the rest resolves. */
int cage_cmd_remove(const struct cage_cli *cli, struct cage_error *err);
/* Runs a command in the cage; returns the command's exit code. */
int cage_cmd_run(const struct cage_cli *cli, struct cage_error *err);
/* Tries the known ways out, in a cage of this project. */
int cage_cmd_selftest(const struct cage_cli *cli, struct cage_error *err);
/* Runs an interactive shell in the cage; returns its exit code. */
int cage_cmd_shell(const struct cage_cli *cli, struct cage_error *err);
/* Prints the configuration, what the machine has, and what is missing. */
int cage_cmd_status(const struct cage_cli *cli, struct cage_error *err);
/* Prints the version. */
int cage_cmd_version(const struct cage_cli *cli, struct cage_error *err);

#endif
