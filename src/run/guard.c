/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/guard.h"
#include "base/mem.h"
#include "base/path.h"
#include "init/spec.h"
#include "run/hold_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    HELPER_MS = 3000, /* a helper that takes longer is stuck */
    MISSING_MS = 300, /* programs that delete a file to write it anew take less */
    WINDOW_MS = 1000, /* in this time … */
    MAX_STARTED = 20, /* … so many helpers start at once, … */
    MAX_RETRIES = 10, /* when host and cage see different things, which happens while they change */
    SLOW_MS = 100,    /* … and then one each so often */
    STUCK_TRIES = 50, /* ms that the end waits for a helper that was killed */
};

static long long now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000 + 1;
}

bool cage_guards_wanted(const struct cage_plan *plan)
{
    for (size_t i = 0; i < plan->n_ops; i++)
        if (plan->ops[i].lies_on)
            return true;
    return false;
}

static void add_guard(struct cage_hold *hold, const struct cage_op *op)
{
    struct cage_guards *guards = &hold->guards;
    size_t length;
    int fd = cage_hold_base(hold, op->lies_on, CAGE_BASE_GUARDED, &length);
    const char *name = cage_path_basename(op->lies_on);

    /* Gone already: then the init finds that the cage is not what was planned. */
    if (fd < 0 || length + (length > 1) != (size_t)(name - op->lies_on))
        return;
    guards->items[guards->n++] =
        (struct cage_guard){.op = op, .base_fd = fd, .name = name, .mark = {.dev = op->dev, .ino = op->ino}};
}

void cage_guards_start(struct cage_hold *hold)
{
    hold->guards = (struct cage_guards){.control = -1, .ns = {CAGE_NS_MOUNT, -1, -1}, .fd = -1};
    hold->guards.items = cage_alloc((hold->plan->n_ops + 1) * sizeof *hold->guards.items);
    for (size_t i = 0; i < hold->plan->n_ops; i++)
        if (hold->plan->ops[i].lies_on)
            add_guard(hold, &hold->plan->ops[i]);
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec >= b->tv_nsec;
}

static bool look_at(const struct cage_guard *guard, struct cage_guard_mark *mark)
{
    struct statx stx;
    const struct statx_timestamp *time;

    if (statx(guard->base_fd, guard->name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
              STATX_TYPE | STATX_INO | STATX_CTIME | STATX_BTIME, &stx) < 0)
        return false;
    *mark = (struct cage_guard_mark){.dev = makedev(stx.stx_dev_major, stx.stx_dev_minor),
                                     .ino = stx.stx_ino,
                                     .is_dir = S_ISDIR(stx.stx_mode)};
    time = mark->is_dir ? &stx.stx_btime : &stx.stx_ctime;
    if (!mark->is_dir || (stx.stx_mask & STATX_BTIME))
        mark->time = (struct timespec){.tv_sec = time->tv_sec, .tv_nsec = time->tv_nsec};
    return true;
}

/*
 * Whether the mount may be gone. The same file under the same name is not enough: it may have got the name
 * anew (link(2), rename(2)), which changes its time. So does writing to it; the helper then finds the mount
 * in place.
 */
static bool is_other(const struct cage_hold *hold, const struct cage_guard *guard,
                     const struct cage_guard_mark *mark)
{
    const struct cage_guard_mark *old = &guard->mark;

    if ((old->ino && (old->dev != mark->dev || old->ino != mark->ino)) || guard->is_missing)
        return true;
    if (!guard->looked)
        return is_later(&mark->time, &hold->started);
    return old->time.tv_sec != mark->time.tv_sec || old->time.tv_nsec != mark->time.tv_nsec;
}

/*
 * Deleted. When it appears soon, a program has just written it anew; else it is treated like every protected
 * path that is not there. nixcage's own directory is where such things are put.
 */
static void look_at_missing(struct cage_hold *hold, struct cage_guard *guard, long long now)
{
    const char *path = guard->op->lies_on;
    struct cage_error ignored;

    if (!guard->is_missing) {
        guard->is_missing = true;
        guard->dirty = false;
        if (guard->op->kind == CAGE_OP_BIND && hold->plan->project_root &&
            cage_hold_is_protected(hold->plan, path) && strcmp(guard->name, ".nixcage") != 0)
            guard->give_up_at = now + MISSING_MS;
    }
    if (!guard->give_up_at || now < guard->give_up_at)
        return;
    guard->give_up_at = 0;
    guard->missing = (struct cage_protected){.path = guard->op->lies_on, .reason = guard->op->reason};
    guard->given_up = cage_hold_add(hold, &guard->missing, &ignored) == 0;
}

