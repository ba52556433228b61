/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/template.h"

static const char blank[] = "# What programs in this project's cage can see and do: nixcage.toml(5)\n"
                            "[sandbox]\n"
                            "level = \"standard\"   # strict | standard | relaxed\n"
                            "\n"
                            "[sandbox.network]\n"
                            "allow = true\n"
                            "\n"
                            "[nix]\n"
                            "packages = [\"nodejs_22\"]\n"
                            "\n"
                            "[cage]\n"
                            "command = \"\"         # what `nixcage run` starts when it is given nothing\n"
                            "passthrough_env = [\"TERM\", \"LANG\", \"ANTHROPIC_API_KEY\"]\n"
                            "env = []\n";

void cage_template_init(struct cage_template *template)
{
    template->has_command = false;
    cage_strbuf_init(&template->text);
}

void cage_template_finish(struct cage_template *template)
{
    cage_strbuf_finish(&template->text);
}

int cage_template_load(struct cage_template *template, const struct cage_cli *cli, struct cage_error *err)
{
    (void)cli;
    (void)err;
    cage_strbuf_add(&template->text, blank);
    return 0;
}
