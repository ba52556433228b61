/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/run.h"
#include "backend/backend.h"
#include "base/mem.h"
#include "net/gate.h"
#include "net/record.h"
#include "run/hold.h"
#include "run/launch.h"
#include "run/seccomp.h"
#include "run/stage.h"
#include "run/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

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

/* The gate of a run. */
struct network {
    const struct cage_plan *plan;
    const struct cage_host *host;
    struct cage_gate *gate;
    struct cage_error err; /* why there is none */
};

/* For struct cage_attach. */
static bool attach_network(void *context, pid_t init)
{
    struct network *network = context;
    const struct cage_plan_gate *gate = &network->plan->gate;
    const struct cage_host *host = network->host;
    const char *root = network->plan->project_root;
    cage_autofree char *log_path = cage_record_path(host->state_home, root ? root : host->cwd);
    struct cage_gate_options options = {
        .hosts = gate->hosts.items,
        .n_hosts = gate->hosts.n,
        .names = gate->names,
        .expose = gate->expose,
        .n_expose = gate->n_expose,
        .host_ports = gate->host_ports,
        .n_host_ports = gate->n_host_ports,
        .env = &host->env,
        .log_path = log_path,
    };

    return cage_gate_start(&network->gate, &options, init, &network->err) == 0;
}

static void end_network(struct network *network, void (*say)(const char *line))
{
    CAGE_STRBUF_AUTO summary;
    char *save = NULL;

    cage_strbuf_init(&summary);
    cage_gate_finish(network->gate, &summary);
    for (char *line = strtok_r(summary.buf, "\n", &save); line && say; line = strtok_r(NULL, "\n", &save))
        say(line);
}

/* Everything between making the plan's directories and the last look at the project. */
static int run(const struct cage_plan *plan, const struct cage_run_options *options,
               const struct cage_bwrap_args *args, bool staged, const struct signals *signals, int *status,
               struct cage_error *err)
{
    CAGE_STRBUF_AUTO spec;
    struct cage_launch launch;
    struct cage_terminal terminal;
    struct cage_launch_input input = {
        .bwrap_path = options->bwrap->path,
        .args = args,
        .spec = &spec,
        .quiet_io = options->quiet_io,
        .keep_fd = options->capture_fd,
        .stage = staged ? plan : NULL,
    };
    struct cage_supervision what = {
        .host = options->host,
        .launch = &launch,
        .terminal = &terminal,
        .command = plan->argv.items[0],
        .service = {.fd = -1},
    };
    struct network network = {.plan = plan, .host = options->host};
    struct cage_hold *hold;
    int rc;

    if (cage_hold_make_dirs(plan, err) < 0)
        return -1;
    hold = cage_hold_start(plan, err);
    if (err->code)
        return -1;
    if (hold)
        what.service = (struct cage_service){cage_hold_fd(hold), cage_hold_ready, hold};

    if (plan->net == CAGE_NET_GATE)
        what.attach = (struct cage_attach){attach_network, &network};
    cage_seccomp_bpf(plan->nested, &input.seccomp, &input.seccomp_size);
    cage_strbuf_init(&spec);
    cage_spec_write(plan, options->capture_fd, &signals->mask, &spec);
    cage_terminal_save(&terminal);
    rc = cage_launch_start(&launch, &input, err);
    if (rc == 0)
        rc = cage_supervise(&what, signals->fd, status, err);
    cage_launch_finish(&launch);
    cage_terminal_finish(&terminal);
    end_network(&network, options->say);
    if (network.err.code) {
        *err = network.err;
        rc = -1;
    }
    cage_hold_end(hold, options->say);
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

int cage_run(const struct cage_plan *plan, const struct cage_run_options *options, int *status,
             struct cage_error *err)
{
    const bool staged = cage_stage_wanted(plan);
    struct cage_bwrap_args args = {0};
    struct signals signals = {.fd = -1};
    int rc = -1;

    *err = (struct cage_error){0};
    if (plan->argv.n == 0)
        return cage_error_set(err, CAGE_ERR_INTERNAL, "the plan has no command");
    if (cage_run_secure_stdio(err) < 0)
        return -1;
    if (render(plan, options, staged, &args, err) == 0) {
        if (signals_take(&signals, err) == 0)
            rc = run(plan, options, &args, staged, &signals, status, err);
        signals_release(&signals);
    }
    cage_bwrap_args_finish(&args);
    return rc;
}
