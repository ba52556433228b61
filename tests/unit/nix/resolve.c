/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program for the integration tests: resolves the project of the current directory and prints the
 * environment, one part a line. usage: nix-resolve [--stale] [--refresh] [--quiet] | gc [--all] | forget | rc
 * command|shell
 */
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "host/host.h"
#include "nix/nix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static int complain(const struct cage_error *err)
{
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    cage_error_render(err, &text);
    fprintf(stderr, "nixcage: %s", text.buf);
    return 125;
}

static void print_all(const struct cage_nix_env *env)
{
    for (size_t i = 0; i < env->warnings.n; i++)
        fprintf(stderr, "nixcage: warning: %s\n", env->warnings.items[i]);
    printf("cached=%d\nstale=%d\nbash=%s\nsetup=%s\nhook=%s\nstore=%s\nremote=%s\n", env->from_cache,
           env->stale, env->bash, env->stdenv_setup ? env->stdenv_setup : "",
           env->shell_hook ? env->shell_hook : "", env->store_root, env->nix_remote);
    printf("attrs=%s\n", env->attrs_dir ? env->attrs_dir : "");
    for (size_t i = 0; i < env->closure.n; i++)
        printf("closure %s\n", env->closure.items[i]);
    for (size_t i = 0; i < env->env.n; i++)
        printf("env %s\n", env->env.items[i]);
}

static int collect(const struct cage_host *host, bool all)
{
    struct cage_nix_gc_report report;
    struct cage_error err = {0};

    if (cage_nix_gc(host, all, &report, &err) < 0)
        return complain(&err);
    printf("removed=%zu kept=%zu in_use=%zu stores=%zu\n", report.removed, report.kept, report.in_use,
           report.stores_removed);
    return 0;
}

static void print_environment(const struct cage_nix_env *env)
{
    for (size_t i = 0; i < env->env.n; i++)
        fwrite(env->env.items[i], 1, strlen(env->env.items[i]) + 1, stdout);
}

static int resolve(struct cage_nix_request *request, const char *rc_kind, bool env0, bool wait)
{
    struct cage_nix_env env;
    struct cage_error err = {0};
    char c;

    cage_nix_env_init(&env);
    if (cage_nix_resolve(request, &env, &err) < 0)
        return complain(&err);
    if (rc_kind) {
        cage_autofree char *rc =
            cage_nix_rc(&env, strcmp(rc_kind, "shell") == 0 ? CAGE_NIX_RC_SHELL : CAGE_NIX_RC_COMMAND, NULL);

        fputs(rc, stdout);
    } else if (env0) {
        print_environment(&env);
    } else {
        print_all(&env);
    }
    fflush(stdout);
    /* Held until standard input ends: what a running cage does. */
    while (wait && read(STDIN_FILENO, &c, 1) > 0)
        ;
    cage_nix_env_finish(&env);
    return 0;
}

/* The helper programs are found beside nixcage, which this is not. */
static void use_programs_beside(struct cage_host *host, const char *nixcage)
{
    cage_autofree char *dir = nixcage ? cage_path_dirname(nixcage) : NULL;

    if (!dir)
        return;
    free(host->init_path);
    free(host->record_path);
    host->init_path = cage_path_join(dir, "init/nixcage-init");
    host->record_path = cage_path_join(dir, "init/nixcage-record");
}

int main(int argc, char **argv)
{
    struct cage_host host = {0};
    struct cage_project project = {0};
    struct cage_config config;
    struct cage_error err = {0};
    struct cage_nix_request request = {.host = &host, .config = &config, .project = &project};
    const char *rc_kind = NULL;
    bool all = false, gc = false, forget = false, wait = false, env0 = false;
    int rc;

    for (int i = 1; i < argc; i++) {
        request.stale_ok |= strcmp(argv[i], "--stale") == 0;
        request.refresh |= strcmp(argv[i], "--refresh") == 0;
        request.quiet |= strcmp(argv[i], "--quiet") == 0;
        all |= strcmp(argv[i], "--all") == 0;
        gc |= strcmp(argv[i], "gc") == 0;
        forget |= strcmp(argv[i], "forget") == 0;
        env0 |= strcmp(argv[i], "--env0") == 0;
        wait |= strcmp(argv[i], "--wait") == 0;
        if (strcmp(argv[i], "rc") == 0 && i + 1 < argc)
            rc_kind = argv[++i];
    }
    cage_config_init(&config);
    if (cage_host_probe(&host, environ, &err) < 0)
        return complain(&err);
    use_programs_beside(&host, getenv("NIXCAGE"));
    if (gc)
        return collect(&host, all);
    if (cage_project_find(&project, NULL, &err) < 0 ||
        cage_config_load(&config, project.dirfd, project.config, &err) < 0)
        return complain(&err);
    if (forget)
        rc = cage_nix_forget(&host, project.root, &err) < 0 ? complain(&err) : 0;
    else
        rc = resolve(&request, rc_kind, env0, wait);
    cage_config_finish(&config);
    cage_project_finish(&project);
    cage_host_finish(&host);
    return rc;
}