static void look(struct cage_hold *hold)
{
    long long now = now_ms();

    for (size_t i = 0; i < hold->guards.n; i++) {
        struct cage_guard *guard = &hold->guards.items[i];
        struct cage_guard_mark mark;

        if (guard->given_up)
            continue;
        if (!look_at(guard, &mark)) {
            if (errno == ENOENT)
                look_at_missing(hold, guard, now);
            continue;
        }
        if (is_other(hold, guard, &mark)) {
            guard->dirty = true;
            if (!guard->open_since)
                guard->open_since = now;
        }
        guard->mark = mark;
        guard->looked = true;
        guard->is_missing = false;
        guard->give_up_at = 0;
    }
}

static bool is_any_dirty(const struct cage_guards *guards)
{
    for (size_t i = 0; i < guards->n; i++)
        if (guards->items[i].dirty)
            return true;
    return false;
}

/* That a later attempt was cut short by the end of the run is no news: why the first one failed is. */
static void fail(struct cage_guard *guard, int sys)
{
    if (guard->state != CAGE_GUARD_OPEN || sys != ECANCELED)
        guard->sys = sys;
    guard->state = CAGE_GUARD_OPEN;
    guard->sent = guard->unsettled = guard->dirty = false;
}

static void fail_dirty(struct cage_guards *guards, int sys)
{
    for (size_t i = 0; i < guards->n; i++)
        if (guards->items[i].dirty)
            fail(&guards->items[i], sys);
}

