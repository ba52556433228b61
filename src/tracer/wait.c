/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tracer/wait.h"
#include "base/mem.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NS = 100000, LOOK_NS = 2000000 };

static int64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void cage_wait_init(struct cage_wait *wait)
{
    cpu_set_t set;

    *wait = (struct cage_wait){.loadavg = -1};
    if (sched_getaffinity(0, sizeof set, &set) < 0 || CPU_COUNT(&set) < 2)
        return;
    wait->processors = CPU_COUNT(&set);
    wait->loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
}

void cage_wait_finish(struct cage_wait *wait)
{
    cage_close(&wait->loadavg);
}

/* "0.12 0.34 0.56 RUNNING/ALL LAST": what runs or could, now, the tracer itself included (proc_loadavg(5)).
 */
static bool is_free(struct cage_wait *wait, int64_t now)
{
    char text[128];
    ssize_t n;
    const char *at;

    if (now < wait->free_until)
        return wait->free;
    wait->free_until = now + LOOK_NS;
    n = pread(wait->loadavg, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    at = strchr(text, '/');
    while (at && at > text && at[-1] != ' ')
        at--;
    wait->free = at && strtol(at, NULL, 10) <= wait->processors;
    return wait->free;
}

/* 0: nothing came, and it is time to sleep. */
static pid_t spin(int *status, int64_t until)
{
    pid_t tid;

    do
        tid = waitpid(-1, status, __WALL | WNOHANG);
    while (tid == 0 && now_ns() < until);
    return tid;
}

pid_t cage_wait_next(struct cage_wait *wait, int *status)
{
    int64_t begin;
    pid_t tid = 0;

    if (wait->loadavg < 0)
        return waitpid(-1, status, __WALL);
    begin = now_ns();
    if (wait->hot && is_free(wait, begin))
        tid = spin(status, begin + SPIN_NS);
    if (tid == 0)
        tid = waitpid(-1, status, __WALL);
    wait->hot = now_ns() - begin < SPIN_NS;
    return tid;
}
