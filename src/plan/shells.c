/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interactive shells: which one, and its start-up text (prompt, history, completion). */
#include "base/mem.h"
#include "base/path.h"
#include "plan/planner.h"

#include <string.h>

static const char *const others[] = {"zsh", "fish"};

char *cage_plan_other_shell(const struct cage_planner *p, const char **name)
{
    const char *shell = cage_host_getenv(p->host, "SHELL");
    const char *own = shell ? cage_path_basename(shell) : "";

    *name = NULL;
    for (size_t i = 0; p->nix && i < p->config->packages.n; i++)
        for (size_t k = 0; k < CAGE_LEN(others); k++)
            if (strcmp(p->config->packages.items[i].value, others[k]) == 0 &&
                (!*name || strcmp(others[k], own) == 0))
                *name = others[k];
    return *name ? cage_plan_find_tool(p, *name) : NULL;
}

/* NIXCAGE_PROMPT, in the shell's own language, replaces ours. */
void cage_plan_bash_rc(const struct cage_planner *p, struct cage_strbuf *rc)
{
    const char *level = cage_level_name(p->config->level);

    cage_strbuf_add(rc, "HISTFILE=");
    if (p->local) {
        cage_autofree char *history = cage_path_join(p->local, "bash_history");

        cage_strbuf_add_shell_word(rc, history);
    }
    cage_strbuf_addf(rc,
                     "\nif [ -z \"${NIXCAGE_PROMPT-}\" ]; then\n"
                     "  if [ -n \"${NO_COLOR-}\" ] || [ \"${TERM-dumb}\" = dumb ] || ! [ -t 2 ]; then\n"
                     "    PS1='[cage:%s] \\w\\$ '\n"
                     "  else\n"
                     "    PS1='\\[\\e[1;32m\\][cage:%s]\\[\\e[0m\\] \\w\\$ '\n"
                     "  fi\n"
                     "else\n  PS1=$NIXCAGE_PROMPT\nfi\n"
                     "shopt -s execfail\n",
                     level, level);
    /* Loaded when a command is first completed, from the package that the command comes from. */
    cage_strbuf_add(rc, "__nixcage_complete() {\n"
                        "  local dir IFS=:\n"
                        "  for dir in $PATH; do\n"
                        "    dir=${dir%/*}/share/bash-completion/completions/${1##*/}\n"
                        "    if [ -r \"$dir\" ]; then . \"$dir\" >/dev/null 2>&1 && return 124; fi\n"
                        "  done\n"
                        "  return 1\n"
                        "}\n"
                        "complete -o bashdefault -o default -D -F __nixcage_complete 2>/dev/null\n");
}

void cage_plan_zsh_rc(const struct cage_planner *p, struct cage_strbuf *rc)
{
    const char *level = cage_level_name(p->config->level);

    cage_strbuf_add(rc, "# made by nixcage for this shell only\n");
    if (p->local) {
        cage_autofree char *history = cage_path_join(p->local, "zsh_history");

        cage_strbuf_add(rc, "HISTSIZE=10000 SAVEHIST=10000 HISTFILE=");
        cage_strbuf_add_shell_word(rc, history);
        cage_strbuf_add(rc, "\nsetopt inc_append_history\n");
    }
    cage_strbuf_addf(
        rc,
        "if [[ -n ${NIXCAGE_PROMPT-} ]]; then\n  PROMPT=$NIXCAGE_PROMPT\n"
        "elif [[ -n ${NO_COLOR-} || ${TERM-dumb} == dumb || ! -t 2 ]]; then\n  PROMPT='[cage:%s] %%~%%# '\n"
        "else\n  PROMPT='%%B%%F{green}[cage:%s]%%f%%b %%~%%# '\nfi\n",
        level, level);
    cage_strbuf_add(rc, "for __dir in $path; do\n"
                        "  [[ -d ${__dir:h}/share/zsh/site-functions ]] && "
                        "fpath+=(${__dir:h}/share/zsh/site-functions)\n"
                        "done\nunset __dir\n"
                        "autoload -Uz compinit 2>/dev/null && "
                        "compinit -u -d \"${XDG_CACHE_HOME:-${TMPDIR:-/tmp}}/zcompdump\" 2>/dev/null\n"
                        "true\n");
}

/* History lies in XDG_DATA_HOME by itself, and completions come from XDG_DATA_DIRS. */
void cage_plan_fish_rc(const struct cage_planner *p, struct cage_strbuf *rc)
{
    const char *level = cage_level_name(p->config->level);

    cage_strbuf_addf(rc,
                     "# made by nixcage for this shell only\n"
                     "set -g fish_greeting\n"
                     "function fish_prompt\n"
                     "    if test -n \"$NO_COLOR\"; or test \"$TERM\" = dumb\n"
                     "        echo -n '[cage:%s] '\n"
                     "    else\n"
                     "        set_color --bold green; echo -n '[cage:%s]'; set_color normal; echo -n ' '\n"
                     "    end\n"
                     "    echo -n (string replace -r '^'(string escape --style=regex -- $HOME)'(?=/|$)' '~' "
                     "-- $PWD)'> '\n"
                     "end\n",
                     level, level);
}
