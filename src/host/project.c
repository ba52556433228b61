/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/project.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char config_name[] = "nixcage.toml";

/* Opens dir; 1: it holds a nixcage.toml (of any type: reading it tells), 0: it does not, -1: no telling. */
static int examine(const char *dir, int *fd, struct cage_error *err)
{
    struct stat st;

    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0)
        return fstatat(*fd, config_name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (errno == EACCES) {
        cage_autofree char *config = cage_path_join(dir, config_name);

        /* A directory may be passed through and not listed. Its nixcage.toml must not be stepped over. */
        if (lstat(config, &st) < 0 && errno == ENOENT)
            return 0;
        errno = EACCES;
    }
    return cage_error_sys(err, errno, "cannot look for %s in %s", config_name, dir);
}

static char *start_directory(const char *start, struct cage_error *err)
{
    char *real = realpath(start ? start : ".", NULL);
    struct stat st;

    if (!real) {
        cage_error_sys(err, errno, "%s", start ? start : "the current directory");
        err->code = CAGE_ERR_PROJECT;
        return NULL;
    }
    if (stat(real, &st) == 0 && !S_ISDIR(st.st_mode)) {
        cage_error_set(err, CAGE_ERR_PROJECT, "%s is not a directory", real);
        cage_error_hint(err, "give the directory of a project");
        free(real);
        return NULL;
    }
    return real;
}

int cage_project_find(struct cage_project *project, const char *start, struct cage_error *err)
{
    cage_autofree char *first = start_directory(start, err);
    cage_autofree char *dir = cage_strdup(first);

    *project = (struct cage_project){.dirfd = -1};
    while (dir) {
        cage_autofd int fd = -1;
        int found = examine(dir, &fd, err);

        if (found < 0)
            return -1;
        if (found) {
            project->config = cage_path_join(dir, config_name);
            project->root = cage_steal(&dir);
            project->dirfd = cage_steal_fd(&fd);
            return 0;
        }
        if (strcmp(dir, "/") == 0)
            break;
        char *up = cage_path_dirname(dir);
        free(dir);
        dir = up;
    }
    if (!first)
        return -1;
    cage_error_set(err, CAGE_ERR_PROJECT, "no nixcage.toml found (searched up from %s)", first);
    return cage_error_hint(err, "make one with 'nixcage init'");
}

void cage_project_finish(struct cage_project *project)
{
    /* A zeroed structure was never found: 0 is not its descriptor. */
    if (project->root && project->dirfd >= 0)
        close(project->dirfd);
    free(project->root);
    free(project->config);
    *project = (struct cage_project){.dirfd = -1};
}

int cage_project_check_place(const struct cage_host *host, const char *root, struct cage_error *err)
{
    struct cage_file_fact home;
    bool above;

    if (host->lookup(host, host->home, &home, err) < 0)
        return -1;
    above = cage_path_is_under(home.real, root);
    cage_file_fact_finish(&home);
    if (!above)
        return 0;
    cage_error_set(err, CAGE_ERR_PROJECT,
                   "%s holds your home directory: a cage could write what your shell starts from", root);
    return cage_error_hint(err, "make the project a directory of its own below it");
}
