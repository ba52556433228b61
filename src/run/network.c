/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/network.h"
#include "base/mem.h"
#include "net/gate.h"
#include "net/record.h"

#include <string.h>

int cage_network_start(struct cage_network *network, pid_t init, struct cage_error *err)
{
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

    if (network->plan->net != CAGE_NET_GATE)
        return 0;
    return cage_gate_start(&network->gate, &options, init, err);
}

void cage_network_finish(struct cage_network *network, void (*say)(const char *line))
{
    CAGE_STRBUF_AUTO summary = {0};
    char *save = NULL;

    if (!network->gate)
        return;
    cage_strbuf_init(&summary);
    cage_gate_finish(network->gate, &summary);
    for (char *line = strtok_r(summary.buf, "\n", &save); line && say; line = strtok_r(NULL, "\n", &save))
        say(line);
}
