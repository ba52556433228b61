/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses in a cage of macOS: localhost is the host's own there, and names are looked up through a socket.
 */
#include "base/mem.h"
#include "trace/advice.h"
#include "trace/judge_internal.h"

#include <string.h>

#define RESOLVER "/private/var/run/mDNSResponder"

/* The gate is one port of localhost, which a program has to be told of. */
static void judge_gate(const struct cage_judge *judge, const char *why, struct cage_verdict *verdict)
{
    cage_verdict_set(verdict, CAGE_WHY_HOST,
                     cage_format("the only way out is the gate's proxy, and this went another way (%s)", why),
                     cage_format("let the program use the proxy in HTTPS_PROXY or ALL_PROXY%s",
                                 judge->config->hosts.n > 0 ? ", and name its host in hosts" : ""));
}

static bool is_strict(const struct cage_judge *judge)
{
    return judge->plan->level == CAGE_LEVEL_STRICT;
}

static char *advise_port(const struct cage_judge *judge, enum cage_key key, const struct cage_event *event)
{
    cage_autofree char *port = cage_format("%u", (unsigned)event->port);

    return is_strict(judge) ? cage_advice_set(judge->config, CAGE_KEY_SANDBOX_LEVEL, "\"standard\"")
                            : cage_advice_list(judge->config, key, port);
}

static void judge_listen(const struct cage_judge *judge, const struct cage_event *event, const char *why,
                         struct cage_verdict *verdict)
{
    cage_autofree char *open = NULL;

    if (event->port == 0) {
        cage_verdict_set(verdict, CAGE_WHY_NETWORK,
                         cage_format("it wanted to listen on any port, and may on none (%s)", why),
                         judge->config->hosts.set ? NULL : cage_judge_open_network(judge, event));
        return;
    }
    open = advise_port(judge, CAGE_KEY_NET_EXPOSE, event);
    cage_verdict_set(verdict, CAGE_WHY_NETWORK,
                     cage_format("it wanted to listen, and may on no such port (%s)", why),
                     /* The profile names addresses only as "localhost" and "*", the log only as "*". */
                     cage_format("%s%s", open, is_strict(judge) ? "" : ", if it listens on localhost"));
}

/* The kernel often logs "*" for the address: it may have been one of this Mac's own ports. */
static void judge_closed(const struct cage_judge *judge, const struct cage_event *event, const char *why,
                         struct cage_verdict *verdict)
{
    cage_autofree char *open = cage_judge_open_network(judge, event);
    cage_autofree char *port = strcmp(event->target, "*") == 0 && !is_strict(judge) && event->port != 0
                                   ? advise_port(judge, CAGE_KEY_NET_HOST_PORTS, event)
                                   : NULL;

    cage_verdict_set(verdict, CAGE_WHY_NETWORK, cage_format("the cage has no network (%s)", why),
                     port ? cage_format("%s; or, if it is a port of this Mac: %s", open, port)
                          : cage_strdup(open));
}

static void judge_address(const struct cage_judge *judge, const struct cage_event *event,
                          struct cage_verdict *verdict)
{
    cage_autofree char *why = cage_judge_reason(judge, judge->plan->net_reason);

    if (judge->plan->net == CAGE_NET_HOST && !is_strict(judge))
        cage_verdict_set(verdict, CAGE_WHY_PROFILE,
                         cage_format("the network is open, but not for %s; no line of nixcage.toml allows it",
                                     event->call),
                         NULL);
    else if (event->write)
        judge_listen(judge, event, why, verdict);
    else if (cage_judge_is_own_address(event->target))
        cage_verdict_set(verdict, CAGE_WHY_LOCALHOST,
                         cage_format("ports of this Mac are closed to the cage (%s)", why),
                         advise_port(judge, CAGE_KEY_NET_HOST_PORTS, event));
    else if (judge->plan->net == CAGE_NET_GATE)
        judge_gate(judge, why, verdict);
    else
        judge_closed(judge, event, why, verdict);
}

bool cage_judge_seatbelt_net(const struct cage_judge *judge, const struct cage_event *event,
                             struct cage_verdict *verdict)
{
    cage_autofree char *why = cage_judge_reason(judge, judge->plan->net_reason);
    bool looks_up = event->kind == CAGE_EVENT_UNIX && strcmp(event->target, RESOLVER) == 0;

    if (event->kind == CAGE_EVENT_NET)
        judge_address(judge, event, verdict);
    else if (looks_up && judge->plan->net == CAGE_NET_GATE)
        judge_gate(judge, why, verdict);
    else if (looks_up)
        cage_judge_no_names(judge, verdict);
    else
        return false;
    return true;
}
