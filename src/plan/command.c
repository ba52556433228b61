/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What runs in the cage: the command itself, or bash where something has to be sourced first. */
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "nix/nix.h"
#include "plan/planner.h"

#include <string.h>

#define RC_DEST "/run/nixcage/rc"
#define ZSH_DIR "/run/nixcage/zsh"
#define FISH_RC "/run/nixcage/rc.fish"

static void add_start_up(struct cage_planner *p, const char *dest, const char *text)
{
    struct cage_op *op = cage_plan_add(p->plan, CAGE_OP_FILE, NULL, dest, cage_rule("start-up of the shell"));

    op->content = cage_strdup(text);
}

static void add_rc(struct cage_planner *p, const char *text)
{
    add_start_up(p, RC_DEST, text);
}

char *cage_plan_system_shell(const struct cage_planner *p, bool *is_bash)
{
    static const char *const candidates[] = {"/bin/bash", "/usr/bin/bash", "/run/current-system/sw/bin/bash",
                                             "/bin/sh"};

    for (size_t i = 0; i < CAGE_LEN(candidates); i++) {
        struct cage_file_fact fact;
        bool found;

        if (p->host->lookup(p->host, candidates[i], &fact, NULL) < 0)
            continue;
        found = fact.type == CAGE_FILE_REGULAR;
        cage_file_fact_finish(&fact);
        *is_bash = strstr(candidates[i], "bash") != NULL;
        if (found)
            return cage_strdup(candidates[i]);
    }
    return NULL;
}

/* A hook has effects that the command may need: bash runs it, then becomes the command. */
static void add_hooked(struct cage_planner *p)
{
    cage_autofree char *rc = NULL;

    if (!p->nix || !p->nix->shell_hook || !p->nix->shell_hook[0])
        return;
    rc = cage_nix_rc(p->nix, CAGE_NIX_RC_COMMAND, NULL);
    add_rc(p, rc);
    cage_strv_add(&p->plan->argv, p->nix->bash);
    cage_strv_add(&p->plan->argv, "--noprofile");
    cage_strv_add(&p->plan->argv, "--norc");
    cage_strv_add(&p->plan->argv, RC_DEST);
}

/* zsh or fish of the packages. The packages' functions are bash's: these two have their variables only. */
static void add_other_shell(struct cage_planner *p, const char *shell, const char *name)
{
    bool is_zsh = strcmp(name, "zsh") == 0;
    CAGE_STRBUF_AUTO rc = {0};

    cage_strbuf_init(&rc);
    if (is_zsh)
        cage_plan_zsh_rc(p, &rc);
    else
        cage_plan_fish_rc(p, &rc);
    add_start_up(p, is_zsh ? ZSH_DIR "/.zshrc" : FISH_RC, rc.buf);
    cage_plan_setenv(p->plan, "SHELL", shell, false, cage_rule("packages"));
    add_hooked(p);
    cage_strv_add(&p->plan->argv, shell);
    if (is_zsh) {
        cage_plan_setenv(p->plan, "ZDOTDIR", ZSH_DIR, false, cage_rule("start-up of the shell"));
        cage_strv_add(&p->plan->argv, "-i");
    } else {
        /* Interactive on a terminal by itself; told so, it does not read commands from a pipe. */
        cage_strv_add(&p->plan->argv, "--init-command");
        cage_strv_add(&p->plan->argv, "source " FISH_RC);
    }
}

static int add_shell(struct cage_planner *p, struct cage_error *err)
{
    bool is_bash = true;
    cage_autofree char *shell = p->nix ? cage_strdup(p->nix->bash) : cage_plan_system_shell(p, &is_bash);
    cage_autofree char *whole = NULL;
    const char *name;
    cage_autofree char *other = cage_plan_other_shell(p, &name);
    CAGE_STRBUF_AUTO rc = {0};

    if (other) {
        add_other_shell(p, other, name);
        return 0;
    }
    if (!shell) {
        cage_error_set(err, CAGE_ERR_MISSING, "no shell for the cage: the host has no bash and no sh");
        return cage_error_hint(err, "add packages in [nix]");
    }
    cage_strv_add(&p->plan->argv, shell);
    if (!is_bash) {
        cage_strv_add(&p->plan->argv, "-i");
        return 0;
    }
    cage_strbuf_init(&rc);
    cage_plan_bash_rc(p, &rc);
    /* Packages: as nix-shell starts one, where PS1 is set before the hook. */
    if (p->nix)
        whole = cage_nix_rc(p->nix, CAGE_NIX_RC_SHELL, rc.buf);
    add_rc(p, whole ? whole : rc.buf);
    cage_strv_add(&p->plan->argv, "--rcfile");
    cage_strv_add(&p->plan->argv, RC_DEST);
    cage_strv_add(&p->plan->argv, "-i");
    return 0;
}

int cage_plan_add_command(struct cage_planner *p, struct cage_error *err)
{
    if (p->input->interactive)
        return add_shell(p, err);
    if (!p->input->argv || !p->input->argv[0]) {
        cage_error_set(err, CAGE_ERR_USAGE, "no command to run");
        return cage_error_hint(err, "put it behind --, as in nixcage run -- make, or set command in [cage]");
    }
    add_hooked(p);
    cage_strv_add_all(&p->plan->argv, p->input->argv);
    return 0;
}
