/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Denials of a Seatbelt profile. That it was denied is certain, and everything stays where it is and can be
 * seen, so what is left to find is which part of the plan said no: the blacklist, a protected file, a bind
 * that is read-only, or nothing that would have granted it. Paths are physical here, as the kernel logs them.
 */
#include "base/mem.h"
#include "base/path.h"
#include "trace/advice.h"
#include "trace/judge_internal.h"

#include <stdlib.h>
#include <string.h>

#define DATA_VOLUME "/System/Volumes/Data"
#define SESSION "/private/tmp/nixcage-"

/* The deepest bind at or above a path; of the same place the read-only one, which the profile has last. */
static const struct cage_op *find_grant(const struct cage_plan *plan, const char *path)
{
    const struct cage_op *found = NULL;
    size_t deepest = 0;

    for (size_t i = 0; i < plan->n_ops; i++) {
        const struct cage_op *op = &plan->ops[i];
        size_t depth = op->kind == CAGE_OP_BIND ? cage_path_depth(op->source) : 0;

        if (op->kind != CAGE_OP_BIND || !cage_path_is_under(path, op->source))
            continue;
        if (!found || depth > deepest || (depth == deepest && !op->writable)) {
            found = op;
            deepest = depth;
        }
    }
    return found;
}

/* The blacklist names both spellings of a path. above: or something in it is hidden, so it keeps its name. */
static const struct cage_op *find_mask(const struct cage_plan *plan, const char *path, bool above)
{
    for (size_t i = 0; i < plan->n_ops; i++) {
        const struct cage_op *op = &plan->ops[i];

        if ((op->kind == CAGE_OP_MASK_DIR || op->kind == CAGE_OP_MASK_FILE) &&
            (cage_path_is_under(path, op->dest) || (above && cage_path_is_under(op->dest, path))))
            return op;
    }
    return NULL;
}

/* Certainly: what cannot be looked at may be there. */
static bool is_absent(const struct cage_judge *judge, const char *path)
{
    struct cage_file_fact fact = {.type = CAGE_FILE_NONE};
    struct cage_error ignored = {0};
    bool absent = judge->host->lookup(judge->host, path, &fact, &ignored) == 0 && fact.type == CAGE_FILE_NONE;

    cage_file_fact_finish(&fact);
    return absent;
}

static bool is_agent(const struct cage_judge *judge, const char *path)
{
    const char *agent = cage_host_getenv(judge->host, "SSH_AUTH_SOCK");
    struct cage_file_fact fact;
    bool is = false;

    if (!agent || agent[0] != '/')
        return false;
    if (cage_judge_exists(judge, agent, &fact))
        is = fact.real && strcmp(fact.real, path) == 0;
    cage_file_fact_finish(&fact);
    return is || strcmp(agent, path) == 0;
}

/* The project of a cage that has none. */
static bool judge_strict(const struct cage_judge *judge, const struct cage_event *event,
                         struct cage_verdict *verdict)
{
    cage_autofree char *root = judge->config->file ? cage_path_dirname(judge->config->file) : NULL;

    if (judge->plan->level != CAGE_LEVEL_STRICT || !root || root[0] != '/' ||
        !cage_path_is_under(event->target, root))
        return false;
    cage_verdict_set(verdict, CAGE_WHY_NOT_GRANTED, cage_strdup("level strict has no project"),
                     cage_advice_set(judge->config, CAGE_KEY_SANDBOX_LEVEL, "\"standard\""));
    return true;
}

/* Without the /private in which macOS has what is elsewhere at the root. */
static bool is_too_wide(const struct cage_judge *judge, const char *path)
{
    bool is_private = cage_path_is_under(path, "/private") && strcmp(path, "/private") != 0;

    return cage_advice_too_wide(judge->host, is_private ? path + strlen("/private") : path);
}

static void not_granted(const struct cage_judge *judge, const struct cage_event *event,
                        struct cage_verdict *verdict)
{
    bool programs = cage_plan_macos_is_system(event->target), rw = event->write;
    const char *use = event->kind == CAGE_EVENT_UNIX ? "use" : rw ? "write" : "read";
    cage_autofree char *dir =
        rw ? cage_judge_existing_above(judge, event->target) : cage_strdup(event->target);
    cage_autofree char *shown = cage_advice_path(judge->host, dir);

    if (rw && strcmp(dir, "/private/tmp") == 0)
        cage_verdict_set(verdict, CAGE_WHY_NOT_GRANTED,
                         cage_strdup("/tmp is everybody's, and the cage has a directory of its own for that"),
                         cage_strdup("let the program use the directory in TMPDIR"));
    else if (programs && rw)
        cage_verdict_set(verdict, CAGE_WHY_NOT_GRANTED,
                         cage_strdup("the host's programs are not for a cage to change"), NULL);
    else if (programs && !judge->plan->system)
        cage_verdict_set(verdict, CAGE_WHY_NOT_GRANTED,
                         cage_strdup("it belongs to the host's own tools, which the cage may not read"),
                         cage_advice_set(judge->config, CAGE_KEY_FS_SYSTEM, "true"));
    else if (is_too_wide(judge, dir))
        cage_verdict_set(
            verdict, CAGE_WHY_NOT_GRANTED,
            cage_format("the cage may not %s it, and a bind of %s would open nearly everything", use, shown),
            NULL);
    else
        cage_verdict_set(verdict, CAGE_WHY_NOT_GRANTED,
                         cage_format("it is on the host, and nothing lets the cage %s it", use),
                         cage_judge_advise_bind(judge, dir, rw));
}

