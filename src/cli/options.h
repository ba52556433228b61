/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one table of subcommands and options. It drives parsing, dispatch, --help, the completions and the
 * check of the manual. Parsing only looks at its arguments: nothing is opened or printed.
 */
#ifndef CAGE_CLI_OPTIONS_H
#define CAGE_CLI_OPTIONS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum cage_option_id {
    CAGE_OPT_ALL,
    CAGE_OPT_ARGV,
    CAGE_OPT_DEBUG,
    CAGE_OPT_DIFF,
    CAGE_OPT_FOLLOW,
    CAGE_OPT_FORCE,
    CAGE_OPT_HELP,
    CAGE_OPT_JSON,
    CAGE_OPT_PLATFORM,
    CAGE_OPT_PRESET,
    CAGE_OPT_SBPL,
    CAGE_OPT_STALE,
    CAGE_OPT_YES,
    CAGE_OPT_COUNT
};

struct cage_option {
    enum cage_option_id id;
    const char *name;  /* without the dashes */
    char letter;       /* 0: none */
    const char *value; /* its placeholder; NULL: takes none; "=FILE": only as --NAME=FILE, or not at all */
    const char *help;
};

/* What follows a command's options. */
enum cage_operands {
    CAGE_OPERANDS_NONE,
    CAGE_OPERANDS_DIR,      /* [DIR] */
    CAGE_OPERANDS_COMMAND,  /* [DIR --] [CMD [ARG...]]: options end at the first word that is not one */
    CAGE_OPERANDS_TOPIC,    /* [COMMAND] */
    CAGE_OPERANDS_SHELL,    /* bash, zsh or fish */
    CAGE_OPERANDS_PACKAGES, /* PACKAGE... */
};

struct cage_cli;

struct cage_command {
    const char *name;
    const char *synopsis; /* the operands, as --help shows them */
    const char *summary;  /* one line */
    const char *details;  /* further lines for --help, each ending in a newline; NULL: none */
    unsigned options;     /* set of 1u << enum cage_option_id; CAGE_OPT_HELP is always in it */
    enum cage_operands operands;
    bool hidden;  /* neither listed nor completed */
    bool outside; /* makes no sense in a cage: refused there */
    /* Does it. Returns the exit status, or -1 with *err. */
    int (*run)(const struct cage_cli *cli, struct cage_error *err);
};

/* A parsed command line. Points into argv; owns nothing. */
struct cage_cli {
    const struct cage_command *command;
    bool given[CAGE_OPT_COUNT];
    const char *values[CAGE_OPT_COUNT];
    const char *dir;         /* DIR, or NULL */
    char *const *words;      /* what is left, NULL-terminated: CMD ARG..., COMMAND, SHELL, PACKAGE... */
    bool alias;              /* called as cage or cagerun */
    const char *active_root; /* alias: the project of NIXCAGE_ROOT, or NULL */
    char *const *environ_;
};

/* All commands in the order of the help; *n gets their number. Static. */
const struct cage_command *cage_commands(size_t *n);

/* All options in the order of their identifiers; CAGE_OPT_COUNT of them. Static. */
const struct cage_option *cage_options(void);

/* Whether its value may be left out; values[] is then NULL. */
bool cage_option_is_optional(const struct cage_option *option);

/* The command of that name (hidden ones too), or NULL. */
const struct cage_command *cage_command_find(const char *name);

/*
 * Parses what main() got into the zeroed *cli, whose environ_ is set: argv[0] called "cage" or "cagerun"
 * stands for the `shell` and `run` commands of the active project. Errors are CAGE_ERR_USAGE. --help and
 * --version become their commands.
 */
int cage_cli_parse(struct cage_cli *cli, char *const *argv, struct cage_error *err) CAGE_MUST_CHECK;

#endif
