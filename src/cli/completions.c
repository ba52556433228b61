/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Completions, generated from the table of commands so that they never fall behind it. */
#include "base/mem.h"
#include "cli/cli.h"

#include <string.h>

static bool takes(const struct cage_command *command, enum cage_option_id id)
{
    return id == CAGE_OPT_HELP || (command->options & 1u << id) != 0;
}

/* Calls each() for every command that is shown. */
static void for_commands(void (*each)(const struct cage_command *command, struct cage_strbuf *out),
                         struct cage_strbuf *out)
{
    size_t n;
    const struct cage_command *commands = cage_commands(&n);

    for (size_t i = 0; i < n; i++)
        if (!commands[i].hidden)
            each(&commands[i], out);
}

static void add_name(const struct cage_command *command, struct cage_strbuf *out)
{
    cage_strbuf_addf(out, "%s ", command->name);
}

static void add_names(struct cage_strbuf *out)
{
    for_commands(add_name, out);
    out->buf[--out->len] = '\0';
}

static void add_options(const struct cage_command *command, struct cage_strbuf *out)
{
    const char *space = "";

    for (size_t i = 0; i < CAGE_OPT_COUNT; i++) {
        if (!takes(command, cage_options()[i].id))
            continue;
        cage_strbuf_addf(out, "%s--%s", space, cage_options()[i].name);
        space = " ";
    }
}

/* bash(1), Programmable Completion; works with and without the bash-completion package. */

static void add_bash_case(const struct cage_command *command, struct cage_strbuf *out)
{
    cage_strbuf_addf(out, "    %s) options='", command->name);
    add_options(command, out);
    cage_strbuf_addf(
        out, "' operands=%s ;;\n",
        (const char *[]){"none", "dir", "command", "topic", "shell", "packages"}[command->operands]);
}

static const char bash_functions[] =
    "_nixcage_presets() {\n"
    "    nixcage list-presets 2>/dev/null | while read -r name _; do printf '%s\\n' \"$name\"; done\n"
    "}\n"
    "\n"
    "# Completes the words from $1 on as a command of its own; the first may be the project instead.\n"
    "_nixcage_command() {\n"
    "    if declare -F _comp_command_offset >/dev/null; then\n"
    "        _comp_command_offset \"$1\"\n"
    "    elif declare -F _command_offset >/dev/null; then\n"
    "        _command_offset \"$1\"\n"
    "    elif ((COMP_CWORD == $1)); then\n"
    "        mapfile -t COMPREPLY < <(compgen -c -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
    "    else\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
    "    fi\n"
    "}\n"
    "\n"
    "_nixcage() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} command options operands i=2 dirs\n"
    "    COMPREPLY=()\n"
    "    case ${1##*/} in\n"
    "    cage) command=shell i=1 ;;\n"
    "    cagerun) command=run i=1 ;;\n"
    "    *)\n"
    "        if ((COMP_CWORD == 1)); then\n"
    "            mapfile -t COMPREPLY < <(compgen -W \"$_nixcage_commands --help --version\" -- \"$cur\")\n"
    "            return\n"
    "        fi\n"
    "        command=${COMP_WORDS[1]}\n"
    "        ;;\n"
    "    esac\n"
    "    _nixcage_table \"$command\" || return 0\n"
    "    if [[ $operands == command ]]; then\n"
    "        while ((i < COMP_CWORD)) && [[ ${COMP_WORDS[i]} == -?* && ${COMP_WORDS[i]} != -- ]]; do "
    "((i++)); done\n"
    "        [[ ${COMP_WORDS[i + 1]} == -- ]] && ((i + 1 < COMP_CWORD)) && ((i++))\n"
    "        [[ ${COMP_WORDS[i]} == -- ]] && ((i < COMP_CWORD)) && ((i++))\n"
    "        if ((i < COMP_CWORD)) || [[ $cur != -* ]]; then\n"
    "            _nixcage_command \"$i\"\n"
    "            if ((i == COMP_CWORD)) && [[ ${COMP_WORDS[i - 1]} != -- ]]; then\n"
    "                compopt -o filenames 2>/dev/null\n"
    "                mapfile -t dirs < <(compgen -d -- \"$cur\")\n"
    "                COMPREPLY+=(\"${dirs[@]}\")\n"
    "            fi\n"
    "            return\n"
    "        fi\n"
    "    fi\n"
    "    if [[ ${COMP_WORDS[COMP_CWORD - 1]} == --preset ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$(_nixcage_presets)\" -- \"$cur\")\n"
    "    elif [[ $cur == -* ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
    "    elif [[ $operands == dir ]]; then\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n"
    "    elif [[ $operands == topic ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$_nixcage_commands\" -- \"$cur\")\n"
    "    elif [[ $operands == packages ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$(nixcage _completions \"packages-$command\" "
    "2>/dev/null)\" "
    "-- \"$cur\")\n"
    "    fi\n"
    "}\n"
    "\n"
    "complete -F _nixcage nixcage cage cagerun\n";

