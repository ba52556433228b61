/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes a plan: the steps in their order. Each adds; only the last ones look at what the others added. */
#include "base/mem.h"
#include "base/path.h"
#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

struct step {
    int (*run)(struct cage_planner *p, struct cage_error *err);
};

static const struct step linux_steps[] = {
    {cage_plan_check_supported}, /* nothing that is asked for and not there is passed over */
    {cage_plan_read_blacklist},  /* first of all, since it decides about every bind */
    {cage_plan_add_base},        {cage_plan_add_project},   {cage_plan_add_store}, {cage_plan_add_system},
    {cage_plan_add_etc},         {cage_plan_add_binds},     {cage_plan_add_agent}, {cage_plan_add_repository},
    {cage_plan_arrange}, /* so that views of what is to be protected or hidden are final */
    {cage_plan_add_identity},    {cage_plan_add_protected}, {cage_plan_arrange},   {cage_plan_add_masks},
    {cage_plan_add_env},         {cage_plan_add_command},   {cage_plan_arrange},   {cage_plan_check_places},
};

/* Nothing is mounted on macOS, so nothing has to be arranged. */
static const struct step macos_steps[] = {
    {cage_plan_macos_check}, {cage_plan_read_blacklist}, {cage_plan_macos_home},  {cage_plan_add_project},
    {cage_plan_macos_store}, {cage_plan_macos_system},   {cage_plan_add_binds},   {cage_plan_add_repository},
    {cage_plan_macos_agent}, {cage_plan_add_protected},  {cage_plan_macos_masks}, {cage_plan_macos_env},
    {cage_plan_add_command},
};

static int run_steps(struct cage_planner *p, const struct step *steps, size_t n, struct cage_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (steps[i].run(p, err) < 0)
            return -1;
    return 0;
}

struct cage_reason cage_rule(const char *rule)
{
    return (struct cage_reason){.rule = rule};
}

struct cage_reason cage_rule_at(const char *rule, struct cage_mark mark)
{
    return (struct cage_reason){.rule = rule, .mark = mark};
}

static void planner_finish(struct cage_planner *p)
{
    for (size_t i = 0; i < p->n_hidden; i++) {
        free(p->hidden[i].written);
        cage_file_fact_finish(&p->hidden[i].fact);
        cage_strv_finish(&p->hidden[i].names);
    }
    free(p->hidden);
    free(p->home);
    free(p->local);
    free(p->local_name);
    cage_strv_finish(&p->read_only);
    cage_strv_finish(&p->host_path);
}

/* A home of "/" (as in some containers) would hide the whole cage. */
static char *home_in_cage(const struct cage_host *host)
{
    return strcmp(host->home, "/") == 0 ? cage_format("/home/%s", host->user) : cage_strdup(host->home);
}

int cage_plan_build(struct cage_plan *plan, const struct cage_plan_input *input, struct cage_error *err)
{
    struct cage_host host;
    struct cage_planner p = {
        .plan = plan,
        .input = input,
        .config = input->config,
        .host = &host,
        .nix = input->nix,
        .root = input->project->root,
        .project_mounted = input->config->level != CAGE_LEVEL_STRICT,
        .home = home_in_cage(input->host),
    };
    int rc;

    cage_memo_init(&host, input->host);
    plan->level = p.config->level;
    plan->store_mode = p.config->store_mode;
    plan->nested = p.config->nested;
    plan->system = p.config->system;
    if (strcmp(p.host->os, "macos") == 0)
        rc = run_steps(&p, macos_steps, CAGE_LEN(macos_steps), err);
    else
        rc = run_steps(&p, linux_steps, CAGE_LEN(linux_steps), err);
    planner_finish(&p);
    cage_memo_finish(&host);
    return rc;
}
