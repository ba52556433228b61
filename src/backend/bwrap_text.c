/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backend/backend.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_FD = 11 };

/* "FD:n" as the number that the made-up file has below; -1: another word. */
static long file_number(const char *arg)
{
    return strncmp(arg, "FD:", 3) == 0 ? FIRST_FD + strtol(arg + 3, NULL, 10) : -1;
}

void cage_bwrap_text(const struct cage_bwrap_args *args, const char *bwrap_path, struct cage_strbuf *out)
{
    cage_strbuf_add_shell_word(out, bwrap_path);
    for (size_t i = 0; i < args->args.n; i++) {
        const char *arg = args->args.items[i];
        long number = file_number(arg);

        cage_strbuf_add(out, strncmp(arg, "--", 2) == 0 ? " \\\n  " : " ");
        if (number >= 0)
            cage_strbuf_addf(out, "%ld", number);
        else
            cage_strbuf_add_shell_word(out, arg);
    }
    cage_strbuf_add(out, " \\\n  -- " CAGE_INIT_DEST);
    for (size_t i = 0; i < args->files.n; i++) {
        cage_strbuf_addf(out, " \\\n  %zu< <(printf %%s ", FIRST_FD + i);
        cage_strbuf_add_shell_word(out, args->files.items[i]);
        cage_strbuf_add(out, ")");
    }
    cage_strbuf_addc(out, '\n');
}
