/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/judge.h"
#include "base/mem.h"
#include "base/path.h"
#include "trace/advice.h"
#include "trace/judge_internal.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

const char *cage_why_text(enum cage_why why)
{
    static const char *const texts[] = {
        [CAGE_WHY_ABSENT] = "absent outside, too",
        [CAGE_WHY_PROBING] = "search",
        [CAGE_WHY_KERNEL] = "kernel file",
        [CAGE_WHY_OUTSIDE] = "same outside",
        [CAGE_WHY_HABIT] = "habit",
        [CAGE_WHY_NOT_MOUNTED] = "not mounted",
        [CAGE_WHY_READ_ONLY] = "read-only",
        [CAGE_WHY_MASKED] = "masked",
        [CAGE_WHY_PROTECTED] = "protected",
        [CAGE_WHY_STORE_VIEW] = "store view",
        [CAGE_WHY_CAPABILITY] = "no capabilities",
        [CAGE_WHY_NETWORK] = "no network",
        [CAGE_WHY_HOST] = "host not allowed",
        [CAGE_WHY_LOCALHOST] = "own localhost",
        [CAGE_WHY_FILTER] = "system call filter",
        [CAGE_WHY_PROGRAM] = "missing program",
        [CAGE_WHY_NOT_GRANTED] = "not granted",
        [CAGE_WHY_SERVICE] = "system service",
        [CAGE_WHY_SYSCTL] = "kernel value",
        [CAGE_WHY_PROCESS] = "other process",
        [CAGE_WHY_SETUID] = "set-uid program",
        [CAGE_WHY_PROFILE] = "never allowed",
    };

    return texts[why];
}

void cage_verdict_finish(struct cage_verdict *verdict)
{
    free(verdict->reason);
    free(verdict->fix);
    free(verdict->secret);
    *verdict = (struct cage_verdict){0};
}

void cage_verdict_set(struct cage_verdict *verdict, enum cage_why why, char *take_reason, char *take_fix)
{
    cage_verdict_finish(verdict);
    *verdict = (struct cage_verdict){.why = why, .reason = take_reason, .fix = take_fix};
}

char *cage_judge_reason(const struct cage_judge *judge, struct cage_reason reason)
{
    const char *file = judge->config->file ? cage_path_basename(judge->config->file) : "nixcage.toml";

    if (reason.mark.line > 0)
        return cage_format("%s, %s:%d", reason.rule, file, reason.mark.line);
    return cage_strdup(reason.rule);
}

bool cage_judge_exists(const struct cage_judge *judge, const char *path, struct cage_file_fact *fact)
{
    struct cage_error ignored = {0};

    *fact = (struct cage_file_fact){.type = CAGE_FILE_NONE};
    return judge->host->lookup(judge->host, path, fact, &ignored) == 0 && fact->type != CAGE_FILE_NONE;
}

/* Whether what a path of the cage leads to is on the host. */
static bool is_in_cage(const struct cage_judge *judge, const char *path)
{
    struct cage_file_fact fact;
    struct cage_where where;
    bool there;

    cage_where_find(judge->plan, path, &where);
    there = where.host && cage_judge_exists(judge, where.host, &fact);
    if (where.host)
        cage_file_fact_finish(&fact);
    cage_where_finish(&where);
    return there;
}

bool cage_judge_is_path_dir(const struct cage_judge *judge, const char *dir)
{
    const char *at = judge->plan->path_value;
    size_t n = strlen(dir);

    while (at && *at) {
        size_t len = strcspn(at, ":");

        if (len == n && strncmp(at, dir, n) == 0)
            return true;
        at += len;
        at += *at == ':';
    }
    return false;
}

bool cage_judge_on_path(const struct cage_judge *judge, const char *name)
{
    const char *at = judge->plan->path_value;

    while (at && *at) {
        size_t len = strcspn(at, ":");
        cage_autofree char *dir = cage_strndup(at, len);
        cage_autofree char *file = cage_path_join(dir, name);

        if (dir[0] == '/' && is_in_cage(judge, file))
            return true;
        at += len;
        at += *at == ':';
    }
    return false;
}

/* A call that only the filter refuses with this error, whoever calls. */
static void judge_refused(const struct cage_judge *judge, const struct cage_event *event,
                          struct cage_verdict *verdict)
{
    bool is_socket = strncmp(event->call, "socket", 6) == 0;
    bool is_namespace = strcmp(event->call, "unshare") == 0 || strcmp(event->call, "clone") == 0;

    if (is_socket && strcmp(event->error, "EAFNOSUPPORT") != 0 &&
        strcmp(event->error, "EPROTONOSUPPORT") != 0) {
        cage_verdict_set(verdict, CAGE_WHY_OUTSIDE, NULL, NULL);
    } else if (is_socket) {
        cage_verdict_set(verdict, CAGE_WHY_FILTER,
                         cage_strdup("the cage has only unix, inet and inet6 sockets and netlink's routes"),
                         NULL);
    } else if (strcmp(event->error, "EPERM") == 0 || strcmp(event->error, "ENOSYS") == 0) {
        cage_verdict_set(
            verdict, CAGE_WHY_FILTER,
            cage_strdup(is_namespace
                            ? "no namespaces are made in a cage (containers, sandboxes in other programs)"
                            : "the cage's mounts are its walls"),
            judge->plan->nested || judge->host->uid == 0
                ? NULL /* root cannot have it */
                : cage_advice_set(judge->config, CAGE_KEY_SANDBOX_NESTED, "true"));
    } else {
        cage_verdict_set(verdict, CAGE_WHY_OUTSIDE, NULL, NULL);
    }
}

/* What strace saw fail. */
static void judge_call(const struct cage_judge *judge, const struct cage_event *event,
                       struct cage_verdict *verdict)
{
    switch (event->kind) {
    case CAGE_EVENT_NET:
        cage_judge_net(judge, event, verdict);
        break;
    case CAGE_EVENT_REFUSED:
        judge_refused(judge, event, verdict);
        break;
    case CAGE_EVENT_UNIX:
        if (event->target[0] == '@') {
            cage_judge_abstract(judge, event, verdict);
            break;
        }
        cage_judge_file(judge, event, verdict);
        break;
    case CAGE_EVENT_FILE:
        cage_judge_file(judge, event, verdict);
        break;
    case CAGE_EVENT_SYSTEM:
        break;
    }
}

void cage_judge_event(const struct cage_judge *judge, const struct cage_event *event,
                      struct cage_verdict *verdict)
{
    *verdict = (struct cage_verdict){.why = CAGE_WHY_OUTSIDE};
    if (judge->plan->in_place)
        cage_judge_seatbelt(judge, event, verdict);
    else
        judge_call(judge, event, verdict);
    if (verdict->why >= CAGE_WHY_FIRST_REAL && !verdict->secret &&
        (event->kind == CAGE_EVENT_FILE || event->kind == CAGE_EVENT_UNIX)) {
        cage_autofree char *dir = cage_path_dirname(event->target);
        const char *secret = cage_advice_secret(judge->host, event->target);

        /* To make a file takes its directory, with all that is in it. */
        verdict->secret =
            cage_strdup(secret || !event->write ? secret : cage_advice_secret(judge->host, dir));
    }
}
