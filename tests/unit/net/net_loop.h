/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests of the parts with sockets share: TCP connections on the loopback interface, and a loop to run.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;

/* A listening TCP socket of 127.0.0.1 (of ::1) on a free port, which goes to *port; -1 where there is none.
 */
int net_listen(bool v6, uint16_t *port);

/* Two connected TCP sockets, non-blocking. buffer: size of their kernel buffers in bytes, 0: the usual. */
void net_pair(int pair[2], int buffer);

/* Runs the loop until *done, or fails the test after 20 seconds. */
void net_run_until(struct event_base *base, const bool *done);

/* Runs whatever is ready, without waiting. */
void net_run_ready(struct event_base *base);

/* Whether the peer ended with a reset: reads to the end. */
bool net_was_reset(int fd);

/* How many descriptors this process has. */
size_t net_count_fds(void);

#endif
