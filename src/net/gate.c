/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/gate.h"
#include "net/gate_process.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FINISH_MS = 2000 };

struct cage_gate {
    pid_t pid;
    int fd;
};

/* Closes everything but these; the caller's files and terminal are no business of the gate. */
static void keep_only(int *const *keep, size_t n)
{
    enum { FIRST = 3, PARK = 100 };
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd < FIRST; fd++)
        (void)dup2(null, fd);
    for (size_t i = 0; i < n; i++) {
        if (*keep[i] >= 0)
            *keep[i] = fcntl(*keep[i], F_DUPFD_CLOEXEC, PARK);
    }
    unsigned from = FIRST;
    /* F_DUPFD hands out ascending numbers from PARK on as long as they are free, but not always next to each
     * other. */
    for (size_t i = 0; i < n; i++) {
        if (*keep[i] < 0)
            continue;
        if ((unsigned)*keep[i] > from)
            (void)close_range(from, (unsigned)*keep[i] - 1, 0);
        from = (unsigned)*keep[i] + 1;
    }
    (void)close_range(from, ~0U, 0);
}

_Noreturn static void child_main(const struct cage_gate_options *options, int control_fd, struct cage_ns ns,
                                 pid_t parent)
{
    int *const keep[] = {&control_fd, &ns.fd, &ns.user_fd};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    keep_only(keep, CAGE_LEN(keep));
    _exit(cage_gate_process_run(options, control_fd, &ns));
}

static int make_log_dir(const char *log_path, struct cage_error *err)
{
    if (!log_path)
        return 0;
    cage_autofree char *dir = cage_path_dirname(log_path);
    return cage_fs_mkdirs(dir, 0700, err);
}

static void reap(struct cage_gate *gate)
{
    while (waitpid(gate->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    cage_close(&gate->fd);
    free(gate);
}

static int wait_ready(struct cage_gate *gate, struct cage_error *err)
{
    struct cage_error theirs = {0};
    ssize_t n;
    do
        n = recv(gate->fd, &theirs, sizeof(theirs), 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(theirs)) {
        cage_error_set(err, CAGE_ERR_CAGE, "the network gate ended early");
        return cage_error_hint(err, "run it again; when it stays so, report it with what was printed above");
    }
    if (theirs.code == CAGE_ERR_NONE)
        return 0;
    if (err)
        *err = theirs;
    return -1;
}

static int start(struct cage_gate **gate, const struct cage_gate_options *options, struct cage_ns *ns,
                 struct cage_error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return cage_error_sys(err, errno, "cannot make a socket pair");
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        child_main(options, pair[1], *ns, parent);
    int fork_errno = errno;
    cage_close(&pair[1]);
    if (child < 0) {
        cage_close(&pair[0]);
        return cage_error_sys(err, fork_errno, "cannot start the network gate");
    }
    struct cage_gate *made = cage_alloc(sizeof(*made));
    *made = (struct cage_gate){child, pair[0]};
    if (wait_ready(made, err) != 0) {
        reap(made);
        return -1;
    }
    *gate = made;
    return 0;
}

int cage_gate_start(struct cage_gate **gate, const struct cage_gate_options *options, pid_t inside,
                    struct cage_error *err)
{
    struct cage_ns ns;
    *gate = NULL;
    if (make_log_dir(options->log_path, err) != 0 || cage_ns_open(&ns, inside, CAGE_NS_NET, err) != 0)
        return -1;
    int result = start(gate, options, &ns, err);
    cage_ns_finish(&ns);
    return result;
}

int cage_gate_fd(const struct cage_gate *gate)
{
    return gate->fd;
}

pid_t cage_gate_pid(const struct cage_gate *gate)
{
    return gate->pid;
}

/* Reads the summary; false when the gate did not say that it was whole. */
static bool read_summary(struct cage_gate *gate, struct cage_strbuf *summary)
{
    struct pollfd poll_fd = {.fd = gate->fd, .events = POLLIN};
    char part[4097];
    for (;;) {
        int ready = poll(&poll_fd, 1, FINISH_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t n = ready > 0 ? recv(gate->fd, part, sizeof(part), MSG_DONTWAIT) : 0;
        if (n <= 0)
            return false;
        if (n == 1 && part[0] == '\0')
            return true;
        if (summary)
            cage_strbuf_add_bytes(summary, part, (size_t)n);
    }
}

void cage_gate_finish(struct cage_gate *gate, struct cage_strbuf *summary)
{
    if (!gate)
        return;
    (void)shutdown(gate->fd, SHUT_WR);
    if (!read_summary(gate, summary)) {
        (void)kill(gate->pid, SIGKILL);
        if (summary)
            cage_strbuf_add(summary, "the network gate ended early; the cage had no network from then on\n");
    }
    reap(gate);
}
