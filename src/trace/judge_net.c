/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "trace/advice.h"
#include "trace/judge_internal.h"

#include <string.h>

enum { DNS = 53 };

bool cage_judge_is_own_address(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
           strncmp(address, "::ffff:127.", 11) == 0 || strcmp(address, "0.0.0.0") == 0 ||
           strcmp(address, "localhost") == 0;
}

static bool is_any(const struct cage_event *event, const char *const *errors)
{
    for (; *errors; errors++)
        if (strcmp(event->error, *errors) == 0)
            return true;
    return false;
}

/* The configuration's words for a network that has none yet. */
char *cage_judge_open_network(const struct cage_judge *judge, const struct cage_event *event)
{
    cage_autofree char *host = NULL;

    if (judge->plan->level == CAGE_LEVEL_STRICT)
        return cage_advice_set(judge->config, CAGE_KEY_SANDBOX_LEVEL, "\"standard\"");
    if (judge->config->hosts.set && event->port != DNS) {
        host = cage_format(strchr(event->target, ':') ? "[%s]:%u" : "%s:%u", event->target,
                           (unsigned)event->port);
        return cage_advice_list(judge->config, CAGE_KEY_NET_HOSTS, host);
    }
    if (judge->config->hosts.set)
        return cage_advice_list(judge->config, CAGE_KEY_NET_HOSTS, "NAME.OF.HOST");
    return cage_advice_set(judge->config, CAGE_KEY_NET_ALLOW, "true");
}

static void judge_localhost(const struct cage_judge *judge, const struct cage_event *event,
                            struct cage_verdict *verdict)
{
    cage_autofree char *port = cage_format("%u", (unsigned)event->port);

    cage_verdict_set(verdict, CAGE_WHY_LOCALHOST,
                     cage_strdup("the cage has a localhost of its own, and nothing listens there"),
                     judge->plan->level == CAGE_LEVEL_STRICT
                         ? cage_advice_set(judge->config, CAGE_KEY_SANDBOX_LEVEL, "\"standard\"")
                         : cage_advice_list(judge->config, CAGE_KEY_NET_HOST_PORTS, port));
}

void cage_judge_net(const struct cage_judge *judge, const struct cage_event *event,
                    struct cage_verdict *verdict)
{
    static const char *const refusals[] = {"ENETUNREACH", "EHOSTUNREACH", "ECONNREFUSED", "EACCES",
                                           "EPERM",       "ENETDOWN",     "EHOSTDOWN",    NULL};
    cage_autofree char *why = cage_judge_reason(judge, judge->plan->net_reason);

    if (judge->plan->net == CAGE_NET_HOST || !is_any(event, refusals) || strcmp(event->call, "bind") == 0) {
        cage_verdict_set(verdict, CAGE_WHY_OUTSIDE, NULL, NULL);
    } else if (event->port == 0) {
        /* A connection to port 0 only asks which route there would be (getaddrinfo(3)). */
        cage_verdict_set(verdict, CAGE_WHY_PROBING, NULL, NULL);
    } else if (cage_judge_is_own_address(event->target)) {
        judge_localhost(judge, event, verdict);
    } else if (judge->plan->net == CAGE_NET_NONE) {
        cage_verdict_set(verdict, CAGE_WHY_NETWORK,
                         cage_format("%sthe cage has no network (%s)",
                                     event->port == DNS ? "a name was looked up, and " : "", why),
                         cage_judge_open_network(judge, event));
    } else {
        cage_verdict_set(verdict, CAGE_WHY_HOST, cage_format("the gate lets only hosts through (%s)", why),
                         cage_judge_open_network(judge, event));
    }
}

void cage_judge_no_names(const struct cage_judge *judge, struct cage_verdict *verdict)
{
    const struct cage_event lookup = {.kind = CAGE_EVENT_NET, .target = (char[]){""}, .port = DNS};
    cage_autofree char *why = cage_judge_reason(judge, judge->plan->net_reason);

    cage_verdict_set(verdict, CAGE_WHY_NETWORK,
                     cage_format("a name was looked up, and the cage has no network (%s)", why),
                     cage_judge_open_network(judge, &lookup));
}

void cage_judge_abstract(const struct cage_judge *judge, const struct cage_event *event,
                         struct cage_verdict *verdict)
{
    bool closed = judge->plan->net != CAGE_NET_HOST || judge->plan->scope_abstract;

    if (closed && (strcmp(event->error, "EPERM") == 0 || strcmp(event->error, "EACCES") == 0))
        cage_verdict_set(verdict, CAGE_WHY_HOST,
                         cage_strdup("abstract sockets of the host are closed to the cage"), NULL);
    else
        cage_verdict_set(verdict, CAGE_WHY_OUTSIDE, NULL, NULL);
}