/* Who process 1 is, is only asked when it is needed: it need not tell at every start. */
static void ask(struct cage_guards *guards, long long now)
{
    struct cage_message who = {.kind = CAGE_MSG_WHO};

    if (guards->asked || guards->control < 0)
        return;
    guards->asked =
        send(guards->control, &who, sizeof who, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof who;
    if (!guards->asked)
        guards->not_before = now + SLOW_MS;
}

/* Nobody can make us start more than a few: neither the host, nor a cage that changes a file by another name.
 */
static void count_start(struct cage_guards *guards, long long now)
{
    if (now - guards->window >= WINDOW_MS) {
        guards->window = now;
        guards->started = 0;
    }
    if (++guards->started >= MAX_STARTED)
        guards->not_before = now + SLOW_MS;
}

static void start_helper(struct cage_guards *guards, long long now)
{
    cage_autofree struct cage_rebind *items = cage_alloc(guards->n * sizeof *items);
    struct cage_error err;
    size_t n = 0;
    pid_t pid;

    count_start(guards, now);
    for (size_t i = 0; i < guards->n; i++) {
        struct cage_guard *guard = &guards->items[i];

        if (guard->dirty)
            items[n++] =
                (struct cage_rebind){i, guard->op->kind, guard->op->dest, guard->base_fd, guard->name};
    }
    pid = cage_rebind_start(&guards->ns, items, n, &guards->fd, &err);
    if (pid < 0) {
        fail_dirty(guards, err.sys);
        return;
    }
    guards->helper = pid;
    guards->unanswered = n;
    guards->deadline = now + HELPER_MS;
    for (size_t i = 0; i < n; i++) {
        struct cage_guard *guard = &guards->items[items[i].index];

        guard->dirty = false;
        guard->sent = guard->unsettled = true;
    }
}

static void set_safe(struct cage_guard *guard)
{
    guard->state = CAGE_GUARD_FINE;
    guard->open_since = 0;
    guard->retries = 0;
    guard->safe_dev = guard->mark.dev;
    guard->safe_ino = guard->mark.ino;
}

static void take_result(struct cage_guards *guards, const struct cage_rebind_result *result)
{
    struct cage_guard *guard = &guards->items[result->index];
    const bool first = guard->sent;

    guard->sent = false;
    if (!first) {
        guard->doubts |= result->doubts;
        guard->unsettled = false;
        return;
    }
    guards->unanswered--;
    switch ((enum cage_rebind_outcome)result->outcome) {
    case CAGE_REBIND_AGAIN:
        guard->times++;
        guard->again_time = guard->mark.time;
        if (now_ms() - guard->open_since > guard->longest)
            guard->longest = (int)(now_ms() - guard->open_since);
        set_safe(guard);
        break;
    case CAGE_REBIND_FINE:
        set_safe(guard);
        break;
    case CAGE_REBIND_GONE:
        guard->unsettled = false;
        break;
    case CAGE_REBIND_LINK:
        fail(guard, ELOOP);
        break;
    case CAGE_REBIND_FAILED:
        fail(guard, result->sys);
        guard->dirty = result->sys == ESTALE && guard->retries++ < MAX_RETRIES;
        break;
    }
}

/* The helper has ended, or was killed: what it has not done. */
static void conclude(struct cage_guards *guards, bool interrupted, int sys)
{
    cage_close(&guards->fd);
    guards->unanswered = 0;
    for (size_t i = 0; i < guards->n; i++) {
        struct cage_guard *guard = &guards->items[i];

        if (guard->sent)
            fail(guard, sys);
        else if (guard->unsettled && interrupted)
            guard->dirty = true; /* the next one finds the mount in place, and looks again */
        guard->unsettled = false;
    }
}

static void read_results(struct cage_guards *guards)
{
    struct cage_rebind_result result;
    ssize_t n;

    if (guards->fd < 0)
        return;
    while ((n = read(guards->fd, &result, sizeof result)) == (ssize_t)sizeof result)
        if (result.index < guards->n)
            take_result(guards, &result);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        conclude(guards, false, ESRCH);
}

static void reap(struct cage_guards *guards)
{
    if (guards->helper && guards->fd < 0 && waitpid(guards->helper, NULL, WNOHANG) != 0)
        guards->helper = 0;
}

/* A helper that owes nothing any more, or that is stuck, makes way for the next. */
static void end_helper(struct cage_guards *guards, long long now)
{
    if (!guards->helper || guards->fd < 0 || (guards->unanswered && now < guards->deadline))
        return;
    if (now < guards->deadline && !is_any_dirty(guards))
        return;
    (void)kill(guards->helper, SIGKILL);
    conclude(guards, now < guards->deadline, ETIMEDOUT);
}

static void go_on(struct cage_hold *hold)
{
    struct cage_guards *guards = &hold->guards;
    long long now = now_ms();

    read_results(guards);
    end_helper(guards, now);
    reap(guards);
    if (guards->helper || !is_any_dirty(guards) || now < guards->not_before)
        return;
    if (guards->ns.fd < 0)
        ask(guards, now);
    else
        start_helper(guards, now);
}

void cage_guards_look(struct cage_hold *hold)
{
    look(hold);
    go_on(hold);
}

void cage_guards_moved(struct cage_guards *guards, int from, int to)
{
    for (size_t i = 0; i < guards->n; i++)
        if (guards->items[i].base_fd == from)
            guards->items[i].base_fd = to;
}

void cage_hold_connect(struct cage_hold *hold, int control)
{
    hold->guards.control = control;
    cage_hold_remember(hold); /* while bwrap makes the cage */
}

/* Whether process 1 has not closed its end: then the number was still its own. */
static bool is_connected(int control)
{
    struct pollfd end = {.fd = control, .events = POLLRDHUP};

    return poll(&end, 1, 0) == 0 || !(end.revents & (POLLHUP | POLLRDHUP | POLLERR));
}

void cage_hold_found(struct cage_hold *hold, pid_t init)
{
    struct cage_guards *guards = &hold->guards;
    struct cage_error err;

    if (!guards->asked || guards->ns.fd >= 0)
        return;
    guards->asked = false;
    if (init <= 0 || cage_ns_open(&guards->ns, init, CAGE_NS_MOUNT, &err) < 0)
        fail_dirty(guards, init <= 0 ? ESRCH : err.sys);
    else if (!is_connected(guards->control))
        cage_ns_finish(&guards->ns);
    else
        go_on(hold);
}

/* When something is to be done though nothing happens; 0: never. */
static long long next_time(const struct cage_guards *guards)
{
    long long next = guards->fd >= 0 ? guards->deadline : 0;

    if (!guards->helper && !guards->asked && is_any_dirty(guards))
        next = guards->not_before;
    for (size_t i = 0; i < guards->n; i++) {
        long long time = guards->items[i].give_up_at;

        if (time && (!next || time < next))
            next = time;
    }
    return next;
}

void cage_hold_wait(const struct cage_hold *hold, int *fd, int *timeout)
{
    long long next = next_time(&hold->guards), now = next ? now_ms() : 0;

    *fd = hold->guards.fd;
    *timeout = !next ? -1 : next <= now ? 1 : (int)(next - now);
}

void cage_hold_wake(struct cage_hold *hold)
{
    long long now = now_ms();
    bool due = false;

    for (size_t i = 0; i < hold->guards.n; i++)
        due |= hold->guards.items[i].give_up_at && now >= hold->guards.items[i].give_up_at;
    if (due)
        cage_hold_look(hold);
    else
        go_on(hold);
}

/* What the helper has answered by now counts; a mount that it makes now does not matter any more. */
static void stop_helper(struct cage_guards *guards)
{
    read_results(guards);
    if (guards->helper)
        (void)kill(guards->helper, SIGKILL);
    if (guards->fd >= 0)
        conclude(guards, false, ECANCELED);
    for (int i = 0; guards->helper && i < STUCK_TRIES; i++) {
        const struct timespec moment = {.tv_nsec = 1000000};

        reap(guards);
        if (guards->helper)
            (void)nanosleep(&moment, NULL);
    }
}

void cage_guards_end(struct cage_hold *hold)
{
    stop_helper(&hold->guards);
    for (size_t i = 0; i < hold->guards.n; i++) {
        const struct cage_guard *guard = &hold->guards.items[i];
        struct cage_guard_mark now;

        cage_guard_report(hold, guard, !guard->given_up && look_at(guard, &now) ? &now : NULL);
    }
}

void cage_guards_finish(struct cage_guards *guards)
{
    cage_ns_finish(&guards->ns);
    free(guards->items);
}
