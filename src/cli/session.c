/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/session.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

void cage_session_init(struct cage_session *session)
{
    *session = (struct cage_session){.project = {.dirfd = -1}};
    cage_config_init(&session->config);
}

void cage_session_finish(struct cage_session *session)
{
    cage_config_finish(&session->config);
    cage_project_finish(&session->project);
    cage_host_finish(&session->host);
}

static int enter_dir(struct cage_host *host, const char *dir, struct cage_error *err)
{
    char *real = realpath(dir, NULL);

    if (!real) {
        cage_error_sys(err, errno, "%s", dir);
        return -1;
    }
    free(host->cwd);
    host->cwd = real;
    return 0;
}

int cage_session_find(struct cage_session *session, const struct cage_cli *cli, struct cage_error *err)
{
    const char *start = cli->dir ? cli->dir : cli->active_root;

    if (cage_project_find(&session->project, start, err) < 0 ||
        cage_host_probe(&session->host, cli->environ_, err) < 0)
        return -1;
    return cli->dir ? enter_dir(&session->host, cli->dir, err) : 0;
}

int cage_session_open(struct cage_session *session, const struct cage_cli *cli, struct cage_error *err)
{
    if (cage_session_find(session, cli, err) < 0)
        return -1;
    return cage_config_load(&session->config, session->project.dirfd, session->project.config, err);
}
