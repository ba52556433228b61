/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/options.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/suggest.h"
#include "cli/cli.h"

#include <string.h>

static const struct cage_option options[CAGE_OPT_COUNT] = {
    {CAGE_OPT_ALL, "all", 0, NULL, "also those that only projects use, no running cage"},
    {CAGE_OPT_ARGV, "argv", 0, NULL, "print the bwrap command that would run"},
    {CAGE_OPT_DEBUG, "debug", 0, "=FILE", "show what the cage refused, when the command ends"},
    {CAGE_OPT_DIFF, "diff", 0, NULL, "show what is new since it was allowed"},
    {CAGE_OPT_FOLLOW, "follow", 0, NULL, "wait for more and print it as it comes"},
    {CAGE_OPT_FORCE, "force", 0, NULL, "replace an existing nixcage.toml (kept as nixcage.toml.bak)"},
    {CAGE_OPT_HELP, "help", 'h', NULL, "show this help"},
    {CAGE_OPT_JSON, "json", 0, NULL, "print JSON"},
    {CAGE_OPT_PLATFORM, "platform", 0, "macos", "as on a Mac with the files of this machine"},
    {CAGE_OPT_PRESET, "preset", 0, "NAME", "start from a preset (nixcage list-presets)"},
    {CAGE_OPT_SBPL, "sbpl", 0, NULL, "print the profile for sandbox-exec (macOS)"},
    {CAGE_OPT_STALE, "stale", 0, NULL, "use the last packages when Nix cannot make the new ones"},
    {CAGE_OPT_YES, "yes", 0, NULL, "do not ask"},
};

const struct cage_option *cage_options(void)
{
    return options;
}

bool cage_option_is_optional(const struct cage_option *option)
{
    return option->value && option->value[0] == '=';
}

