/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `runplan run -- CMD…`: what `nixcage run` does, less Nix and the options: the host's system in a cage as
 * nixcage.toml says. For working on the run module alone, and for measuring it: RUNPLAN_PRINT=1 prints the
 * arguments for bwrap instead. RUNPLAN_INIT names another init than the one built with it.
 */
#include "backend/backend.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "run/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static void say(const char *line)
{
    fprintf(stderr, "nixcage: %s\n", line);
}

static int fail(const struct cage_error *err, int code)
{
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    cage_error_render(err, &text);
    fprintf(stderr, "nixcage: %s", text.buf);
    return code;
}

static int print(const struct cage_plan *plan, const struct cage_host *host, struct cage_error *err)
{
    struct cage_bwrap_args args;

    if (cage_bwrap_render(plan, 800, host->init_path, &args, err) < 0)
        return fail(err, 125);
    for (size_t i = 0; i < args.args.n; i++)
        printf("%s\n", args.args.items[i]);
    cage_bwrap_args_finish(&args);
    return 0;
}

int main(int argc, char **argv)
{
    struct cage_error err;
    struct cage_host host = {0};
    struct cage_project project = {0};
    struct cage_config config;
    struct cage_bwrap bwrap = {0};
    struct cage_plan plan;
    struct cage_plan_input input = {.config = &config, .host = &host, .project = &project, .argv = argv + 3};
    struct cage_run_options options = {.host = &host, .bwrap = &bwrap, .capture_fd = -1, .say = say};
    int status = 0;

    if (argc < 4 || strcmp(argv[1], "run") != 0 || strcmp(argv[2], "--") != 0)
        return 125;
    cage_config_init(&config);
    cage_plan_init(&plan);
    if (cage_run_secure_stdio(&err) < 0 || cage_host_probe(&host, environ, &err) < 0 ||
        cage_project_find(&project, NULL, &err) < 0 ||
        cage_config_load(&config, project.dirfd, project.config, &err) < 0 ||
        cage_bwrap_probe(&host, &bwrap, &err) < 0)
        return fail(&err, 125);
    free(host.init_path);
    host.init_path = cage_strdup(getenv("RUNPLAN_INIT") ? getenv("RUNPLAN_INIT") : TEST_INIT);
    if (cage_plan_build(&plan, &input, &err) < 0)
        return fail(&err, 125);
    if (getenv("RUNPLAN_PRINT"))
        return print(&plan, &host, &err);
    if (cage_run(&plan, &options, &status, &err) < 0)
        return fail(&err, 125);
    if (err.code)
        return fail(&err, status);
    cage_plan_finish(&plan);
    cage_bwrap_finish(&bwrap);
    cage_config_finish(&config);
    cage_project_finish(&project);
    cage_host_finish(&host);
    return status;
}