static void render_bash(struct cage_strbuf *out)
{
    cage_strbuf_add(
        out, "# bash completion for nixcage, made by 'nixcage _completions bash'\n_nixcage_commands='");
    add_names(out);
    cage_strbuf_add(
        out, "'\n\n# Sets options and operands of the command $1.\n_nixcage_table() {\n    case $1 in\n");
    for_commands(add_bash_case, out);
    cage_strbuf_add(out, "    *) return 1 ;;\n    esac\n}\n\n");
    cage_strbuf_add(out, bash_functions);
}

/* zshcompsys(1): in single quotes, with the characters escaped that _arguments and _describe treat specially.
 */
static void add_zsh_text(struct cage_strbuf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            cage_strbuf_add(out, "'\\''");
        else if (strchr("[]:\\", *text))
            cage_strbuf_addf(out, "\\%c", *text);
        else
            cage_strbuf_addc(out, *text);
    }
}

static void add_zsh_name(const struct cage_command *command, struct cage_strbuf *out)
{
    cage_strbuf_addf(out, "        '%s:", command->name);
    add_zsh_text(out, command->summary);
    cage_strbuf_add(out, "'\n");
}

static void add_zsh_case(const struct cage_command *command, struct cage_strbuf *out)
{
    static const char *const operands[] = {
        [CAGE_OPERANDS_NONE] = "",
        [CAGE_OPERANDS_DIR] = " '::directory:_files -/'",
        [CAGE_OPERANDS_COMMAND] = " '(-)1: :_nixcage_first' '*:: :_normal'",
        [CAGE_OPERANDS_TOPIC] = " '::command:_nixcage_commands'",
        [CAGE_OPERANDS_SHELL] = "",
        [CAGE_OPERANDS_PACKAGES] = " '*:package:_nixcage_packages'",
    };

    cage_strbuf_addf(out, "    %s)\n        _arguments -S", command->name);
    for (size_t i = 0; i < CAGE_OPT_COUNT; i++) {
        const struct cage_option *option = &cage_options()[i];

        if (!takes(command, option->id))
            continue;
        cage_strbuf_addf(out, " \\\n            '--%s%s[", option->name,
                         cage_option_is_optional(option) ? "=-"
                         : option->value                 ? "="
                                                         : "");
        add_zsh_text(out, option->help);
        cage_strbuf_addf(out, "]%s'",
                         option->id == CAGE_OPT_PRESET     ? ":preset:_nixcage_presets"
                         : cage_option_is_optional(option) ? "::file:_files"
                                                           : "");
    }
    cage_strbuf_addf(out, "%s%s\n        ;;\n", *operands[command->operands] ? " \\\n           " : "",
                     operands[command->operands]);
}

static void render_zsh(struct cage_strbuf *out)
{
    cage_strbuf_add(out, "#compdef nixcage cage cagerun\n"
                         "# zsh completion for nixcage, made by 'nixcage _completions zsh'\n\n"
                         "_nixcage_commands() {\n    local -a commands=(\n");
    for_commands(add_zsh_name, out);
    cage_strbuf_add(
        out,
        "    )\n    _describe -t commands command commands\n}\n\n"
        "_nixcage_presets() {\n"
        "    local -a presets=(${${(f)\"$(_call_program presets nixcage list-presets 2>/dev/null)\"}%% *})\n"
        "    _describe -t presets preset presets\n}\n\n"
        "_nixcage_packages() {\n"
        "    local -a packages=(${(f)\"$(_call_program packages nixcage _completions packages-$command "
        "2>/dev/null)\"})\n"
        "    compadd -a packages\n}\n\n"
        "_nixcage_first() {\n"
        "    _alternative 'commands:command:_command_names -e' 'directories:project:_files -/'\n}\n\n"
        "_nixcage() {\n    local command\n"
        "    case $service in\n    cage) command=shell ;;\n    cagerun) command=run ;;\n    *)\n"
        "        if ((CURRENT == 2)); then\n"
        "            _nixcage_commands\n            return\n        fi\n"
        "        command=$words[2]\n        shift words\n        ((CURRENT--))\n        ;;\n    esac\n"
        "    case $command in\n");
    for_commands(add_zsh_case, out);
    cage_strbuf_add(out, "    esac\n}\n\n_nixcage \"$@\"\n");
}

