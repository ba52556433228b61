/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Carries bytes both ways between two connected TCP sockets until both directions ended: back pressure,
 * half-close, resets passed on. Small exchanges go through memory, long ones through a pipe without being
 * copied (splice(2)).
 */
#ifndef CAGE_NET_RELAY_H
#define CAGE_NET_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct cage_relay;

/* Pipes for splice(2), shared by the relays of a gate and bounded. */
enum { CAGE_RELAY_PIPES = 32, CAGE_RELAY_PIPE_SIZE = 1024 * 1024 };

struct cage_relay_shared {
    struct event_base *base;
    int pipes[CAGE_RELAY_PIPES][2]; /* the unused ones first */
    size_t n_free, n_made;
};

/* Makes an empty set of pipes; base stays the caller's. */
void cage_relay_shared_init(struct cage_relay_shared *shared, struct event_base *base);

/* Closes the pipes, when no relay is left. */
void cage_relay_shared_finish(struct cage_relay_shared *shared);

/* sent, received: bytes that left for b and for a. reset: an error ended it, not both ends of file. */
typedef void (*cage_relay_fn)(void *arg, uint64_t sent, uint64_t received, bool reset);

/* Looks at the first bytes from a. 1: let everything through; 0: wait for more; -1: end the connection. */
typedef int (*cage_relay_inspect_fn)(void *arg, const uint8_t *data, size_t n);

struct cage_relay_options {
    struct cage_relay_shared *shared;
    int take_a, take_b; /* non-blocking TCP sockets, owned from here on */
    const void *first;  /* bytes read from a already, to go to b first; copied */
    size_t n_first;
    cage_relay_inspect_fn inspect; /* NULL: none */
    cage_relay_fn done;            /* called once from the loop; both sockets are closed then */
    void *arg;
};

/* Starts carrying; nothing is called back before this returns. The handle is gone once `done` was called. */
struct cage_relay *cage_relay_start(const struct cage_relay_options *options);

/* Ends a relay whose `done` was not called; *sent and *received are set. */
void cage_relay_cancel(struct cage_relay *relay, uint64_t *sent, uint64_t *received);

/* Makes close(2) of a socket send a reset, so that the other end sees an error at once. */
void cage_relay_make_reset(int fd);

#endif
