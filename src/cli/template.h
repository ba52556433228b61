/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nixcage.toml that init writes: the blank one, or a preset's. */
#ifndef CAGE_CLI_TEMPLATE_H
#define CAGE_CLI_TEMPLATE_H

#include "base/strbuf.h"
#include "cli/options.h"

struct cage_template {
    struct cage_strbuf text;
    bool has_command; /* `nixcage run` alone does something */
};

#define CAGE_TEMPLATE_AUTO __attribute__((cleanup(cage_template_finish))) struct cage_template

void cage_template_init(struct cage_template *template);
void cage_template_finish(struct cage_template *template);

/* Reads what --preset names into an initialised *template; without it, the blank configuration. */
int cage_template_load(struct cage_template *template, const struct cage_cli *cli,
                       struct cage_error *err) CAGE_MUST_CHECK;

#endif
