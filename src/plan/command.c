/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What runs in the cage: the command itself, or bash where something has to be sourced first. */
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "nix/nix.h"
#include "plan/planner.h"

#include <string.h>

#define RC_DEST "/run/nixcage/rc"

static void add_rc(struct cage_planner *p, const char *text)
{
    struct cage_op *op =
        cage_plan_add(p->plan, CAGE_OP_FILE, NULL, RC_DEST, cage_rule("start-up of the shell"));

    op->content = cage_strdup(text);
}

static void add_interactive(const struct cage_planner *p, struct cage_strbuf *rc)
{
    cage_strbuf_add(rc, "HISTFILE=");
    if (p->local) {
        cage_autofree char *history = cage_path_join(p->local, "bash_history");

        cage_strbuf_add_shell_word(rc, history);
    }
    cage_strbuf_addf(rc,
                     "\nif [ -z \"${NIXCAGE_PROMPT-}\" ]; then\n"
                     "  if [ -n \"${NO_COLOR-}\" ] || [ \"${TERM-dumb}\" = dumb ]; then\n"
                     "    PS1='[cage:%s] \\w\\$ '\n"
                     "  else\n"
                     "    PS1='\\[\\e[1;32m\\][cage:%s]\\[\\e[0m\\] \\w\\$ '\n"
                     "  fi\n"
                     "else\n  PS1=$NIXCAGE_PROMPT\nfi\n"
                     "shopt -s execfail\n",
                     cage_level_name(p->config->level), cage_level_name(p->config->level));
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

static int add_shell(struct cage_planner *p, struct cage_error *err)
{
    bool is_bash = true;
    cage_autofree char *shell = p->nix ? cage_strdup(p->nix->bash) : cage_plan_system_shell(p, &is_bash);
    cage_autofree char *whole = NULL;
    CAGE_STRBUF_AUTO rc = {0};

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
    add_interactive(p, &rc);
    /* Packages: as nix-shell starts one, where PS1 is set before the hook. */
    if (p->nix)
        whole = cage_nix_rc(p->nix, CAGE_NIX_RC_SHELL, rc.buf);
    add_rc(p, whole ? whole : rc.buf);
    cage_strv_add(&p->plan->argv, "--rcfile");
    cage_strv_add(&p->plan->argv, RC_DEST);
    cage_strv_add(&p->plan->argv, "-i");
    return 0;
}

/* A hook has effects that the command may need: bash runs it, then becomes the command. */
static void add_hooked(struct cage_planner *p)
{
    cage_autofree char *rc = cage_nix_rc(p->nix, CAGE_NIX_RC_COMMAND, NULL);

    add_rc(p, rc);
    cage_strv_add(&p->plan->argv, p->nix->bash);
    cage_strv_add(&p->plan->argv, "--noprofile");
    cage_strv_add(&p->plan->argv, "--norc");
    cage_strv_add(&p->plan->argv, RC_DEST);
    cage_strv_add_all(&p->plan->argv, p->input->argv);
}

int cage_plan_add_command(struct cage_planner *p, struct cage_error *err)
{
    if (p->input->interactive)
        return add_shell(p, err);
    if (!p->input->argv || !p->input->argv[0])
        return cage_error_set(err, CAGE_ERR_USAGE, "no command to run");
    if (p->nix && p->nix->shell_hook && p->nix->shell_hook[0])
        add_hooked(p);
    else
        cage_strv_add_all(&p->plan->argv, p->input->argv);
    return 0;
}
