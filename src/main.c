/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cli.h"
#include "run/run.h"

#include <signal.h>

extern char **environ;

static void end_by_signal(int sig)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, sig);
    (void)signal(sig, SIG_DFL);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
    (void)raise(sig);
}

int main(int argc, char **argv)
{
    struct cage_error err = {0};
    int status = -1;

    (void)argc;
    if (cage_run_secure_stdio(&err) == 0)
        status = cage_cli_main(argv, environ, &err);
    if (status == CAGE_RUN_INTERRUPTED)
        end_by_signal(SIGINT);
    if (status >= 0)
        return status & 0xff;
    cage_cli_complain(&err);
    return CAGE_EXIT_FAILED;
}
