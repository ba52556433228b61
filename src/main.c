/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cli.h"
#include "run/run.h"

extern char **environ;

int main(int argc, char **argv)
{
    struct cage_error err = {0};
    int status = -1;

    (void)argc;
    if (cage_run_secure_stdio(&err) == 0)
        status = cage_cli_main(argv, environ, &err);
    if (status >= 0)
        return status;
    cage_cli_complain(&err);
    return CAGE_EXIT_FAILED;
}
