/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands in for bwrap on PATH where systemd runs but has no controllers, so that nixcage would refuse: starts
 * bwrap in a scope, with the words that src/limits/hold.c has for `cpus = 1, memory = "1G", pids = 100`. For
 * timing only: nothing is limited.
 */
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char bwrap[] = "/usr/bin/bwrap";

int main(int argc, char **argv)
{
    const char *fixed[] = {"--scope",
                           "--quiet",
                           "--collect",
                           "--description=nixcage",
                           "--property=Delegate=yes",
                           "--property=CPUQuota=100%",
                           "--property=MemoryMax=1073741824",
                           "--property=MemorySwapMax=0",
                           "--property=TasksMax=100"};
    struct pollfd arguments = {.events = POLLIN};
    char unit[64], runtime_dir[64], *env[] = {runtime_dir, NULL};
    const char **words = calloc((size_t)argc + 16, sizeof *words);
    int n = 0;

    if (!words)
        err(1, "calloc");
    if (argc < 3 || strcmp(argv[1], "--args") != 0) {
        execv(bwrap, argv);
        err(1, "%s", bwrap);
    }
    /* The one that is started ahead and dropped gets no arguments: it must not pay for a scope of its own. */
    arguments.fd = atoi(argv[2]);
    if (poll(&arguments, 1, -1) < 0 || !(arguments.revents & POLLIN))
        return 0;
    snprintf(unit, sizeof unit, "--unit=nixcage-%ld.scope", (long)getpid());
    snprintf(runtime_dir, sizeof runtime_dir, "XDG_RUNTIME_DIR=/run/user/%u", (unsigned)getuid());
    words[n++] = "systemd-run";
    words[n++] = getuid() ? "--user" : "--system";
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        words[n++] = fixed[i];
    words[n++] = unit;
    words[n++] = "--";
    words[n++] = bwrap;
    for (int i = 1; i < argc; i++)
        words[n++] = argv[i];
    execve("/usr/bin/systemd-run", (char **)words, env);
    err(1, "/usr/bin/systemd-run");
}
