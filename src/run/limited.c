/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/limited.h"
#include "base/mem.h"

#include <unistd.h>

int cage_limited_start(struct cage_limited *limited, const struct cage_run_options *options,
                       struct cage_error *err)
{
    cage_autofree char *unit = cage_format(CAGE_LIMITS_GROUP_PREFIX "%ld.scope", (long)getpid());

    *limited = (struct cage_limited){
        .way = options->limits,
        .system = options->limits_on,
        .say = options->say,
        .group = {.events_fd = -1},
        .wrapper = {.pass_fd = options->wrapper ? options->wrapper->pass_fd : -1},
    };
    cage_limits_prefix(limited->way, unit, &limited->wrapper.argv, &limited->wrapper.env);
    if (options->wrapper) {
        cage_strv_add_all(&limited->wrapper.argv, options->wrapper->argv.items);
        cage_strv_add_all(&limited->wrapper.env, options->wrapper->env.items);
        limited->wrapper.filter = options->wrapper->filter;
        limited->wrapper.filter_size = options->wrapper->filter_size;
    }
    return cage_limits_make_group(limited->way, &limited->group, err);
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
    cage_strv_finish(&limited->wrapper.argv);
    cage_strv_finish(&limited->wrapper.env);
}
