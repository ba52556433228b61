/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/leftover.h"
#include "base/mem.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NR_PIDFD_SEND_SIGNAL = 424, NR_PIDFD_OPEN = 434 };
/* What is killed may have been making another: looked for again, but not for ever. */
enum { ROUNDS = 5, END_MS = 1000 };

/* What a file in /proc/PID/fd links to: "pipe:[INODE]". Reading the link does not touch the file itself. */
struct link_text {
    char bytes[64];
};

static bool read_pipe(const char *path, struct link_text *text)
{
    ssize_t n = readlink(path, text->bytes, sizeof text->bytes - 1);

    if (n <= 0)
        return false;
    text->bytes[n] = '\0';
    return strncmp(text->bytes, "pipe:[", 6) == 0;
}

/* The number that is all of name, or 0. */
static pid_t process_number(const char *name)
{
    char *end;
    unsigned long n = strtoul(name, &end, 10);

    return *end || n == 0 || n > 1UL << 30 ? 0 : (pid_t)n;
}

/*
 * Ends one process if its standard error is this pipe. The descriptor is opened first: it is of the process
 * that is then looked at, or of one that is gone, but never of another that got its number since.
 */
static bool end_if_of(pid_t pid, const struct link_text *pipe)
{
    cage_autofree char *path = cage_format("/proc/%ld/fd/2", (long)pid);
    cage_autofd int fd = -1;
    struct link_text other;

    if (!read_pipe(path, &other) || strcmp(other.bytes, pipe->bytes) != 0)
        return false;
    fd = (int)syscall(NR_PIDFD_OPEN, pid, 0);
    if (fd < 0 || !read_pipe(path, &other) || strcmp(other.bytes, pipe->bytes) != 0)
        return false;
    if (syscall(NR_PIDFD_SEND_SIGNAL, fd, SIGKILL, NULL, 0) < 0)
        return false;
    (void)poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, END_MS); /* readable when it has ended */
    return true;
}

static bool end_all(DIR *processes, const struct link_text *pipe)
{
    const struct dirent *entry;
    bool found = false;

    rewinddir(processes);
    while ((entry = readdir(processes))) {
        pid_t pid = process_number(entry->d_name);

        if (pid > 0 && pid != getpid() && end_if_of(pid, pipe))
            found = true;
    }
    return found;
}

void cage_leftover_end(int text)
{
    cage_autofree char *own = cage_format("/proc/self/fd/%d", text);
    struct link_text pipe;
    DIR *processes;

    if (!read_pipe(own, &pipe))
        return;
    processes = opendir("/proc");
    for (int i = 0; processes && i < ROUNDS; i++)
        if (!end_all(processes, &pipe))
            break;
    if (processes)
        closedir(processes);
}
