/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The network gate of one run (net/gate.h): made when the cage stands, before its command starts. */
#ifndef CAGE_RUN_NETWORK_H
#define CAGE_RUN_NETWORK_H

#include "base/error.h"
#include "plan/plan.h"

#include <sys/types.h>

struct cage_network {
    const struct cage_plan *plan;
    const struct cage_host *host;
    struct cage_gate *gate; /* NULL until it is started */
};

/* Starts the gate that the plan asks for, if any, for the network namespace of process `init`. */
int cage_network_start(struct cage_network *network, pid_t init, struct cage_error *err) CAGE_MUST_CHECK;

/* Ends the gate and gives each line of its summary (what was denied) to say, which may be NULL. */
void cage_network_finish(struct cage_network *network, void (*say)(const char *line));

#endif
