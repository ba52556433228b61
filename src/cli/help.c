/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "cli/cli.h"

#include <string.h>

static void render_overview(struct cage_strbuf *out)
{
    size_t n;
    const struct cage_command *commands = cage_commands(&n);

    cage_strbuf_add(out, "Usage: nixcage COMMAND [ARGUMENT...]\n"
                         "Runs programs in a project's sandbox, with the tools its nixcage.toml names.\n\n");
    for (size_t i = 0; i < n; i++)
        if (!commands[i].hidden)
            cage_strbuf_addf(out, "  %-13s %s\n", commands[i].name, commands[i].summary);
    cage_strbuf_add(out,
                    "\n'nixcage COMMAND --help' tells more. Exit status: the command's own; 125 nixcage\n"
                    "failed; 126 not executable; 127 not found; 128+n ended by signal n.\n");
}

/* --debug[=FILE], --preset NAME, --yes */
static void add_name(const struct cage_option *option, struct cage_strbuf *out)
{
    cage_strbuf_addf(out, "--%s", option->name);
    if (option->value)
        cage_strbuf_addf(out, cage_option_is_optional(option) ? "[%s]" : " %s", option->value);
}

static void add_left(const struct cage_option *option, struct cage_strbuf *left)
{
    cage_strbuf_add(left, option->letter == 'h' ? "-h, " : "");
    add_name(option, left);
}

static bool takes(const struct cage_command *command, enum cage_option_id id)
{
    return id == CAGE_OPT_HELP || (command->options & 1u << id) != 0;
}

static void render_options(const struct cage_command *command, struct cage_strbuf *out)
{
    const struct cage_option *options = cage_options();
    int width = 0;

    for (size_t i = 0; i < 2 * CAGE_OPT_COUNT; i++) {
        const struct cage_option *option = &options[i % CAGE_OPT_COUNT];
        CAGE_STRBUF_AUTO left = {0};

        if (!takes(command, option->id))
            continue;
        cage_strbuf_init(&left);
        add_left(option, &left);
        if (i < CAGE_OPT_COUNT)
            width = (int)left.len > width ? (int)left.len : width;
        else
            cage_strbuf_addf(out, "  %-*s  %s\n", width, left.buf, option->help);
    }
}

void cage_help_render(const struct cage_command *command, struct cage_strbuf *out)
{
    const struct cage_option *options = cage_options();

    if (!command) {
        render_overview(out);
        return;
    }
    cage_strbuf_addf(out, "Usage: nixcage %s", command->name);
    for (size_t i = 0; i < CAGE_OPT_COUNT; i++)
        if (i != CAGE_OPT_HELP && takes(command, options[i].id)) {
            cage_strbuf_add(out, " [");
            add_name(&options[i], out);
            cage_strbuf_add(out, "]");
        }
    cage_strbuf_addf(out, "%s%s\n%s.\n", *command->synopsis ? " " : "", command->synopsis, command->summary);
    if (command->details)
        cage_strbuf_addf(out, "\n%s", command->details);
    cage_strbuf_add(out, "\nOptions:\n");
    render_options(command, out);
}

int cage_cmd_help(const struct cage_cli *cli, struct cage_error *err)
{
    const struct cage_command *command = NULL;
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    if (cli->words && cli->words[0]) {
        command = cage_command_find(cli->words[0]);
        if (!command)
            return cage_cli_unknown_command(cli->words[0], err);
    }
    cage_help_render(command, &text);
    return cage_cli_print_wrapped(&text, cli->environ_, err);
}
