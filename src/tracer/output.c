/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tracer/output.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

enum { ENOUGH = 32768, WAIT_US = 100000 };

static void on_alarm(int sig)
{
    (void)sig;
}

/* Again and again until it is switched off, since one that comes just before waitpid(2) does not interrupt
 * it. */
static void alarm_every(long us)
{
    const struct itimerval timer = {{0, us}, {0, us}};

    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

void cage_output_init(struct cage_output *output, int fd)
{
    struct sigaction action = {.sa_handler = on_alarm};
    sigset_t alrm;

    *output = (struct cage_output){.fd = fd};
    cage_strbuf_init(&output->text);
    sigemptyset(&alrm);
    sigaddset(&alrm, SIGALRM);
    sigaction(SIGALRM, &action, NULL);
    sigprocmask(SIG_UNBLOCK, &alrm, NULL);
}

void cage_output_finish(struct cage_output *output)
{
    cage_strbuf_finish(&output->text);
}

void cage_output_added(struct cage_output *output)
{
    if (output->text.len >= ENOUGH) {
        cage_output_flush(output);
    } else if (!output->armed) {
        output->armed = true;
        alarm_every(WAIT_US);
    }
}

void cage_output_flush(struct cage_output *output)
{
    size_t done = 0;

    while (output->fd >= 0 && done < output->text.len) {
        ssize_t n = write(output->fd, output->text.buf + done, output->text.len - done);

        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            output->fd = -1; /* nobody reads any more; the program runs on */
    }
    cage_strbuf_reset(&output->text);
    if (output->armed)
        alarm_every(0);
    output->armed = false;
}
