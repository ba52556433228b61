/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/run.h"
#include "backend/backend.h"
#include "base/mem.h"
#include "run/hold.h"
#include "run/launch.h"
#include "run/limited.h"
#include "run/network.h"
#include "run/seccomp.h"
#include "run/stage.h"
#include "run/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* More than a plan usually makes up. */
enum { AHEAD_FILES = 10 };

/* The caller's signal state, put back when the run is over. */
struct signals {
    sigset_t mask;
    struct sigaction chld;
    int fd;
};

static int signals_take(struct signals *signals, struct cage_error *err)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &signals->mask);
    /* An inherited SIG_IGN would make the kernel reap bwrap behind our back. */
    sigaction(SIGCHLD, &dfl, &signals->chld);
    signals->fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    return signals->fd < 0 ? cage_error_sys(err, errno, "cannot receive signals") : 0;
}

static void signals_release(struct signals *signals)
{
    cage_close(&signals->fd);
    sigaction(SIGCHLD, &signals->chld, NULL);
    sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}

/* What one run puts together. */
struct run {
    const struct cage_plan *plan;
    const struct cage_run_options *options;
    struct cage_launch_start start;
    struct cage_launch_input input;
    struct cage_supervision what;
    struct cage_limited limited;
    struct cage_network network;
};

/* For struct cage_attach: the cage stands, and its command waits. */
static int attach(void *context, pid_t init, struct cage_error *err)
{
    struct run *run = context;

    if (run->limited.way && cage_limited_check(&run->limited, init, err) < 0)
        return -1;
    return cage_network_start(&run->network, init, err);
}

/* The command has ended, and process 1 may just still be there. */
static void ended(void *context)
{
    struct run *run = context;

    if (run->limited.way)
        cage_limited_look(&run->limited);
}

/* Limits that the kernel is to hold: entered before bwrap makes anything, verified before the command starts.
 */
static void add_limits(struct run *run, struct cage_spec_extra *extra)
{
    const struct cage_limits_way *way = run->options->limits;

    if (!way || way->method == CAGE_LIMITS_NONE)
        return;
    cage_limited_init(&run->limited, run->options);
    run->start.held = run->start.wrapper;
    extra->wait = true;
    if (way->method == CAGE_LIMITS_FALLBACK)
        extra->nproc = way->limits.pids;
}

/* The bwrap that was started ahead, if it fits this run; else a new one. */
static int start(struct run *run, struct cage_launch *launch, struct cage_error *err)
{
    const struct cage_launch_start *wanted = &run->start;
    struct cage_launch *ahead = run->options->ahead;

    if (ahead && ahead->pid > 0 && wanted->n_files <= ahead->n_files && wanted->keep_fd < 0 &&
        !wanted->stage && !wanted->wrapper && !wanted->quiet_io) {
        *launch = *ahead;
        *ahead = (struct cage_launch){.pid = -1, .group = {.events_fd = -1}};
        return 0;
    }
    if (ahead)
        cage_launch_drop(ahead);
    return cage_launch_start(launch, wanted, err);
}

static int launch(struct run *run, const struct signals *signals, int *status, struct cage_error *err)
{
    struct cage_launch launch;
    struct cage_terminal terminal;
    int rc;

    run->what.launch = &launch;
    run->what.terminal = &terminal;
    cage_terminal_save(&terminal);
    rc = start(run, &launch, err);
    if (rc == 0 && run->limited.way)
        rc = cage_limited_enter(&run->limited, &launch, err);
    if (rc == 0)
        rc = cage_launch_release(&launch, err);
    if (rc == 0)
        rc = cage_launch_go(&launch, &run->input, err);
    if (rc == 0)
        rc = cage_supervise(&run->what, signals->fd, status, err);
    else
        cage_launch_drop(&launch);
    cage_launch_finish(&launch);
    cage_terminal_finish(&terminal);
    run->what.terminal = NULL;
    run->what.launch = NULL;
    return rc;
}

/* A program that was killed for memory looks like any other that was killed. */
static void explain_memory(const struct run *run, int *status)
{
    cage_autofree char *line = NULL;

    if (!run->limited.oom)
        return;
    line = cage_format(
        "the memory limit of %llu MiB was hit, and the kernel killed a process of the cage; raise "
        "memory in [sandbox.resources] if it needs more",
        (unsigned long long)(run->limited.way->limits.memory >> 20));
    if (run->options->say)
        run->options->say(line);
    if (*status == 128 + SIGTERM)
        *status = 128 + SIGKILL; /* systemd ended the rest of the scope */
}

