/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding the programs that run on the host: never in a project. */
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strbuf.h"
#include "cage_config.h"
#include "host/host.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What this build was configured to use, so that an installed program finds its own; "": from PATH. */
static const struct {
    const char *name, *path;
} configured[] = {
    {"bwrap", CAGE_BWRAP},
};

/* Whether a physical directory is a project or in one. */
static bool is_in_project(const char *physical)
{
    cage_autofree char *dir = cage_strdup(physical);

    while (strcmp(dir, "/") != 0) {
        cage_autofree char *config = cage_path_join(dir, "nixcage.toml");
        char *up;

        if (access(config, F_OK) == 0)
            return true;
        up = cage_path_dirname(dir);
        free(dir);
        dir = up;
    }
    return false;
}

/* Neither the file nor, since it may be a link that can be made to lead elsewhere, its directory. */
static bool may_run(const char *path)
{
    cage_autofree char *dir = cage_path_dirname(path);
    cage_autofree char *real_dir = realpath(dir, NULL);
    cage_autofree char *real = realpath(path, NULL);
    cage_autofree char *last = real ? cage_path_dirname(real) : NULL;

    return real_dir && last && !is_in_project(real_dir) && !is_in_project(last);
}

char *cage_host_find_tool(const char *name, const char *path_value)
{
    cage_autofree char *copy = cage_strdup(path_value);
    char *save = NULL;

    for (char *dir = copy ? strtok_r(copy, ":", &save) : NULL; dir; dir = strtok_r(NULL, ":", &save)) {
        cage_autofree char *found = cage_proc_find(name, dir);

        if (found && may_run(found))
            return cage_steal(&found);
    }
    return NULL;
}

char *cage_host_safe_path(const char *path_value)
{
    cage_autofree char *copy = cage_strdup(path_value);
    CAGE_STRBUF_AUTO safe = {0};
    char *save = NULL;

    cage_strbuf_init(&safe);
    for (char *dir = copy ? strtok_r(copy, ":", &save) : NULL; dir; dir = strtok_r(NULL, ":", &save)) {
        cage_autofree char *real = dir[0] == '/' ? realpath(dir, NULL) : NULL;

        if (real && !is_in_project(real))
            cage_strbuf_addf(&safe, "%s%s", safe.len ? ":" : "", dir);
    }
    /* An empty one would mean the working directory (execvp(3)). */
    if (safe.len == 0)
        cage_strbuf_add(&safe, "/usr/bin:/bin");
    return cage_strbuf_steal(&safe);
}

char *cage_host_find_sandbox_tool(const struct cage_host *host, const char *name)
{
    for (size_t i = 0; i < CAGE_LEN(configured); i++) {
        if (strcmp(configured[i].name, name) == 0 && access(configured[i].path, X_OK) == 0)
            return cage_strdup(configured[i].path);
    }
    return cage_host_find_tool(name, cage_host_getenv(host, "PATH"));
}
