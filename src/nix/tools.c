/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/path.h"
#include "nix/context.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cage_nix_tools_find(struct cage_nix_tools *tools, const struct cage_host *host, struct cage_error *err)
{
    cage_autofree char *profile = cage_path_join(host->home, ".nix-profile/bin");
    cage_autofree char *state = cage_path_join(host->home, ".local/state/nix/profile/bin");
    cage_autofree char *usual =
        cage_format("%s:%s:/nix/var/nix/profiles/default/bin:/run/current-system/sw/bin", profile, state);
    cage_autofree char *dir = NULL, *hint = NULL;

    tools->nix_shell = cage_host_find_tool("nix-shell", cage_host_getenv(host, "PATH"));
    if (!tools->nix_shell)
        tools->nix_shell = cage_host_find_tool("nix-shell", usual);
    if (!tools->nix_shell) {
        hint = cage_host_install_hint(host, "nix");
        cage_error_set(err, CAGE_ERR_MISSING, "Nix is not installed (nix-shell is not on PATH)");
        return hint ? cage_error_hint(err, "%s", hint) : -1;
    }
    dir = cage_path_dirname(tools->nix_shell);
    tools->nix_store = cage_path_join(dir, "nix-store");
    tools->nix_instantiate = cage_path_join(dir, "nix-instantiate");
    tools->nix_build = cage_path_join(dir, "nix-build");
    tools->nix = cage_path_join(dir, "nix");
    return 0;
}

void cage_nix_tools_finish(struct cage_nix_tools *tools)
{
    free(tools->nix_shell);
    free(tools->nix_store);
    free(tools->nix_instantiate);
    free(tools->nix_build);
    free(tools->nix);
    memset(tools, 0, sizeof *tools);
}

int cage_nix_call(struct cage_nix_context *ctx, char *const *argv, struct cage_strbuf *out,
                  struct cage_error *err)
{
    struct cage_nix_child child = {
        .argv = argv,
        .envp = cage_strv_argv(&ctx->envp),
        .out = out,
        .log = &ctx->log,
        .guard = ctx->guard,
    };

    return cage_nix_child_run(&child, err);
}

int cage_nix_call_quietly(struct cage_nix_context *ctx, char *const *argv, struct cage_strbuf *out,
                          struct cage_error *err)
{
    struct cage_nix_log log;
    struct cage_nix_child child = {
        .argv = argv,
        .envp = cage_strv_argv(&ctx->envp),
        .out = out,
        .log = &log,
        .guard = ctx->guard,
    };
    int code;

    cage_nix_log_init(&log, -1, false);
    code = cage_nix_child_run(&child, err);
    cage_nix_log_finish(&log);
    return code;
}
