/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cage_config.h"
#include "cli/cli.h"

int cage_cmd_version(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};

    (void)cli;
    cage_strbuf_init(&text);
    cage_strbuf_add(&text, "nixcage " CAGE_VERSION "\n");
    return cage_cli_print(&text, err);
}
