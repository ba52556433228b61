/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/portgate.h"
#include "net/portgate_internal.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FINISH_MS = 2000 };

struct cage_portgate {
    pid_t pid;
    int fd;
    uint16_t port;
};

/* The caller's files and terminal are no business of the gate. */
_Noreturn static void child_main(const struct cage_portgate_options *options, int control_fd)
{
    enum { CONTROL = 3 };
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (control_fd != CONTROL)
        (void)dup2(control_fd, CONTROL);
    (void)fcntl(CONTROL, F_SETFD, FD_CLOEXEC);
    for (int fd = 0; null >= 0 && fd < CONTROL; fd++)
        (void)dup2(null, fd);
    (void)close_range(CONTROL + 1, ~0U, 0);
    _exit(cage_portgate_process_run(options, CONTROL));
}

static void reap(struct cage_portgate *gate)
{
    while (waitpid(gate->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    cage_close(&gate->fd);
    free(gate);
}

static int wait_ready(struct cage_portgate *gate, struct cage_error *err)
{
    struct cage_portgate_ready ready = {.port = 0};
    size_t have = 0;
    while (have < sizeof(ready)) {
        ssize_t n = recv(gate->fd, (char *)&ready + have, sizeof(ready) - have, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            cage_error_set(err, CAGE_ERR_CAGE, "the network gate ended early");
            return cage_error_hint(err,
                                   "run it again; when it stays so, report it with what was printed above");
        }
        have += (size_t)n;
    }
    gate->port = ready.port;
    if (ready.err.code == CAGE_ERR_NONE)
        return 0;
    if (err)
        *err = ready.err;
    return -1;
}

static int make_log_dir(const char *log_path, struct cage_error *err)
{
    if (!log_path)
        return 0;
    cage_autofree char *dir = cage_path_dirname(log_path);
    return cage_fs_mkdirs(dir, 0700, err);
}

int cage_portgate_start(struct cage_portgate **gate, const struct cage_portgate_options *options,
                        struct cage_error *err)
{
    int pair[2];
    *gate = NULL;
    if (make_log_dir(options->log_path, err) != 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return cage_error_sys(err, errno, "cannot make a socket pair");
    for (int i = 0; i < 2; i++)
        (void)fcntl(pair[i], F_SETFD, FD_CLOEXEC);
    pid_t child = fork();
    if (child == 0) {
        cage_close(&pair[0]);
        child_main(options, pair[1]);
    }
    int fork_errno = errno;
    cage_close(&pair[1]);
    if (child < 0) {
        cage_close(&pair[0]);
        return cage_error_sys(err, fork_errno, "cannot start the network gate");
    }
    struct cage_portgate *made = cage_alloc(sizeof(*made));
    *made = (struct cage_portgate){.pid = child, .fd = pair[0]};
    if (wait_ready(made, err) != 0) {
        reap(made);
        return -1;
    }
    *gate = made;
    return 0;
}

uint16_t cage_portgate_port(const struct cage_portgate *gate)
{
    return gate->port;
}

/* Reads the summary; false when the gate did not say that it was whole. */
static bool read_summary(struct cage_portgate *gate, struct cage_strbuf *text)
{
    struct pollfd poll_fd = {.fd = gate->fd, .events = POLLIN};
    char part[4096];
    for (;;) {
        int ready = poll(&poll_fd, 1, FINISH_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t n = ready > 0 ? recv(gate->fd, part, sizeof(part), MSG_DONTWAIT) : 0;
        if (n <= 0)
            return false;
        bool whole = part[n - 1] == '\0';
        cage_strbuf_add_bytes(text, part, (size_t)(whole ? n - 1 : n));
        if (whole)
            return true;
    }
}

void cage_portgate_finish(struct cage_portgate *gate, struct cage_strbuf *summary)
{
    CAGE_STRBUF_AUTO text = {0};
    if (!gate)
        return;
    cage_strbuf_init(&text);
    (void)shutdown(gate->fd, SHUT_WR);
    if (!read_summary(gate, &text)) {
        (void)kill(gate->pid, SIGKILL);
        cage_strbuf_add(&text, "the network gate ended early; the cage had no network from then on\n");
    }
    if (summary)
        cage_strbuf_add(summary, text.buf);
    reap(gate);
}