const struct cage_command *cage_command_find(const char *name)
{
    size_t n;
    const struct cage_command *commands = cage_commands(&n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static bool takes(const struct cage_command *command, const struct cage_option *option)
{
    return option->id == CAGE_OPT_HELP || (command->options & 1u << option->id) != 0;
}

static int unknown_option(const struct cage_command *command, const char *word, struct cage_error *err)
{
    cage_autofree char *name = cage_strndup(word, strcspn(word, "="));
    const char *names[CAGE_OPT_COUNT], *close;
    size_t n = 0;

    for (size_t i = 0; i < CAGE_OPT_COUNT; i++)
        if (takes(command, &options[i]))
            names[n++] = options[i].name;
    close = cage_suggest(name + strspn(name, "-"), names, n);
    cage_error_set(err, CAGE_ERR_USAGE, "%s: unknown option '%s'", command->name, name);
    if (close)
        return cage_error_hint(err, "did you mean '--%s'?", close);
    return cage_error_hint(err, "see 'nixcage %s --help'", command->name);
}

static const struct cage_option *match_option(const struct cage_command *command, const char *word)
{
    size_t len = strcspn(word, "=");

    for (size_t i = 0; i < CAGE_OPT_COUNT; i++) {
        const struct cage_option *o = &options[i];
        bool is_short = o->letter && word[1] == o->letter && word[2] == '\0';
        bool is_long =
            word[1] == '-' && len == strlen(o->name) + 2 && strncmp(word + 2, o->name, len - 2) == 0;

        if ((is_short || is_long) && takes(command, o))
            return o;
    }
    return NULL;
}

/* Parses the option at *argv and steps over it, and over its value. */
static int parse_option(struct cage_cli *cli, char *const **argv, struct cage_error *err)
{
    const char *word = **argv, *equals = strchr(word, '=');
    const struct cage_option *option = match_option(cli->command, word);

    if (!option)
        return unknown_option(cli->command, word, err);
    (*argv)++;
    if (!option->value && equals) {
        cage_error_set(err, CAGE_ERR_USAGE, "--%s takes no value", option->name);
        return cage_error_hint(err, "leave out the = and what follows it");
    }
    if (cage_option_is_optional(option) && (!equals || equals[1])) {
        cli->values[option->id] = equals ? equals + 1 : NULL;
    } else if (option->value) {
        const char *value = equals ? equals + 1 : **argv;

        if (!value || !*value || (!equals && value[0] == '-')) {
            cage_error_set(err, CAGE_ERR_USAGE, "--%s requires a value", option->name);
            return cage_error_hint(err, "write --%s=%s", option->name,
                                   option->value + (option->value[0] == '='));
        }
        if (!equals)
            (*argv)++;
        cli->values[option->id] = value;
    }
    cli->given[option->id] = true;
    return 0;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* [DIR --] [CMD [ARG...]]; what follows CMD belongs to CMD. cagerun has no DIR: it knows its project. */
static int parse_command_line(struct cage_cli *cli, char *const *argv, struct cage_error *err)
{
    while (*argv && is_option(*argv) && strcmp(*argv, "--") != 0)
        if (parse_option(cli, &argv, err) < 0)
            return -1;
    if (argv[0] && strcmp(argv[0], "--") == 0) {
        argv++;
    } else if (!cli->alias && argv[0] && argv[1] && strcmp(argv[1], "--") == 0) {
        cli->dir = argv[0];
        argv += 2;
    }
    cli->words = argv;
    return 0;
}

static int too_many(const struct cage_cli *cli, const char *word, struct cage_error *err)
{
    cage_error_set(err, CAGE_ERR_USAGE, "%s: unexpected argument '%s'", cli->command->name, word);
    return cage_error_hint(err, "see 'nixcage %s --help'", cli->command->name);
}

/*
 * Options and operands in any order; "--" ends the options. The words are left where they stand: at most one
 * is allowed, or they all follow the options.
 */
static int parse_operands(struct cage_cli *cli, char *const *argv, struct cage_error *err)
{
    bool many = cli->command->operands == CAGE_OPERANDS_PACKAGES;
    bool literal = false;
    char *const *first = NULL;
    const char *extra = NULL;

    while (*argv) {
        if (!literal && strcmp(*argv, "--") == 0) {
            literal = true;
            argv++;
        } else if (!literal && is_option(*argv) && !(many && first)) {
            if (parse_option(cli, &argv, err) < 0)
                return -1;
        } else {
            if (first && !many && !extra)
                extra = *argv;
            first = first ? first : argv;
            argv++;
        }
    }
    if (cli->given[CAGE_OPT_HELP])
        return 0;
    if (extra || (first && cli->command->operands == CAGE_OPERANDS_NONE))
        return too_many(cli, extra ? extra : *first, err);
    cli->words = first ? first : argv;
    if (first && cli->command->operands == CAGE_OPERANDS_DIR)
        cli->dir = *first;
    if (cli->dir && !*cli->dir) {
        cage_error_set(err, CAGE_ERR_USAGE, "%s: the directory is an empty word", cli->command->name);
        return cage_error_hint(err, "leave it out for the current directory; a variable in it may be unset");
    }
    return 0;
}

int cage_cli_unknown_command(const char *word, struct cage_error *err)
{
    const char *names[64], *close;
    size_t n, visible = 0;
    const struct cage_command *commands = cage_commands(&n);

    for (size_t i = 0; i < n && visible < CAGE_LEN(names); i++)
        if (!commands[i].hidden)
            names[visible++] = commands[i].name;
    close = cage_suggest(word, names, visible);
    if (is_option(word))
        cage_error_set(err, CAGE_ERR_USAGE, "unknown option '%s'", word);
    else
        cage_error_set(err, CAGE_ERR_USAGE, "unknown command '%s'", word);
    if (close)
        return cage_error_hint(err, "did you mean '%s'?", close);
    if (is_option(word))
        return cage_error_hint(err, "see 'nixcage help'");
    return cage_error_hint(err, "see 'nixcage help'; to run it in the cage: nixcage run %s", word);
}

/* The command of the first word; words is left behind it. */
static const struct cage_command *choose(char *const **argv, struct cage_error *err)
{
    const char *called = (*argv)[0] ? cage_path_basename((*argv)[0]) : "nixcage";
    const struct cage_command *command;
    const char *word;

    if (!(*argv)[0])
        return cage_command_find("help");
    (*argv)++;
    if (strcmp(called, "cage") == 0)
        return cage_command_find("shell");
    if (strcmp(called, "cagerun") == 0)
        return cage_command_find("run");
    word = (*argv)[0];
    if (!word) {
        cage_error_set(err, CAGE_ERR_USAGE, "no command given");
        cage_error_hint(err, "see 'nixcage help'");
        return NULL;
    }
    (*argv)++;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return cage_command_find("help");
    if (strcmp(word, "--version") == 0)
        return cage_command_find("version");
    command = cage_command_find(word);
    if (!command)
        cage_cli_unknown_command(word, err);
    return command;
}

/* `cage` and `cagerun` belong to the project that direnv activated. */
static void use_active_project(struct cage_cli *cli, const char *called)
{
    size_t len = strlen("NIXCAGE_ROOT=");

    cli->alias = strcmp(called, "cage") == 0 || strcmp(called, "cagerun") == 0;
    if (!cli->alias)
        return;
    for (char *const *e = cli->environ_; e && *e; e++)
        if (strncmp(*e, "NIXCAGE_ROOT=", len) == 0 && (*e)[len] == '/')
            cli->active_root = *e + len;
}

int cage_cli_parse(struct cage_cli *cli, char *const *argv, struct cage_error *err)
{
    const char *called = argv[0] ? cage_path_basename(argv[0]) : "";
    int rc;

    cli->command = choose(&argv, err);
    if (!cli->command)
        return -1;
    use_active_project(cli, called);
    if (cli->command->operands == CAGE_OPERANDS_COMMAND)
        rc = parse_command_line(cli, argv, err);
    else
        rc = parse_operands(cli, argv, err);
    return rc;
}
