/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * _direnv_hook: what .envrc evaluates. It only reads nixcage.toml; nothing of the project is run, and no Nix
 * process either, so that entering a directory stays instant.
 */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/session.h"

static void add_export(struct cage_strbuf *out, const char *name, const char *value)
{
    cage_strbuf_addf(out, "export %s=", name);
    cage_strbuf_add_shell_word(out, value);
    cage_strbuf_addc(out, '\n');
}

static void add_call(struct cage_strbuf *out, const char *function, const char *argument)
{
    cage_strbuf_addf(out, "%s ", function);
    cage_strbuf_add_shell_word(out, argument);
    cage_strbuf_addc(out, '\n');
}

/*
 * A nixcage.toml with an error must not take the user's own lines of .envrc down: the message goes to
 * standard error, everything but the level is exported, and direnv watches the file for the repair.
 */
int cage_cmd_direnv_hook(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_SESSION_AUTO session = {0};
    CAGE_STRBUF_AUTO text = {0};
    int broken;

    cage_session_init(&session);
    cage_strbuf_init(&text);
    /* direnv in a cage: what it would set is set, and more. */
    if (cage_cli_is_inside(cli->environ_))
        return CAGE_EXIT_OK;
    if (cage_session_find(&session, cli, err) < 0)
        return -1;
    broken = cage_config_load(&session.config, session.project.dirfd, session.project.config, err);
    add_call(&text, "watch_file", session.project.config);
    add_export(&text, "NIXCAGE_ACTIVE", "1");
    add_export(&text, "NIXCAGE_ROOT", session.project.root);
    if (broken < 0)
        cage_strbuf_add(&text, "unset NIXCAGE_LEVEL\n");
    else
        add_export(&text, "NIXCAGE_LEVEL", cage_level_name(session.config.level));
    add_export(&text, "NIXCAGE_OS", session.host.os);
    add_call(&text, "PATH_add", session.host.bin_dir);
    if (broken < 0) {
        struct cage_error ignored;

        (void)!cage_cli_print(&text, &ignored);
        return -1;
    }
    return cage_cli_print(&text, err);
}
