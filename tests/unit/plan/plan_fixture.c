/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan_fixture.h"

#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

#define HOSTS TEST_SRCDIR "/../../golden/plan/hosts"

static void make_nix(struct cage_nix_env *nix)
{
    cage_strv_add(&nix->env, "PATH=/nix/store/aaa-bash/bin:/nix/store/bbb-coreutils/bin");
    cage_strv_add(&nix->env, "stdenv=/nix/store/sss-stdenv");
    cage_strv_add(&nix->env, "SSL_CERT_FILE=/no-cert-file.crt");
    cage_strv_add(&nix->closure, "/nix/store/aaa-bash");
    cage_strv_add(&nix->closure, "/nix/store/bbb-coreutils");
    nix->store_root = cage_strdup("/nix");
    nix->bash = cage_strdup("/nix/store/aaa-bash/bin/bash");
    nix->stdenv_setup = cage_strdup("/nix/store/sss-stdenv/setup");
    nix->lock_fd = -1;
}

void plan_fixture_init(struct plan_fixture *f, const char *host_name, const char *root, const char *more)
{
    *f = (struct plan_fixture){0};
    fake_host_load(&f->host, HOSTS, host_name, more);
    cage_config_init(&f->config);
    f->project = (struct cage_project){
        .root = cage_strdup(root), .config = cage_path_join(root, "nixcage.toml"), .dirfd = -1};
    make_nix(&f->nix);
    cage_plan_init(&f->plan);
}

void plan_fixture_finish(struct plan_fixture *f)
{
    cage_plan_finish(&f->plan);
    cage_config_finish(&f->config);
    cage_strv_finish(&f->nix.env);
    cage_strv_finish(&f->nix.closure);
    free(f->nix.store_root);
    free(f->nix.bash);
    free(f->nix.stdenv_setup);
    free(f->nix.shell_hook);
    free(f->nix.attrs_dir);
    free(f->nix.attrs_dest);
    free(f->project.root);
    free(f->project.config);
    fake_host_finish(&f->host);
}

static void add_hidden(struct cage_list *blacklist, const char *path)
{
    blacklist->items = cage_realloc_array(blacklist->items, blacklist->n + 1, sizeof *blacklist->items);
    blacklist->items[blacklist->n++] = (struct cage_item){.value = cage_strdup(path), .mark = {1, 1}};
}

int plan_fixture_build(struct plan_fixture *f, const char *toml)
{
    char command[] = "true", flag[] = "--flag";
    char *argv[] = {command, flag, NULL};
    struct cage_plan_input input = {
        .config = &f->config,
        .host = &f->host,
        .project = &f->project,
        .nix = f->without_nix ? NULL : &f->nix,
        .argv = argv,
        .interactive = f->interactive,
    };

    if (cage_config_parse(&f->config, "nixcage.toml", toml, strlen(toml), &f->err) < 0)
        return -1;
    if (f->hide)
        add_hidden(&f->config.blacklist, f->hide);
    return cage_plan_build(&f->plan, &input, &f->err);
}

const struct cage_op *plan_fixture_op(const struct plan_fixture *f, const char *dest)
{
    for (size_t i = 0; i < f->plan.n_ops; i++)
        if (strcmp(f->plan.ops[i].dest, dest) == 0 && f->plan.ops[i].kind != CAGE_OP_SEAL)
            return &f->plan.ops[i];
    return NULL;
}

static void dump_args(const struct cage_plan *plan, struct cage_strbuf *out)
{
    struct cage_bwrap_args args;
    struct cage_error err;

    if (cage_bwrap_render(plan, 800, "/opt/nixcage/nixcage-init", &args, &err) < 0) {
        cage_strbuf_addf(out, "not rendered: %s\n", err.message);
        return;
    }
    for (size_t i = 0; i < args.args.n; i++) {
        const char *word = args.args.items[i];
        bool after_perms = i >= 2 && strcmp(args.args.items[i - 2], "--perms") == 0;

        cage_strbuf_add(out, i == 0 ? "" : strncmp(word, "--", 2) == 0 && !after_perms ? "\n" : " ");
        cage_strbuf_add_shell_word(out, word);
    }
    cage_strbuf_addc(out, '\n');
    for (size_t i = 0; i < args.files.n; i++)
        cage_strbuf_addf(out, "\n--- FD:%zu\n%s", i, args.files.items[i]);
    cage_bwrap_args_finish(&args);
}

static void dump_list(struct cage_strbuf *out, const char *title, const struct cage_strv *list)
{
    if (list->n == 0)
        return;
    cage_strbuf_addf(out, "\n--- %s\n", title);
    for (size_t i = 0; i < list->n; i++)
        cage_strbuf_addf(out, "%s\n", list->items[i]);
}

void plan_fixture_dump(const struct plan_fixture *f, struct cage_strbuf *out)
{
    const struct cage_plan *plan = &f->plan;

    dump_args(plan, out);
    cage_strbuf_add(out, "\n--- environment\n");
    for (size_t i = 0; i < plan->n_env; i++)
        cage_strbuf_addf(out, "%s=%s%s\n", plan->env[i].name, plan->env[i].value,
                         plan->env[i].secret ? " (not shown)" : "");
    cage_strbuf_add(out, "\n--- protected\n");
    for (size_t i = 0; i < plan->n_protected; i++) {
        const struct cage_protected *item = &plan->protected_paths[i];

        cage_strbuf_addf(out, "%s %s%s%s%s\n", item->exists ? "is" : "absent", item->path,
                         item->is_glob ? " pattern" : "", item->hide ? " hide" : "",
                         item->link ? " symlink" : "");
    }
    dump_list(out, "make", &plan->make_dirs);
    dump_list(out, "command", &plan->argv);
    dump_list(out, "warnings", &plan->warnings);
    if (plan->limit_store)
        dump_list(out, "store view", &plan->store_paths);
    cage_strbuf_addf(out, "\n--- other\ncwd %s\nscopes %s%s\n", plan->cwd,
                     plan->scope_abstract ? "abstract " : "", plan->scope_signal ? "signal" : "");
}
