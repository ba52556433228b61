/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tracer/wait.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { SPIN_NS = 100000, COLD_NS = 5000000 };

static int64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static long interruptions(void)
{
    struct rusage usage = {0};

    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nivcsw;
}

void cage_wait_init(struct cage_wait *wait)
{
    cpu_set_t set;

    *wait =
        (struct cage_wait){.may_spin = sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1};
}

/* 0: nothing came, and it is time to sleep. */
static pid_t spin(struct cage_wait *wait, int *status, int64_t until)
{
    int64_t now;
    pid_t tid;

    do {
        tid = waitpid(-1, status, __WALL | WNOHANG);
        now = now_ns();
    } while (tid == 0 && now < until);
    if (now >= until) {
        long seen = interruptions();

        if (seen != wait->interrupted)
            wait->cold_until = now + COLD_NS;
        wait->interrupted = seen;
    }
    return tid;
}

pid_t cage_wait_next(struct cage_wait *wait, int *status)
{
    int64_t begin;
    pid_t tid = 0;

    if (!wait->may_spin)
        return waitpid(-1, status, __WALL);
    begin = now_ns();
    if (wait->hot && begin >= wait->cold_until)
        tid = spin(wait, status, begin + SPIN_NS);
    if (tid == 0)
        tid = waitpid(-1, status, __WALL);
    wait->hot = now_ns() - begin < SPIN_NS;
    return tid;
}
