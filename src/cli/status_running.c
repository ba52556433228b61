/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/status_running.h"
#include "base/mem.h"
#include "cli/json.h"
#include "limits/running.h"

/* Two of the periods that the kernel hands out processor time in (cpu.max). */
enum { PAUSE_MS = 200 };

static void find(struct cage_running_list *list, const struct cage_session *session)
{
    const struct cage_running_system system = {
        .proc = "/proc", .cgroup_root = "/sys/fs/cgroup", .pause_ms = PAUSE_MS};

    cage_running_find(list, session->project.dirfd, &system);
}

static void add_age(struct cage_strbuf *out, double seconds)
{
    if (seconds < 120)
        cage_strbuf_addf(out, "%.0f s", seconds);
    else if (seconds < 7200)
        cage_strbuf_addf(out, "%.0f min", seconds / 60);
    else
        cage_strbuf_addf(out, "%.0f h", seconds / 3600);
}

static void add_number(struct cage_strbuf *out, double value)
{
    cage_strbuf_addf(out, "%.3g", value);
}

static void add_count(struct cage_strbuf *out, double value)
{
    cage_strbuf_addf(out, "%.0f", value);
}

static void add_mib(struct cage_strbuf *out, double bytes)
{
    cage_strbuf_addf(out, "%.1f MiB", bytes / 0x1p20);
}

/* "  memory     12.0 MiB of 64.0 MiB" */
static void add_use(struct cage_strbuf *out, const char *name, const struct cage_use *use,
                    void (*add)(struct cage_strbuf *out, double value), const char *no_limit)
{
    cage_strbuf_addf(out, "  %-10s ", name);
    if (use->used >= 0)
        add(out, use->used);
    else
        cage_strbuf_add(out, "unknown");
    if (use->limit > 0) {
        cage_strbuf_add(out, " of ");
        add(out, use->limit);
    } else {
        cage_strbuf_addf(out, "%s", no_limit);
    }
    cage_strbuf_addc(out, '\n');
}

static void add_held(struct cage_strbuf *out, const struct cage_running *cage)
{
    add_use(out, "cpus", &cage->cpus, add_number, ", no limit");
    add_use(out, "memory", &cage->memory, add_mib, ", no limit");
    add_use(out, "processes", &cage->pids, add_count, ", no limit");
    if (cage->oom_kills)
        cage_strbuf_addf(out, "  %-10s %llu of its processes, for memory\n", "killed", cage->oom_kills);
    cage_strbuf_addf(out, "  %-10s cgroup ", "held by");
    cage_strbuf_add_printable(out, cage->group);
    cage_strbuf_addc(out, '\n');
}

/* The kernel exempts root from RLIMIT_NPROC (setrlimit(2)). */
static void add_not_held(struct cage_strbuf *out, const struct cage_running *cage, bool is_root)
{
    if (cage->cpus.limit > 0)
        cage_strbuf_addf(out, "  %-10s bound to %.0f\n", "cpus", cage->cpus.limit);
    else
        cage_strbuf_addf(out, "  %-10s not limited\n", "cpus");
    add_use(out, "memory", &cage->memory, add_mib, ", not limited");
    add_use(out, "processes", &cage->pids, add_count, ", not limited");
    cage_strbuf_addf(out, "  %-10s ", "held by");
    if (cage->pids.limit > 0 && !is_root)
        cage_strbuf_add(out, "RLIMIT_NPROC, and no cgroup: not enforced for the rest\n");
    else
        cage_strbuf_add(out, "no cgroup: not enforced\n");
}

void cage_status_add_running(struct cage_strbuf *out, const struct cage_session *session)
{
    struct cage_running_list list;

    find(&list, session);
    for (size_t i = 0; i < list.n; i++) {
        const struct cage_running *cage = &list.items[i];

        cage_strbuf_addf(out, "%-10s process %ld for ", "Running:", (long)cage->pid);
        add_age(out, cage->seconds);
        cage_strbuf_addc(out, '\n');
        if (cage->group)
            add_held(out, cage);
        else
            add_not_held(out, cage, session->host.uid == 0);
    }
    cage_running_finish(&list);
}

static json_t *use_json(const struct cage_use *use, json_t *(*number)(double value))
{
    json_t *object = json_object();

    json_object_set_new(object, "used", use->used >= 0 ? number(use->used) : json_null());
    json_object_set_new(object, "limit", use->limit > 0 ? number(use->limit) : json_null());
    return object;
}

static json_t *whole(double value)
{
    return json_integer((json_int_t)value);
}

json_t *cage_status_running_json(const struct cage_session *session)
{
    json_t *array = json_array();
    struct cage_running_list list;

    find(&list, session);
    for (size_t i = 0; i < list.n; i++) {
        const struct cage_running *cage = &list.items[i];
        json_t *object = json_object();

        json_object_set_new(object, "pid", json_integer(cage->pid));
        json_object_set_new(object, "seconds", json_integer((json_int_t)cage->seconds));
        json_object_set_new(object, "cgroup", cage_json_text(cage->group));
        json_object_set_new(object, "cpus", use_json(&cage->cpus, json_real));
        json_object_set_new(object, "memory", use_json(&cage->memory, whole));
        json_object_set_new(object, "pids", use_json(&cage->pids, whole));
        json_object_set_new(object, "oom_kills", json_integer((json_int_t)cage->oom_kills));
        json_array_append_new(array, object);
    }
    cage_running_finish(&list);
    return array;
}
