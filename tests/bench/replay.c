/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay DIR BWRAP COMMAND…: starts bwrap with the arguments and files that record-bwrap wrote to DIR, so
 * that it can be timed alone. Nothing but open, dup2 and exec: what it costs is below what can be measured
 * here.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char path[4096], args_fd[16] = "";
    char **command;
    FILE *list;
    int number, is_args;

    if (argc < 4)
        errx(2, "usage: replay DIR BWRAP COMMAND…");
    snprintf(path, sizeof path, "%s/list", argv[1]);
    list = fopen(path, "re");
    if (!list)
        err(2, "%s", path);
    while (fscanf(list, "%d %d", &number, &is_args) == 2) {
        int fd;

        snprintf(path, sizeof path, "%s/fd.%d", argv[1], number);
        fd = open(path, O_RDONLY);
        if (fd < 0 || (fd != number && dup2(fd, number) < 0))
            err(2, "%s", path);
        if (is_args)
            snprintf(args_fd, sizeof args_fd, "%d", number);
    }
    command = calloc((size_t)argc + 2, sizeof *command);
    if (!command)
        err(2, "calloc");
    command[0] = argv[2];
    command[1] = (char[]){"--args"};
    command[2] = args_fd;
    command[3] = (char[]){"--"};
    for (int i = 3; i < argc; i++)
        command[i + 1] = argv[i];
    execve(argv[2], command, (char *[]){NULL});
    err(2, "%s", argv[2]);
}
