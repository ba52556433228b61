/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_loop.h"

#include "net/addr.h"
#include "net_test.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_S = 20 };

int net_listen(bool v6, uint16_t *port)
{
    struct cage_addr addr =
        v6 ? (struct cage_addr){.v6 = true, .bytes = {[15] = 1}} : cage_addr_v4(INADDR_LOOPBACK);
    struct sockaddr_storage sa;
    socklen_t size = cage_addr_to_sockaddr(&addr, 0, &sa);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, size) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&sa, &size) != 0) {
        cage_close(&fd);
        return -1;
    }
    (void)cage_addr_from_sockaddr((struct sockaddr *)&sa, &addr, port);
    return fd;
}

static void set_up(int fd, int buffer)
{
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    if (buffer > 0) {
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)), 0);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)), 0);
    }
}

void net_pair(int pair[2], int buffer)
{
    struct sockaddr_storage sa;
    struct cage_addr local = cage_addr_v4(INADDR_LOOPBACK);
    uint16_t port;
    int listener = net_listen(false, &port);
    assert_true(listener >= 0);
    socklen_t size = cage_addr_to_sockaddr(&local, port, &sa);
    pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(pair[0], (struct sockaddr *)&sa, size), 0);
    pair[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(pair[1] >= 0);
    cage_close(&listener);
    set_up(pair[0], buffer);
    set_up(pair[1], buffer);
}

static time_t now(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

void net_run_until(struct event_base *base, const bool *done)
{
    static const struct timeval moment = {0, 100000};
    time_t end = now() + PATIENCE_S;
    while (!*done) {
        (void)event_base_loopexit(base, &moment);
        (void)event_base_loop(base, EVLOOP_ONCE);
        if (now() > end)
            fail_msg("nothing came of it in %d seconds", PATIENCE_S);
    }
}

void net_run_ready(struct event_base *base)
{
    (void)event_base_loop(base, EVLOOP_NONBLOCK);
}

bool net_was_reset(int fd)
{
    char data[65536];
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    for (;;) {
        if (poll(&poll_fd, 1, PATIENCE_S * 1000) <= 0)
            return false;
        ssize_t n = recv(fd, data, sizeof(data), 0);
        if (n <= 0)
            return n < 0 && errno == ECONNRESET;
    }
}

size_t net_count_fds(void)
{
    size_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n;
}
