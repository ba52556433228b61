/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/limited.h"
#include "base/mem.h"

void cage_limited_init(struct cage_limited *limited, const struct cage_run_options *options)
{
    *limited = (struct cage_limited){
        .way = options->limits,
        .system = options->limits_on,
        .say = options->say,
        .group = {.events_fd = -1},
    };
}

int cage_limited_enter(struct cage_limited *limited, struct cage_launch *launch, struct cage_error *err)
{
    limited->group = launch->group;
    launch->group = (struct cage_limits_group){.events_fd = -1};
    if (!limited->group.entered && cage_limits_enter(limited->way, launch->pid, &limited->group, err) < 0)
        return -1;
    return cage_limits_entered(&limited->group, err);
}

int cage_limited_check(struct cage_limited *limited, pid_t init, struct cage_error *err)
{
    cage_autofree char *line = NULL;

    if (cage_limits_verify(limited->way, limited->system, init, &limited->group, err) == 0)
        return 0;
    if (limited->way->required)
        return -1;
    line = cage_format("warning: %s; the command runs without it", err->message);
    *err = (struct cage_error){0};
    if (limited->say)
        limited->say(line);
    return 0;
}

void cage_limited_look(struct cage_limited *limited)
{
    limited->oom = cage_limits_oom_killed(&limited->group);
}

void cage_limited_finish(struct cage_limited *limited)
{
    if (!limited->way)
        return;
    cage_limits_group_finish(&limited->group);
}
