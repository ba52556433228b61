/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names for the completion of add and remove. Nothing is kept for it: the projects' own files are read. */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "nix/cache.h"

#include <fcntl.h>
#include <unistd.h>

/* What does not parse names nothing. */
static void add_packages_of(const char *root, struct cage_strv *names)
{
    __attribute__((cleanup(cage_config_finish))) struct cage_config config = {0};
    cage_autofree char *file = cage_format("%s/nixcage.toml", root);
    cage_autofd int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct cage_error ignored = {0};

    cage_config_init(&config);
    if (dir < 0 || cage_config_load(&config, dir, file, &ignored) < 0)
        return;
    for (size_t i = 0; i < config.packages.n; i++)
        cage_strv_add(names, config.packages.items[i].value);
}

int cage_complete_packages(const struct cage_cli *cli, bool known_elsewhere, struct cage_error *err)
{
    CAGE_SESSION_AUTO session = {0};
    CAGE_STRV_AUTO here = {0}, names = {0}, roots = {0};
    CAGE_STRBUF_AUTO text = {0};
    struct cage_error ignored = {0};
    cage_autofree char *cache = NULL;

    cage_session_init(&session);
    cage_strbuf_init(&text);
    if (cage_host_probe(&session.host, cli->environ_, err) < 0)
        return -1;
    if (cage_project_find(&session.project, NULL, &ignored) == 0)
        add_packages_of(session.project.root, &here);
    cache = cage_nix_cache_dir(&session.host);
    if (known_elsewhere)
        cage_nix_cache_projects(cache, &session.host, &roots);
    for (size_t i = 0; i < roots.n; i++)
        add_packages_of(roots.items[i], &names);
    cage_strv_sort_unique(&names);
    cage_strv_sort_unique(&here);
    for (size_t i = 0; known_elsewhere && i < names.n; i++)
        if (!cage_strv_has(&here, names.items[i]))
            cage_strbuf_addf(&text, "%s\n", names.items[i]);
    for (size_t i = 0; !known_elsewhere && i < here.n; i++)
        cage_strbuf_addf(&text, "%s\n", here.items[i]);
    return cage_cli_print(&text, err);
}