/* joined: what is passed on may lie in it. */
static void set_filter(struct run *run, struct cage_strbuf *joined)
{
    const struct cage_wrapper *wrapper = run->options->wrapper;

    cage_seccomp_bpf(run->plan->nested, &run->input.seccomp, &run->input.seccomp_size);
    if (!wrapper || !wrapper->filter)
        return;
    cage_seccomp_join(run->input.seccomp, run->input.seccomp_size, wrapper->filter, wrapper->filter_size,
                      joined);
    run->input.seccomp = joined->buf;
    run->input.seccomp_size = joined->len;
}

/* Everything between making the plan's directories and the last look at the project. */
static int run(struct run *run, const struct signals *signals, int *status, struct cage_error *err)
{
    struct cage_spec_extra extra = {
        .keep_fd = run->options->capture_fd,
        .mask = &signals->mask,
        .wait = run->plan->net == CAGE_NET_GATE,
    };
    CAGE_STRBUF_AUTO spec = {0}, joined = {0};
    struct cage_hold *hold;
    int rc;

    if (cage_hold_make_dirs(run->plan, err) < 0)
        return -1;
    hold = cage_hold_start(run->plan, err);
    if (err->code)
        return -1;
    run->what.hold = hold;
    cage_strbuf_init(&spec);
    cage_strbuf_init(&joined);
    set_filter(run, &joined);
    run->input.spec = &spec;
    add_limits(run, &extra);
    cage_spec_write(run->plan, &extra, &spec);
    rc = launch(run, signals, status, err);
    if (rc == 0)
        explain_memory(run, status);
    cage_network_finish(&run->network, run->options->say);
    cage_limited_finish(&run->limited);
    cage_hold_end(hold, run->options->say);
    return rc;
}

static int render(const struct cage_plan *plan, const struct cage_run_options *options, bool staged,
                  struct cage_bwrap_args *args, struct cage_error *err)
{
    const struct cage_bwrap *bwrap = options->bwrap;
    int version = bwrap->major * 10000 + bwrap->minor * 100 + bwrap->patch;
    struct cage_plan rest;
    int rc;

    if (!staged)
        return cage_bwrap_render(plan, version, options->host->init_path, args, err);
    cage_stage_rest(plan, &rest);
    rc = cage_bwrap_render(&rest, version, options->host->init_path, args, err);
    cage_plan_finish(&rest);
    return rc;
}

/*
 * Ubuntu's restriction is lifted for bwrap by a profile, not for us: there bwrap makes all the mounts itself,
 * slower.
 */
static bool may_stage(const struct cage_host *host)
{
    cage_autofree char *now =
        host->read_small(host, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns");

    return !now || now[0] != '1' || host->uid == 0;
}

struct cage_launch *cage_run_ahead(const struct cage_bwrap *bwrap)
{
    const struct cage_launch_start start = {.bwrap_path = bwrap->path, .n_files = AHEAD_FILES, .keep_fd = -1};
    struct cage_launch *ahead = cage_alloc(sizeof *ahead);
    struct cage_error ignored;

    *ahead = (struct cage_launch){.pid = -1, .group = {.events_fd = -1}};
    if (cage_run_secure_stdio(&ignored) == 0 && cage_launch_start(ahead, &start, &ignored) == 0)
        return ahead;
    cage_launch_drop(ahead);
    free(ahead);
    return NULL;
}

int cage_run_ahead_limit(struct cage_launch *ahead, const struct cage_limits_way *way, struct cage_error *err)
{
    return cage_limits_enter(way, ahead->pid, &ahead->group, err);
}

void cage_run_ahead_finish(struct cage_launch **ahead)
{
    if (*ahead)
        cage_launch_drop(*ahead);
    free(*ahead);
    *ahead = NULL;
}

int cage_run(const struct cage_plan *plan, const struct cage_run_options *options, int *status,
             struct cage_error *err)
{
    const bool staged = cage_stage_wanted(plan) && may_stage(options->host);
    struct cage_bwrap_args args = {0};
    struct signals signals = {.fd = -1};
    struct run this = {
        .plan = plan,
        .options = options,
        .start = {.bwrap_path = options->bwrap->path,
                  .quiet_io = options->quiet_io,
                  .keep_fd = options->capture_fd,
                  .wrapper = options->wrapper,
                  .stage = staged ? plan : NULL},
        .input = {.args = &args},
        .what = {.host = options->host, .service = {.fd = -1}, .attach = {attach, ended, &this}},
        .network = {.plan = plan, .host = options->host},
    };
    int rc = -1;

    *err = (struct cage_error){0};
    if (plan->argv.n == 0)
        return cage_error_set(err, CAGE_ERR_INTERNAL, "the plan has no command");
    this.what.command = plan->argv.items[0];
    if (cage_run_secure_stdio(err) < 0)
        return -1;
    if (render(plan, options, staged, &args, err) == 0) {
        this.start.n_files = cage_launch_files(&args);
        if (signals_take(&signals, err) == 0)
            rc = run(&this, &signals, status, err);
        signals_release(&signals);
    }
    cage_bwrap_args_finish(&args);
    return rc;
}
