/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/running.h"
#include "backend/backend.h"
#include "base/mem.h"
#include "base/path.h"
#include "limits/limits_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Between nixcage and a cage's process 1 there are bwrap and perhaps nixcage-tracer. */
enum { MAX_ABOVE = 4 };

/* One process, as /proc/PID/status has it. */
struct process {
    pid_t pid, parent;
    double tasks, memory; /* threads; bytes of its own */
};

struct table {
    struct process *items;
    size_t n, cap;
};

static char *proc_file(const struct cage_running_system *system, pid_t pid, const char *name)
{
    cage_autofree char *dir = cage_format("%s/%ld", system->proc, (long)pid);

    return cage_limits_read(dir, name);
}

/* What follows "NAME:" on a line of the text, or NULL. */
static const char *field(const char *text, const char *name)
{
    size_t n = strlen(name);

    for (; text && *text; text = strchr(text, '\n')) {
        text += *text == '\n';
        if (strncmp(text, name, n) == 0 && text[n] == ':')
            return text + n + 1;
    }
    return NULL;
}

static double number(const char *text, const char *name)
{
    const char *value = field(text, name);

    return value ? strtod(value, NULL) : 0;
}

static int by_number(const void *a, const void *b)
{
    pid_t x = ((const struct process *)a)->pid, y = ((const struct process *)b)->pid;

    return (x > y) - (x < y);
}

static void read_table(struct table *table, const struct cage_running_system *system)
{
    DIR *dir = opendir(system->proc);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        cage_autofree char *status = pid > 0 ? proc_file(system, pid, "status") : NULL;

        if (!status)
            continue;
        if (table->n == table->cap) {
            table->cap = table->cap ? table->cap * 2 : 256;
            table->items = cage_realloc_array(table->items, table->cap, sizeof *table->items);
        }
        table->items[table->n++] = (struct process){
            .pid = pid,
            .parent = (pid_t)number(status, "PPid"),
            .tasks = number(status, "Threads"),
            .memory = (number(status, "RssAnon") + number(status, "RssShmem")) * 1024,
        };
    }
    if (dir)
        closedir(dir);
    if (table->n)
        qsort(table->items, table->n, sizeof *table->items, by_number);
}

static pid_t parent_of(const struct table *table, pid_t pid)
{
    const struct process wanted = {.pid = pid};
    const struct process *found =
        table->n ? bsearch(&wanted, table->items, table->n, sizeof wanted, by_number) : NULL;

    return found ? found->parent : 0;
}

/*
 * Whether it is the first process of a PID namespace directly below ours (NSpid in proc_pid_status(5)), and
 * our init: a process in a cage may call itself what it likes, but it cannot be number 1 there.
 */
static bool is_cage_init(const struct cage_running_system *system, pid_t pid)
{
    cage_autofree char *words = proc_file(system, pid, "cmdline");
    cage_autofree char *status = NULL;
    const char *numbers;
    char *end;

    if (!words || strcmp(words, CAGE_INIT_DEST) != 0)
        return false;
    status = proc_file(system, pid, "status");
    numbers = field(status, "NSpid");
    if (!numbers)
        return false;
    (void)strtol(numbers, &end, 10);
    return strtol(end, &end, 10) == 1 && *end == '\n';
}

/* Whether the process has the directory open. */
static bool has_open(const struct cage_running_system *system, pid_t pid, const struct stat *wanted)
{
    cage_autofree char *path = cage_format("%s/%ld/fd", system->proc, (long)pid);
    DIR *dir = opendir(path);
    struct dirent *entry;
    bool found = false;

    while (dir && !found && (entry = readdir(dir))) {
        struct stat st;

        found = entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
                st.st_dev == wanted->st_dev && st.st_ino == wanted->st_ino;
    }
    if (dir)
        closedir(dir);
    return found;
}

/* The nixcage above a cage's process 1 if it is one of this project's, else 0. */
static pid_t find_nixcage(const struct cage_running_system *system, const struct table *table, pid_t init,
                          const struct stat *project)
{
    pid_t pid = init;

    for (int i = 0; i < MAX_ABOVE; i++) {
        pid = parent_of(table, pid);
        if (pid <= 1)
            return 0;
        if (has_open(system, pid, project))
            return pid;
    }
    return 0;
}

/* Field 22 of proc_pid_stat(5), counted from behind the name, which may have anything in it. */
static double age(const struct cage_running_system *system, pid_t pid)
{
    cage_autofree char *stat_text = proc_file(system, pid, "stat");
    cage_autofree char *uptime = cage_limits_read(system->proc, "uptime");
    const char *at = stat_text ? strrchr(stat_text, ')') : NULL;
    double now = uptime ? strtod(uptime, NULL) : 0, began;

    for (int i = 2; at && i < 22; i++)
        at = strchr(at + 1, ' ');
    began = at ? strtod(at, NULL) / (double)sysconf(_SC_CLK_TCK) : now;
    return now > began ? now - began : 0;
}

static double read_value(const char *group, const char *file, double none)
{
    cage_autofree char *text = cage_limits_read(group, file);
    uint64_t value;

    return text && cage_limits_parse_value(text, &value) && value != UINT64_MAX ? (double)value : none;
}

/* The number behind a word that begins a line ("usage_usec 1234"). */
static unsigned long long read_counter(const char *group, const char *file, const char *name)
{
    cage_autofree char *text = cage_limits_read(group, file);
    size_t n = strlen(name);

    for (const char *at = text; at && *at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, name, n) == 0 && at[n] == ' ')
            return strtoull(at + n, NULL, 10);
    }
    return 0;
}

