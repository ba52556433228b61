/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "nix/nix.h"

/*
 * The environment is already the one that setup made, so setup is sourced for its functions only: the
 * exported variables are put back after it (a hook that appends to a variable would have done so twice).
 */
char *cage_nix_rc(const struct cage_nix_env *env, enum cage_nix_rc kind, const char *settings)
{
    CAGE_STRBUF_AUTO rc = {0};

    cage_strbuf_init(&rc);
    if (env->stdenv_setup) {
        cage_strbuf_add(&rc, "__nixcage_environment=$(declare -px)\n");
        cage_strbuf_add(&rc,
                        "if [ -e \"${NIX_ATTRS_SH_FILE:-}\" ]; then source \"$NIX_ATTRS_SH_FILE\"; fi\n");
        cage_strbuf_add(&rc, "source ");
        cage_strbuf_add_shell_word(&rc, env->stdenv_setup);
        cage_strbuf_add(
            &rc, "\nset +eu +o pipefail\neval \"$__nixcage_environment\"\nunset __nixcage_environment\n");
    }
    cage_strbuf_add(&rc, "SHELL=");
    cage_strbuf_add_shell_word(&rc, env->bash);
    cage_strbuf_add(&rc, "\nBASH=");
    cage_strbuf_add_shell_word(&rc, env->bash);
    cage_strbuf_addc(&rc, '\n');
    if (settings)
        cage_strbuf_add(&rc, settings);
    if (env->shell_hook && env->shell_hook[0])
        cage_strbuf_add(&rc, "if declare -F runHook >/dev/null; then runHook shellHook; else eval "
                             "\"${shellHook-}\"; fi\n");
    cage_strbuf_add(&rc, "unset NIX_ENFORCE_PURITY\nshopt -u nullglob\nshopt -s execfail\n");
    if (kind == CAGE_NIX_RC_COMMAND)
        cage_strbuf_add(&rc, "trap - EXIT\nexec -- \"$@\"\nexit $?\n");
    return cage_strbuf_steal(&rc);
}
