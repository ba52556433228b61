/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/cli.h"

#include <fcntl.h>
#include <unistd.h>

extern char **environ;

/* A descriptor of ours must never become a closed standard one: messages would go into it. */
static void open_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            _exit(CAGE_EXIT_FAILED);
}

int main(int argc, char **argv)
{
    struct cage_error err = {0};
    int status;

    (void)argc;
    open_standard_descriptors();
    status = cage_cli_main(argv, environ, &err);
    if (status >= 0)
        return status;
    cage_cli_complain(&err);
    return CAGE_EXIT_FAILED;
}
