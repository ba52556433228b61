/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/debug.h"
#include "base/mem.h"
#include "base/path.h"
#include "trace/where.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void cage_debug_init(struct cage_debug *debug)
{
    *debug = (struct cage_debug){.events = -1};
    cage_tracer_init(&debug->tracer);
}

void cage_debug_finish(struct cage_debug *debug)
{
    cage_tracer_finish(&debug->tracer);
    cage_maclog_trace_finish(&debug->maclog);
    cage_close(&debug->events);
}

/* Where the file will be: its directory without symlinks. The caller frees; NULL: no such directory. */
static char *physical(const struct cage_host *host, const char *file, struct cage_error *err)
{
    cage_autofree char *path = cage_path_join(host->cwd, file);
    cage_autofree char *dir = cage_path_dirname(path);
    struct cage_file_fact fact = {0};
    char *real = NULL;

    if (host->lookup(host, dir, &fact, err) == 0) {
        if (fact.type == CAGE_FILE_DIR)
            real = cage_path_join(fact.real, cage_path_basename(path));
        else {
            cage_error_set(err, CAGE_ERR_USAGE, "--debug: %s is not a directory", dir);
            cage_error_hint(err, "name a file in a directory that is there");
        }
    }
    cage_file_fact_finish(&fact);
    return real;
}

/* What the cage could write is no place for a report on it. */
static int open_events(struct cage_debug *debug, const char *file, const struct cage_session *session,
                       const struct cage_plan *plan, struct cage_error *err)
{
    cage_autofree char *path = physical(&session->host, file, err);

    if (!path)
        return -1;
    if (cage_where_host_writable(plan, path)) {
        cage_error_set(err, CAGE_ERR_USAGE, "--debug: the cage could write %s", path);
        return cage_error_hint(err, "choose a file outside, or in the project .nixcage/debug.json");
    }
    debug->events = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
    if (debug->events < 0)
        return cage_error_sys(err, errno, "--debug: cannot write %s", path);
    return 0;
}

int cage_debug_start(struct cage_debug *debug, const struct cage_cli *cli, const struct cage_session *session,
                     const struct cage_plan *plan, struct cage_error *err)
{
    const struct cage_judge judge = {.plan = plan, .config = &session->config, .host = &session->host};
    const char *file = cli->values[CAGE_OPT_DEBUG];
    struct cage_error missing = {0};

    if (!cli->given[CAGE_OPT_DEBUG])
        return 0;
    if (file && open_events(debug, file, session, plan, err) < 0)
        return -1;
    if (plan->in_place) {
        cage_maclog_trace_init(&debug->maclog, &judge, debug->events);
        debug->on = debug->on_mac = true;
        return 0;
    }
    if (cage_tracer_start(&debug->tracer, &judge, debug->events, &missing) == 0) {
        debug->on = true;
        return 0;
    }
    if (missing.code != CAGE_ERR_MISSING) {
        *err = missing;
        return -1;
    }
    cage_cli_note("--debug: %s; the command runs without it", missing.message);
    cage_cli_note("hint: %s", missing.hint);
    return 0;
}

const struct cage_wrapper *cage_debug_wrapper(const struct cage_debug *debug)
{
    return debug->on && !debug->on_mac ? &debug->tracer.wrapper : NULL;
}

const struct cage_run_denials *cage_debug_denials(const struct cage_debug *debug)
{
    return debug->on_mac ? &debug->maclog.denials : NULL;
}

void cage_debug_end(struct cage_debug *debug, int status)
{
    CAGE_STRBUF_AUTO summary = {0};
    struct cage_error err = {0};

    if (!debug->on)
        return;
    cage_strbuf_init(&summary);
    if (debug->on_mac) {
        cage_maclog_trace_end(&debug->maclog, &summary);
    } else if (cage_tracer_end(&debug->tracer, &summary, &err) < 0) {
        cage_cli_note("--debug: %s", err.message);
        return;
    }
    /* The quick trace does not stop for what the filter refuses (mounts, namespaces, odd sockets). */
    if (status != 0 && debug->events < 0 && !debug->on_mac && strncmp(summary.buf, "No ", 3) == 0)
        cage_strbuf_add(&summary,
                        "Not looked for: what the system call filter refused; --debug=FILE has it\n");
    for (size_t done = 0; done < summary.len;) {
        ssize_t n = write(STDERR_FILENO, summary.buf + done, summary.len - done);

        if (n <= 0)
            break;
        done += (size_t)n;
    }
}
