/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nix/evaluated.h"
#include "base/mem.h"
#include "base/path.h"
#include "nix/witness.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Nix's own default of tarball-ttl: how long what an unpinned URL gave is believed. */
enum { URL_TTL_SECONDS = 3600 };

/* A project's own files: named by the evaluation, or as a copy in the store that a flake's evaluation reads.
 */
static bool add_project_files(const struct cage_nix_context *ctx, struct cage_strv *witness)
{
    const char *root = ctx->request->project->root;
    bool ages = cage_nix_witness_scan(witness, ctx->host, ctx->expr.file, true);

    cage_nix_witness_file(witness, ctx->expr.file);
    if (ctx->expr.kind == CAGE_NIX_FLAKE) {
        cage_autofree char *nix = cage_path_join(ctx->expr.file, "flake.nix");
        cage_autofree char *lock = cage_path_join(ctx->expr.file, "flake.lock");

        cage_nix_witness_file(witness, nix);
        cage_nix_witness_file(witness, lock);
        ages |= cage_nix_witness_scan(witness, ctx->host, nix, true);
    }
    for (size_t i = 0; i < ctx->log.store_files.n; i++) {
        const char *in_store = strchr(ctx->log.store_files.items[i] + strlen("/nix/store/"), '/');
        cage_autofree char *own = in_store ? cage_path_join(root, in_store + 1) : NULL;

        if (own && access(own, F_OK) == 0) {
            cage_nix_witness_file(witness, own);
            ages |= cage_nix_witness_scan(witness, ctx->host, own, true);
        }
    }
    return ages;
}

/* Git's own record of a checkout changes whenever git changes files in it, new ones included. */
static void add_checkout(struct cage_strv *witness, const char *file)
{
    cage_autofree char *dir = cage_path_dirname(file);

    for (size_t depth = cage_path_depth(dir); depth > 0; depth--) {
        cage_autofree char *head = cage_path_join(dir, ".git/HEAD"),
                           *index = cage_path_join(dir, ".git/index");
        char *up;

        if (access(head, F_OK) == 0) {
            cage_nix_witness_file(witness, head);
            cage_nix_witness_file(witness, index);
            return;
        }
        up = cage_path_dirname(dir);
        free(dir);
        dir = up;
    }
}

int64_t cage_nix_evaluated(const struct cage_nix_context *ctx, struct cage_strv *witness)
{
    const char *root = ctx->request->project->root, *nix_path = cage_host_getenv(ctx->host, "NIX_PATH");
    bool own_file = ctx->expr.kind != CAGE_NIX_PACKAGES;
    bool ages = !ctx->nixpkgs && nix_path && cage_nix_is_url(nix_path);
    struct cage_strv files = {0};

    cage_strv_add_all(&files, ctx->log.files.items);
    cage_strv_sort_unique(&files);
    for (size_t i = 0; i < files.n; i++) {
        const char *file = files.items[i];
        bool of_project = own_file && cage_path_is_under(file, root);

        cage_nix_witness_file(witness, file);
        ages |= cage_nix_witness_scan(witness, ctx->host, file, of_project) && of_project;
        if (i == 0)
            add_checkout(witness, file);
    }
    if (own_file)
        ages |= add_project_files(ctx, witness);
    cage_strv_finish(&files);
    return ages ? (int64_t)time(NULL) + URL_TTL_SECONDS : 0;
}
