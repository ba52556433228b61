/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user is told of mounts that the host took away. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "run/hold_internal.h"

#include <errno.h>
#include <string.h>

static bool is_mask(const struct cage_op *op)
{
    return op->kind == CAGE_OP_MASK_DIR || op->kind == CAGE_OP_MASK_FILE;
}

/* Replaced, and nobody put the mount back: the helper could not, or the run ended before. */
static bool is_open(const struct cage_guard *guard, const struct cage_guard_mark *now)
{
    if (!now)
        return false;
    return guard->state == CAGE_GUARD_OPEN || guard->is_missing ||
           (guard->safe_ino && (guard->safe_dev != now->dev || guard->safe_ino != now->ino));
}

/* Written to, linked, or renamed since it was protected again. */
static bool is_changed(const struct cage_guard *guard, const struct cage_guard_mark *now)
{
    const struct timespec *then = &guard->again_time;

    return !now->is_dir && (then->tv_sec != now->time.tv_sec || then->tv_nsec != now->time.tv_nsec);
}

static const char *reason(int sys)
{
    switch (sys) {
    case ETIMEDOUT:
        return "that took too long";
    case ECANCELED:
        return "the run ended before";
    case ESTALE:
        return "the cage saw something else there";
    default:
        return strerror(sys);
    }
}

static void say_open(const struct cage_guard *guard, struct cage_strbuf *line)
{
    if (is_mask(guard->op))
        cage_strbuf_add(line, "; since then the cage could read it");
    else
        cage_strbuf_add(line, "; since then the cage could write it, so look at it before you go on");
    if (guard->state == CAGE_GUARD_OPEN && guard->sys == ELOOP)
        cage_strbuf_add(line, " (a symlink is there now)");
    else if (guard->state == CAGE_GUARD_OPEN)
        cage_strbuf_addf(line, " (it could not be %s again: %s)", is_mask(guard->op) ? "hidden" : "protected",
                         reason(guard->sys));
}

static void say_again(const struct cage_guard *guard, const struct cage_guard_mark *now,
                      struct cage_strbuf *line)
{
    const bool mask = is_mask(guard->op);

    cage_strbuf_addf(line, ", and %s again within %d ms of being seen; in between the cage could %s it",
                     mask ? "hidden" : "protected", guard->longest + 1, mask ? "read" : "write");
    if (mask || !now)
        return;
    if (guard->doubts & CAGE_DOUBT_WRITER)
        cage_strbuf_add(line,
                        ", and some program still had it open for writing: look at it before you go on");
    else if (guard->doubts & CAGE_DOUBT_LINKS)
        cage_strbuf_add(line, ", and it has other names (hard links): look at it before you go on");
    else if (is_changed(guard, now))
        cage_strbuf_add(line, ", and it has changed since: look at it before you go on");
}

void cage_guard_report(struct cage_hold *hold, const struct cage_guard *guard,
                       const struct cage_guard_mark *now)
{
    CAGE_STRBUF_AUTO line = {0};
    const bool open = is_open(guard, now);

    /* A pin only keeps the names of what lies below it, which speaks for itself. */
    if (!open && (guard->times == 0 || guard->op->kind == CAGE_OP_PIN))
        return;
    cage_strbuf_init(&line);
    cage_strbuf_add_printable(&line, guard->op->dest);
    cage_strbuf_add(&line, " was replaced ");
    if (guard->times > 1)
        cage_strbuf_addf(&line, "%u times ", guard->times);
    cage_strbuf_add(&line, "during the run by a program outside the cage");
    if (open)
        say_open(guard, &line);
    else
        say_again(guard, now, &line);
    cage_strv_take(&hold->warned, cage_strbuf_steal(&line));
}
