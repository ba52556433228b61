/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nix/store.h"
#include "base/mem.h"

#include <unistd.h>

int cage_nix_store_before(struct cage_nix_context *ctx, struct cage_error *err)
{
    (void)err;
    ctx->store_prefix = cage_strdup("");
    return 0;
}

int cage_nix_store_after(struct cage_nix_context *ctx, struct cage_nix_env *env, struct cage_error *err)
{
    (void)err;
    env->store_root = cage_strdup("/nix");
    if (ctx->request->config->store_mode == CAGE_STORE_SHARED)
        env->nix_remote =
            cage_strdup(access("/nix/var/nix/daemon-socket/socket", F_OK) == 0 ? "daemon" : "local");
    else
        env->nix_remote = cage_strdup("unix:///nixcage-store-is-readonly");
    return 0;
}

int cage_nix_store_gc(const struct cage_host *host, bool all, size_t *removed, struct cage_error *err)
{
    (void)host, (void)all, (void)err;
    *removed = 0;
    return 0;
}

int cage_nix_store_forget(const struct cage_host *host, const char *project_root, struct cage_error *err)
{
    (void)host, (void)project_root, (void)err;
    return 0;
}