static double now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void look_at_group(struct cage_running *cage)
{
    cage_autofree char *cpu = cage_limits_read(cage->group, "cpu.max");
    double cores;

    if (cpu && cage_limits_parse_cpu(cpu, &cores) && isfinite(cores))
        cage->cpus.limit = cores;
    cage->memory = (struct cage_use){read_value(cage->group, "memory.current", -1),
                                     read_value(cage->group, "memory.max", 0)};
    cage->pids = (struct cage_use){read_value(cage->group, "pids.current", -1),
                                   read_value(cage->group, "pids.max", 0)};
    cage->oom_kills = read_counter(cage->group, "memory.events", "oom_kill");
    cage->usage_us = (double)read_counter(cage->group, "cpu.stat", "usage_usec");
    cage->read_at_us = now_us();
}

/* The soft limit of processes, 0 for none (proc_pid_limits(5)). */
static double nproc(const struct cage_running_system *system, pid_t pid)
{
    static const char name[] = "Max processes";
    cage_autofree char *text = proc_file(system, pid, "limits");
    const char *at = text ? strstr(text, name) : NULL;

    return at ? strtod(at + sizeof name - 1, NULL) : 0;
}

#ifdef __linux__
/* How many processors it is bound to; 0: to no fewer than we are. */
static double processors(pid_t pid)
{
    cpu_set_t its, ours;

    if (sched_getaffinity(pid, sizeof its, &its) < 0 || sched_getaffinity(0, sizeof ours, &ours) < 0 ||
        CPU_COUNT(&its) >= CPU_COUNT(&ours))
        return 0;
    return CPU_COUNT(&its);
}
#else
static double processors(pid_t pid)
{
    (void)pid;
    return 0;
}
#endif

static bool is_below(const struct table *table, pid_t pid, pid_t above)
{
    while (pid > 1 && pid != above)
        pid = parent_of(table, pid);
    return pid == above;
}

/* Without a cgroup of its own: the sums over its processes, and what the command was bound to. */
static void look_at_processes(struct cage_running *cage, const struct cage_running_system *system,
                              const struct table *table)
{
    double before = nproc(system, cage->init);

    cage->cpus.limit = processors(cage->init);
    for (size_t i = 0; i < table->n; i++) {
        const struct process *process = &table->items[i];

        if (!is_below(table, process->pid, cage->init))
            continue;
        cage->memory.used += process->memory;
        cage->pids.used += process->tasks;
        /* The command got it; process 1 itself has what nixcage was started with. */
        if (process->parent == cage->init && cage->pids.limit <= 0 && nproc(system, process->pid) < before)
            cage->pids.limit = nproc(system, process->pid);
    }
}

/* A cgroup that was made for this cage has a name of ours. */
static char *own_group(const struct cage_running_system *system, pid_t init)
{
    cage_autofree char *text = proc_file(system, init, "cgroup");
    cage_autofree char *path = text ? cage_limits_parse_own(text) : NULL;
    const char *slash = path ? strrchr(path, '/') : NULL;

    if (!slash || strncmp(slash, "/" CAGE_LIMITS_GROUP_PREFIX, sizeof CAGE_LIMITS_GROUP_PREFIX) != 0)
        return NULL;
    return cage_format("%s%s", system->cgroup_root, path);
}

static void add(struct cage_running_list *list, pid_t nixcage, pid_t init,
                const struct cage_running_system *system, const struct table *table)
{
    struct cage_running *cage;

    list->items = cage_realloc_array(list->items, list->n + 1, sizeof *list->items);
    cage = &list->items[list->n++];
    *cage = (struct cage_running){
        .pid = nixcage, .init = init, .seconds = age(system, init), .cpus = {.used = -1}};
    cage->group = own_group(system, init);
    if (cage->group)
        look_at_group(cage);
    else
        look_at_processes(cage, system, table);
}

/* Processor use is a difference of two readings. */
static void measure_cpus(struct cage_running_list *list, int pause_ms)
{
    bool any = false;

    for (size_t i = 0; i < list->n; i++)
        any = any || list->items[i].group;
    if (!any)
        return;
    poll(NULL, 0, pause_ms);
    for (size_t i = 0; i < list->n; i++) {
        struct cage_running *cage = &list->items[i];
        double used, passed;

        if (!cage->group)
            continue;
        used = (double)read_counter(cage->group, "cpu.stat", "usage_usec") - cage->usage_us;
        passed = now_us() - cage->read_at_us;
        if (used >= 0 && passed > 0)
            cage->cpus.used = used / passed;
    }
}

static int by_pid(const void *a, const void *b)
{
    pid_t x = ((const struct cage_running *)a)->pid, y = ((const struct cage_running *)b)->pid;

    return (x > y) - (x < y);
}

void cage_running_find(struct cage_running_list *list, int project_dirfd,
                       const struct cage_running_system *system)
{
    struct table table = {0};
    struct stat project;

    *list = (struct cage_running_list){0};
    if (fstat(project_dirfd, &project) < 0)
        return;
    read_table(&table, system);
    for (size_t i = 0; i < table.n; i++) {
        pid_t init = table.items[i].pid;
        pid_t nixcage = is_cage_init(system, init) ? find_nixcage(system, &table, init, &project) : 0;

        if (nixcage)
            add(list, nixcage, init, system, &table);
    }
    free(table.items);
    if (list->n)
        qsort(list->items, list->n, sizeof *list->items, by_pid);
    measure_cpus(list, system->pause_ms);
}

void cage_running_finish(struct cage_running_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i].group);
    free(list->items);
    *list = (struct cage_running_list){0};
}
