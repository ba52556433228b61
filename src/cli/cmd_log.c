/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log: what the network gate let through and refused in this project. */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "net/record.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 200, CHUNK = 65536 };

/* A file that grows, and the part of a line that is not whole yet. */
struct tail {
    int fd;
    struct cage_strbuf rest;
};

/* One line for people; a line that is not ours is left out. */
static void add_text(struct cage_strbuf *out, const char *line)
{
    const char *at, *kind, *verdict, *name, *reason;
    json_int_t port, sent, received;
    json_t *json = json_loads(line, 0, NULL);

    if (json && json_unpack(json, "{ss ss ss ss ss sI sI sI}", "time", &at, "kind", &kind, "verdict",
                            &verdict, "name", &name, "reason", &reason, "port", &port, "sent", &sent,
                            "received", &received) == 0) {
        cage_strbuf_addf(out, "%.19sZ  %-7s  ", at, verdict);
        cage_strbuf_add_printable(out, name);
        if (port)
            cage_strbuf_addf(out, ":%lld", (long long)port);
        if (strcmp(kind, "expose") == 0 || strcmp(kind, "host_port") == 0)
            cage_strbuf_addf(out, " (%s)", strcmp(kind, "expose") == 0 ? "expose" : "host_ports");
        if (strcmp(verdict, "allowed") == 0)
            cage_strbuf_addf(out, "  sent %lld, received %lld", (long long)sent, (long long)received);
        if (reason[0])
            cage_strbuf_addf(out, "  %s", reason);
        cage_strbuf_addc(out, '\n');
    }
    json_decref(json);
}

/* Moves the whole lines of tail->rest to out. */
static void take_lines(struct tail *tail, bool json, struct cage_strbuf *out)
{
    char *line = tail->rest.buf, *end;

    while ((end = strchr(line, '\n'))) {
        *end = '\0';
        if (json)
            cage_strbuf_addf(out, "%s\n", line);
        else
            add_text(out, line);
        line = end + 1;
    }
    char *left = cage_strdup(line);
    cage_strbuf_reset(&tail->rest);
    cage_strbuf_add(&tail->rest, left);
    free(left);
}

/* Prints what there is up to the present end of the file. */
static int print_tail(struct tail *tail, bool json, struct cage_error *err)
{
    char data[CHUNK];
    ssize_t n;

    while (tail->fd >= 0 && (n = read(tail->fd, data, sizeof data)) > 0) {
        CAGE_STRBUF_AUTO out;

        cage_strbuf_init(&out);
        cage_strbuf_add_bytes(&tail->rest, data, (size_t)n);
        take_lines(tail, json, &out);
        if (cage_cli_print(&out, err) < 0)
            return -1;
    }
    return 0;
}

static int open_log(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* Whether path is another file than the open one: it was set aside, or there was none. */
static bool is_other(int fd, const char *path)
{
    struct stat ours, theirs;

    return stat(path, &theirs) == 0 &&
           (fd < 0 || fstat(fd, &ours) < 0 || ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev);
}

/* Goes on until a signal or an error. */
static int follow(struct tail *tail, const char *path, bool json, struct cage_error *err)
{
    const struct timespec pause_time = {0, LOOK_MS * 1000000L};

    for (;;) {
        if (print_tail(tail, json, err) < 0)
            return -1;
        if (is_other(tail->fd, path)) {
            cage_close(&tail->fd);
            tail->fd = open_log(path);
            continue;
        }
        nanosleep(&pause_time, NULL);
    }
}

int cage_cmd_log(const struct cage_cli *cli, struct cage_error *err)
{
    CAGE_SESSION_AUTO session;
    bool json = cli->given[CAGE_OPT_JSON];
    struct tail tail = {.fd = -1};
    int rc;

    cage_session_init(&session);
    if (cage_session_find(&session, cli, err) < 0)
        return -1;
    cage_autofree char *path = cage_record_path(session.host.state_home, session.project.root);
    cage_autofree char *old = cage_format("%s.1", path);

    cage_strbuf_init(&tail.rest);
    tail.fd = open_log(old);
    rc = print_tail(&tail, json, err);
    cage_close(&tail.fd);
    tail.fd = open_log(path);
    if (tail.fd < 0 && errno == ENOENT && !cli->given[CAGE_OPT_FOLLOW])
        cage_cli_note("nothing is recorded yet: runs with hosts, expose or host_ports are");
    else if (rc == 0 && tail.fd < 0 && errno != ENOENT)
        rc = cage_error_sys(err, errno, "%s", path);
    if (rc == 0)
        rc = cli->given[CAGE_OPT_FOLLOW] ? follow(&tail, path, json, err) : print_tail(&tail, json, err);
    cage_close(&tail.fd);
    cage_strbuf_finish(&tail.rest);
    return rc;
}