/* fish: complete(1). */
static void add_fish_text(struct cage_strbuf *out, const char *text)
{
    cage_strbuf_addc(out, '\'');
    for (; *text; text++)
        cage_strbuf_addf(out, "%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
    cage_strbuf_addc(out, '\'');
}

static void add_fish_command(const struct cage_command *command, struct cage_strbuf *out)
{
    cage_autofree char *condition = cage_format("-n '__fish_seen_subcommand_from %s'", command->name);

    cage_strbuf_addf(out, "complete -c nixcage -f -n __fish_use_subcommand -a %s -d ", command->name);
    add_fish_text(out, command->summary);
    cage_strbuf_addc(out, '\n');
    for (size_t i = 0; i < CAGE_OPT_COUNT; i++) {
        const struct cage_option *option = &cage_options()[i];

        if (!takes(command, option->id))
            continue;
        cage_strbuf_addf(out, "complete -c nixcage -f %s -l %s -d ", condition, option->name);
        add_fish_text(out, option->help);
        if (option->id == CAGE_OPT_PRESET)
            cage_strbuf_add(out, " -x -a '(nixcage list-presets 2>/dev/null | string split -f1 \" \")'");
        cage_strbuf_addc(out, '\n');
    }
    if (command->operands == CAGE_OPERANDS_DIR)
        cage_strbuf_addf(out, "complete -c nixcage -f %s -a '(__fish_complete_directories)'\n", condition);
    if (command->operands == CAGE_OPERANDS_COMMAND)
        cage_strbuf_addf(out, "complete -c nixcage %s -a '(__fish_complete_subcommand --fcs-skip=2)'\n",
                         condition);
    if (command->operands == CAGE_OPERANDS_PACKAGES)
        cage_strbuf_addf(out,
                         "complete -c nixcage -f %s -a '(nixcage _completions packages-%s 2>/dev/null)'\n",
                         condition, command->name);
    if (command->operands == CAGE_OPERANDS_TOPIC) {
        cage_strbuf_addf(out, "complete -c nixcage -f %s -a '", condition);
        add_names(out);
        cage_strbuf_add(out, "'\n");
    }
}

static void render_fish(struct cage_strbuf *out)
{
    cage_strbuf_add(out,
                    "# fish completion for nixcage, made by 'nixcage _completions fish'\n"
                    "complete -c nixcage -f -n __fish_use_subcommand -l help -d 'show the help'\n"
                    "complete -c nixcage -f -n __fish_use_subcommand -l version -d 'print the version'\n");
    for_commands(add_fish_command, out);
    cage_strbuf_add(out, "complete -c cagerun -a '(__fish_complete_subcommand)'\n"
                         "complete -c cage -f -a '(__fish_complete_directories)'\n");
}

int cage_completions_render(const char *shell, struct cage_strbuf *out, struct cage_error *err)
{
    static const struct {
        const char *shell;
        void (*render)(struct cage_strbuf *out);
    } shells[] = {{"bash", render_bash}, {"zsh", render_zsh}, {"fish", render_fish}};

    for (size_t i = 0; shell && i < CAGE_LEN(shells); i++) {
        if (strcmp(shell, shells[i].shell) != 0)
            continue;
        shells[i].render(out);
        return 0;
    }
    return cage_error_set(err, CAGE_ERR_USAGE, "_completions: one of bash, zsh, fish is needed");
}

int cage_cmd_completions(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};

    if (cli->words[0] && strcmp(cli->words[0], "packages-add") == 0)
        return cage_complete_packages(cli, true, err);
    if (cli->words[0] && strcmp(cli->words[0], "packages-remove") == 0)
        return cage_complete_packages(cli, false, err);
    cage_strbuf_init(&text);
    if (cage_completions_render(cli->words[0], &text, err) < 0)
        return -1;
    return cage_cli_print(&text, err);
}
