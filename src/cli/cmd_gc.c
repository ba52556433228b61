/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cli.h"
#include "nix/nix.h"

int cage_cmd_gc(const struct cage_cli *cli, struct cage_error *err)
{
    __attribute__((cleanup(cage_host_finish))) struct cage_host host = {0};
    struct cage_nix_gc_report report = {0};
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    if (cage_host_probe(&host, cli->environ_, err) < 0 ||
        cage_nix_gc(&host, cli->given[CAGE_OPT_ALL], &report, err) < 0)
        return -1;
    cage_strbuf_addf(&text, "Environments: %zu removed, %zu kept (%zu in use)\n", report.removed, report.kept,
                     report.in_use);
    if (report.stores_removed)
        cage_strbuf_addf(&text, "Store copies: %zu removed\n", report.stores_removed);
    if (report.removed)
        cage_strbuf_add(&text, "Run 'nix-collect-garbage' to delete their store paths.\n");
    return cage_cli_print(&text, err);
}
