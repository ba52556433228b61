/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of subcommands. A command is listed once it works. */
#include "base/mem.h"
#include "cli/cli.h"

enum {
    ALL = 1u << CAGE_OPT_ALL,
    ARGV = 1u << CAGE_OPT_ARGV,
    DEBUG = 1u << CAGE_OPT_DEBUG,
    DIFF = 1u << CAGE_OPT_DIFF,
    JSON = 1u << CAGE_OPT_JSON,
    PLATFORM = 1u << CAGE_OPT_PLATFORM,
    PRESET = 1u << CAGE_OPT_PRESET,
    SBPL = 1u << CAGE_OPT_SBPL,
    STALE = 1u << CAGE_OPT_STALE,
    FOLLOW = 1u << CAGE_OPT_FOLLOW,
    FORCE = 1u << CAGE_OPT_FORCE,
    YES = 1u << CAGE_OPT_YES,
};

static const struct cage_command commands[] = {
    {
        .name = "init",
        .synopsis = "[DIR]",
        .summary = "Set up a project: nixcage.toml, .envrc and .nixcage/",
        .details = "DIR (default: here) is made if missing. Nothing of yours is overwritten: an\n"
                   ".envrc you have is kept, and nixcage's lines are added to it as a marked block.\n",
        .options = PRESET | FORCE,
        .operands = CAGE_OPERANDS_DIR,
        .outside = true,
        .run = cage_cmd_init,
    },
    {
        .name = "reinit",
        .synopsis = "[DIR]",
        .summary = "Set up the project anew; nixcage.toml.bak is the old file",
        .details = "Does 'destroy', then 'init'. What the cage kept in .nixcage/ is removed too.\n",
        .options = PRESET | YES,
        .operands = CAGE_OPERANDS_DIR,
        .outside = true,
        .run = cage_cmd_reinit,
    },
    {
        .name = "destroy",
        .synopsis = "[DIR]",
        .summary = "Remove what nixcage made in the project, and nothing else",
        .details = "Removes nixcage.toml, .nixcage/ and the block in .envrc; .envrc itself only when\n"
                   "nothing else is left in it. Asks first on a terminal.\n",
        .options = YES,
        .operands = CAGE_OPERANDS_DIR,
        .outside = true,
        .run = cage_cmd_destroy,
    },
    {
        .name = "run",
        .synopsis = "[DIR --] CMD [ARG...]",
        .summary = "Run a command in the cage",
        .details = "CMD gets its arguments exactly as they are: there is no shell in between.\n"
                   "Options of nixcage end at the first word that is not one. Without CMD, the\n"
                   "[cage] command of nixcage.toml runs. The project is the nearest directory with\n"
                   "a nixcage.toml, from DIR (default: here) upwards.\n"
                   "\n"
                   "  nixcage run npm test\n"
                   "  nixcage run ~/project -- git status\n"
                   "  nixcage run -- rg -- -x     (CMD is rg: the first -- ends the options)\n",
        .options = DEBUG | STALE,
        .operands = CAGE_OPERANDS_COMMAND,
        .outside = true,
        .run = cage_cmd_run,
    },
    {
        .name = "shell",
        .synopsis = "[DIR]",
        .summary = "Start an interactive shell in the cage",
        .details = "When [cage] command of nixcage.toml is set, that command starts instead.\n",
        .options = DEBUG | STALE,
        .operands = CAGE_OPERANDS_DIR,
        .outside = true,
        .run = cage_cmd_shell,
    },
    {
        .name = "status",
        .synopsis = "[DIR]",
        .summary = "Show the project's configuration and what is missing here",
        .details = "Exit status 1: no project, or something that is required is missing.\n",
        .options = JSON,
        .operands = CAGE_OPERANDS_DIR,
        .run = cage_cmd_status,
    },
    {
        .name = "plan",
        .synopsis = "[DIR]",
        .summary = "Show what a run would do, without doing it",
        .details = "Every mount, variable, host and limit, each with the line of nixcage.toml or the\n"
                   "rule it comes from. Never the value of a variable.\n",
        .options = ARGV | DIFF | JSON | PLATFORM | SBPL,
        .operands = CAGE_OPERANDS_DIR,
        .outside = true,
        .run = cage_cmd_plan,
    },
    {
        .name = "selftest",
        .synopsis = "[DIR]",
        .summary = "Try the known ways out of the cage, in a cage of this project",
        .details = "Each is blocked, open, allowed by a line of nixcage.toml, or not applicable:\n"
                   "refused outside the cage, too. Exit status 1: one is open.\n",
        .options = JSON,
        .operands = CAGE_OPERANDS_DIR,
        .outside = true,
        .run = cage_cmd_selftest,
    },
    {
        .name = "allow",
        .synopsis = "[DIR]",
        .summary = "Trust the project's nixcage.toml as it is now",
        .details = "Shows what it grants, or what is new in it, and asks. A nixcage.toml that grants\n"
                   "more than was allowed does not run.\n",
        .options = YES,
        .operands = CAGE_OPERANDS_DIR,
        .outside = true,
        .run = cage_cmd_allow,
    },
    {
        .name = "deny",
        .synopsis = "[DIR]",
        .summary = "Withdraw that trust",
        .operands = CAGE_OPERANDS_DIR,
        .outside = true,
        .run = cage_cmd_deny,
    },
    {
        .name = "add",
        .synopsis = "PACKAGE...",
        .summary = "Add packages to nixcage.toml",
        .details = "Only that list changes: comments and layout stay as they are.\n",
        .operands = CAGE_OPERANDS_PACKAGES,
        .outside = true,
        .run = cage_cmd_add,
    },
    {
        .name = "remove",
        .synopsis = "PACKAGE...",
        .summary = "Remove packages from nixcage.toml",
        .operands = CAGE_OPERANDS_PACKAGES,
        .outside = true,
        .run = cage_cmd_remove,
    },
    {
        .name = "log",
        .synopsis = "[DIR]",
        .summary = "Show what the network gate let through and refused",
        .details = "Runs with hosts, expose or host_ports are recorded, out of the cage's reach.\n"
                   "--json prints one object on each line.\n",
        .options = JSON | FOLLOW,
        .operands = CAGE_OPERANDS_DIR,
        .outside = true,
        .run = cage_cmd_log,
    },
    {
        .name = "gc",
        .synopsis = "",
        .summary = "Drop cached environments that nothing uses",
        .details = "Neither a running cage nor a project uses them. Their store paths go with the\n"
                   "next nix-collect-garbage.\n",
        .options = ALL,
        .operands = CAGE_OPERANDS_NONE,
        .outside = true,
        .run = cage_cmd_gc,
    },
    {
        .name = "list-presets",
        .synopsis = "",
        .summary = "List the presets that init can start from",
        .details = "Your own are the files presets/NAME.toml in $XDG_CONFIG_HOME/nixcage.\n",
        .options = JSON,
        .operands = CAGE_OPERANDS_NONE,
        .run = cage_cmd_list_presets,
    },
    {
        .name = "version",
        .synopsis = "",
        .summary = "Print the version",
        .operands = CAGE_OPERANDS_NONE,
        .run = cage_cmd_version,
    },
    {
        .name = "help",
        .synopsis = "[COMMAND]",
        .summary = "Print this help, or a command's",
        .operands = CAGE_OPERANDS_TOPIC,
        .run = cage_cmd_help,
    },
    {
        .name = "_direnv_hook",
        .synopsis = "",
        .summary = "Print what .envrc evaluates",
        .operands = CAGE_OPERANDS_NONE,
        .hidden = true,
        .run = cage_cmd_direnv_hook,
    },
    {
        .name = "_completions",
        .synopsis = "bash|zsh|fish",
        .summary = "Print the completions for a shell",
        .operands = CAGE_OPERANDS_SHELL,
        .hidden = true,
        .run = cage_cmd_completions,
    },
};

const struct cage_command *cage_commands(size_t *n)
{
    *n = CAGE_LEN(commands);
    return commands;
}
