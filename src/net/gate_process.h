/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CAGE_NET_GATE_PROCESS_H
#define CAGE_NET_GATE_PROCESS_H

#include "net/gate.h"
#include "net/netns.h"

/*
 * The gate's whole life, in the child that cage_gate_start() forked. control_fd: a SOCK_SEQPACKET socket;
 * first a struct cage_error (code 0: ready) goes out, at its end of file the summary in parts and one NUL
 * byte, and this returns the exit status.
 */
int cage_gate_process_run(const struct cage_gate_options *options, int control_fd, const struct cage_ns *ns);

#endif
