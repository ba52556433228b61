/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/limits.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/cli.h"

#include <stdlib.h>

/* The first limit that was set: where an error points. */
static struct cage_mark first_mark(const struct cage_config *config)
{
    static const enum cage_key keys[] = {CAGE_KEY_RES_CPUS, CAGE_KEY_RES_MEMORY, CAGE_KEY_RES_PIDS};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (config->marks[keys[i]].line > 0)
            return config->marks[keys[i]];
    return (struct cage_mark){0, 0};
}

static void warn(const struct cage_limits_way *way, bool is_root)
{
    const struct cage_limits *wanted = &way->limits;
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    if (wanted->cpus > 0)
        cage_strbuf_add(&text, "; cpus only binds the cage to that many processors");
    if (wanted->memory > 0)
        cage_strbuf_add(&text, "; memory is not limited");
    if (wanted->pids > 0)
        cage_strbuf_add(&text, is_root ? "; pids is not limited, since the kernel exempts root"
                                       : "; pids is held by RLIMIT_NPROC");
    cage_cli_note("warning: the limits cannot be enforced here: %s%s", way->why_not, text.buf);
}

int cage_limits_find_way(struct cage_cli_limits *limits, const struct cage_host *host,
                         const struct cage_limits *wanted, bool require, struct cage_error *err)
{
    const char *named = cage_host_getenv(host, "XDG_RUNTIME_DIR");

    limits->own_cgroup = host->read_small(host, "/proc/self/cgroup");
    /* su, sudo and cron leave it unset, though the manager may well run (user@.service(5)). */
    limits->runtime_dir =
        named && *named ? cage_strdup(named) : cage_format("/run/user/%lu", (unsigned long)host->uid);
    limits->system = (struct cage_limits_system){
        .cgroup_root = "/sys/fs/cgroup",
        .own_cgroup = limits->own_cgroup,
        .systemd_dir = "/run/systemd/system",
        .runtime_dir = limits->runtime_dir,
        .manager = "/run/systemd/private",
        .is_root = host->uid == 0,
        .check_type = true,
    };
    return cage_limits_choose(&limits->way, wanted, &limits->system, require, err);
}

int cage_limits_prepare(struct cage_cli_limits *limits, const struct cage_session *session,
                        const struct cage_limits *wanted, struct cage_error *err)
{
    const struct cage_config *config = &session->config;
    bool require = config->enforce == CAGE_ENFORCE_REQUIRE;
    struct cage_error why = {0};

    if (wanted->cpus <= 0 && wanted->memory == 0 && wanted->pids == 0)
        return 0;
    if (cage_limits_find_way(limits, &session->host, wanted, require, &why) < 0) {
        cage_config_error(config, first_mark(config), err, "%s", why.message);
        err->code = why.code;
        return cage_error_hint(err, "%s", why.hint);
    }
    if (limits->way.method == CAGE_LIMITS_FALLBACK)
        warn(&limits->way, session->host.uid == 0);
    return 0;
}

void cage_limits_forget(struct cage_cli_limits *limits)
{
    cage_limits_way_finish(&limits->way);
    free(limits->own_cgroup);
    free(limits->runtime_dir);
    *limits = (struct cage_cli_limits){0};
}