/* What a grant covers: either it is for reading only, or the operation is allowed nowhere. */
static void judge_granted(const struct cage_judge *judge, const struct cage_event *event,
                          const struct cage_op *grant, struct cage_verdict *verdict)
{
    cage_autofree char *why = cage_judge_reason(judge, grant->reason);
    cage_autofree char *dir = NULL;

    if (event->write && !grant->writable) {
        dir = cage_judge_existing_above(judge, strcmp(grant->reason.rule, "ro_bind") == 0 ? grant->source
                                                                                          : event->target);
        cage_verdict_set(verdict, CAGE_WHY_READ_ONLY, cage_format("it may be read only (%s)", why),
                         cage_judge_advise_bind(judge, dir, true));
    } else if (event->kind == CAGE_EVENT_UNIX && event->write) {
        cage_verdict_set(
            verdict, CAGE_WHY_PROFILE,
            cage_strdup("a cage of macOS makes no Unix sockets; no line of nixcage.toml allows it"), NULL);
    } else if (event->kind == CAGE_EVENT_UNIX) {
        cage_verdict_set(verdict, CAGE_WHY_NOT_GRANTED,
                         cage_strdup("a socket has to be named itself, and be there when the cage starts"),
                         cage_judge_advise_bind(judge, event->target, false));
    } else {
        cage_verdict_set(
            verdict, CAGE_WHY_PROFILE,
            cage_format("a cage may do much with this file, but not %s; no line of nixcage.toml allows it",
                        event->call),
            NULL);
    }
}

/* What is decided before any grant: see the order of a profile in backend/seatbelt.c. */
static bool judge_final(const struct cage_judge *judge, const struct cage_event *event,
                        struct cage_verdict *verdict)
{
    const char *path = event->target;
    bool unlinks = strstr(event->call, "unlink") != NULL;

    if (strcmp(event->call, "file-write-setugid") == 0)
        cage_verdict_set(verdict, CAGE_WHY_PROFILE,
                         cage_strdup("set-uid and set-gid bits cannot be set in a cage"), NULL);
    else if (cage_path_is_under(path, DATA_VOLUME))
        cage_verdict_set(verdict, CAGE_WHY_PROFILE,
                         cage_strdup("it shows every file a second time: use the path without " DATA_VOLUME),
                         NULL);
    else
        return cage_judge_masked(judge, find_mask(judge->plan, path, unlinks), verdict) ||
               (event->write && event->kind == CAGE_EVENT_FILE &&
                cage_judge_protected(judge, path, unlinks, verdict));
    return true;
}

static void judge_path(const struct cage_judge *judge, const struct cage_event *event,
                       struct cage_verdict *verdict)
{
    const char *path = event->target;
    const struct cage_op *grant;

    if (judge_final(judge, event, verdict))
        return;
    grant = find_grant(judge->plan, path);
    if (strncmp(path, SESSION, strlen(SESSION)) == 0)
        cage_verdict_set(verdict, CAGE_WHY_PROFILE,
                         cage_strdup("of a run's own directory only home and tmp are the cage's"), NULL);
    else if (event->write && cage_path_is_under(path, "/nix"))
        cage_verdict_set(verdict, CAGE_WHY_READ_ONLY,
                         cage_strdup("the Nix store cannot be written from the cage"), NULL);
    else if (grant)
        judge_granted(judge, event, grant, verdict);
    else if (!event->write && is_absent(judge, path))
        cage_verdict_set(verdict, CAGE_WHY_ABSENT, NULL, NULL);
    else if (cage_advice_is_mac_probe(judge->host, path))
        cage_verdict_set(verdict, CAGE_WHY_HABIT, NULL, NULL);
    else if (is_agent(judge, path))
        cage_verdict_set(verdict, CAGE_WHY_NOT_GRANTED, cage_strdup("the SSH agent is closed to the cage"),
                         cage_advice_set(judge->config, CAGE_KEY_CAGE_SSH_AGENT, "true"));
    else if (!cage_judge_program(judge, event, verdict) && !judge_strict(judge, event, verdict))
        not_granted(judge, event, verdict);
}

void cage_judge_seatbelt(const struct cage_judge *judge, const struct cage_event *event,
                         struct cage_verdict *verdict)
{
    if (event->kind == CAGE_EVENT_SYSTEM || event->kind == CAGE_EVENT_REFUSED)
        cage_judge_seatbelt_system(judge, event, verdict);
    else if (!cage_judge_seatbelt_net(judge, event, verdict))
        judge_path(judge, event, verdict);
}
