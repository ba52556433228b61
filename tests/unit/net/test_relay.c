/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_test.h"

#include "net_loop.h"

#include "net/relay.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A relay between two connections: the test holds the far ends. */
struct scene {
    struct event_base *base;
    struct cage_relay_shared own, *shared; /* shared: set before start() to have it in common */
    struct cage_relay *relay;
    int client, server;
    bool done, reset;
    uint64_t sent, received;
    int verdict;   /* what inspect says */
    size_t wanted; /* inspect: 0 before this many bytes */
    int n_inspected;
    size_t fds; /* before */
};

static void relay_done(void *arg, uint64_t sent, uint64_t received, bool reset)
{
    struct scene *scene = arg;
    assert_false(scene->done);
    scene->done = true;
    scene->sent = sent;
    scene->received = received;
    scene->reset = reset;
    scene->relay = NULL;
}

static int inspect(void *arg, const uint8_t *data, size_t n)
{
    struct scene *scene = arg;
    assert_true(n > 0 && data[0] == 'f');
    scene->n_inspected++;
    return n < scene->wanted ? 0 : scene->verdict;
}

static void start(struct scene *scene, int buffer, const char *first, bool inspected)
{
    int near[2], far[2];
    if (!scene->shared) {
        scene->shared = &scene->own;
        cage_relay_shared_init(scene->shared, event_base_new());
    }
    scene->base = scene->shared->base;
    net_pair(near, buffer);
    net_pair(far, buffer);
    scene->client = near[0];
    scene->server = far[1];
    struct cage_relay_options options = {
        .shared = scene->shared,
        .take_a = near[1],
        .take_b = far[0],
        .first = first,
        .n_first = first ? strlen(first) : 0,
        .inspect = inspected ? inspect : NULL,
        .done = relay_done,
        .arg = scene,
    };
    scene->relay = cage_relay_start(&options);
    assert_false(scene->done);
}

static void finish(struct scene *scene)
{
    cage_close(&scene->client);
    cage_close(&scene->server);
    if (scene->relay)
        net_run_until(scene->base, &scene->done);
    if (scene->shared != &scene->own)
        return;
    assert_int_equal(scene->own.n_made, scene->own.n_free);
    cage_relay_shared_finish(&scene->own);
    event_base_free(scene->base);
    if (scene->fds)
        assert_int_equal(net_count_fds(), scene->fds);
}

/* The byte at a place of a stream: the two directions differ, and no period fits a buffer. */
static uint8_t byte_at(size_t at, int direction)
{
    return (uint8_t)((at * 2654435761U >> 11) ^ (at / 251) ^ (direction ? 0x5a : 0));
}

struct stream {
    size_t size, sent, got;
    int direction;
};

static void send_some(struct stream *stream, int fd, size_t most)
{
    uint8_t data[70000];
    size_t n = stream->size - stream->sent;
    n = n < most ? n : most;
    n = n < sizeof(data) ? n : sizeof(data);
    for (size_t i = 0; i < n; i++)
        data[i] = byte_at(stream->sent + i, stream->direction);
    ssize_t done = n > 0 ? send(fd, data, n, MSG_NOSIGNAL) : 0;
    assert_true(done >= 0 || errno == EAGAIN);
    stream->sent += done > 0 ? (size_t)done : 0;
}

/* Returns false at the end. */
static bool receive_some(struct stream *stream, int fd, size_t most)
{
    uint8_t data[70000];
    ssize_t n = recv(fd, data, most < sizeof(data) ? most : sizeof(data), 0);
    assert_true(n >= 0 || errno == EAGAIN);
    bool same = true;
    for (ssize_t i = 0; i < n; i++)
        same &= data[i] == byte_at(stream->got++, stream->direction);
    assert_true(same);
    return n != 0;
}

/* Both ways at the same time, in pieces of changing size, each end closing its half when it has sent all. */
static void carry(struct scene *scene, size_t up_size, size_t down_size)
{
    struct stream up = {.size = up_size}, down = {.size = down_size, .direction = 1};
    bool up_open = true, down_open = true, up_shut = false, down_shut = false;
    for (unsigned turn = 1; up_open || down_open; turn++) {
        send_some(&up, scene->client, turn * 7919 % 70000 + 1);
        send_some(&down, scene->server, turn * 104729 % 70000 + 1);
        if (up.sent == up.size && !up_shut)
            up_shut = shutdown(scene->client, SHUT_WR) == 0;
        if (down.sent == down.size && !down_shut)
            down_shut = shutdown(scene->server, SHUT_WR) == 0;
        net_run_ready(scene->base);
        up_open = up_open && receive_some(&up, scene->server, turn * 31337 % 70000 + 1);
        down_open = down_open && receive_some(&down, scene->client, turn * 27644437 % 70000 + 1);
    }
    assert_int_equal(up.got, up_size);
    assert_int_equal(down.got, down_size);
    net_run_until(scene->base, &scene->done);
    assert_false(scene->reset);
    assert_int_equal(scene->sent, up_size);
    assert_int_equal(scene->received, down_size);
}

static void test_bytes(void **state)
{
    (void)state;
    static const struct {
        size_t up, down;
        int buffer;
    } cases[] = {
        {0, 0, 0}, {1, 0, 0}, {0, 100000, 0}, {5, 3000000, 0}, {3000000, 3000000, 0}, {700000, 900000, 8192}};
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        struct scene scene = {.fds = net_count_fds()};
        start(&scene, cases[i].buffer, NULL, false);
        carry(&scene, cases[i].up, cases[i].down);
        finish(&scene);
    }
}

/* Waits for text at fd. */
static void expect(struct scene *scene, int fd, const char *text)
{
    char got[256];
    size_t n = 0;
    while (n < strlen(text)) {
        net_run_ready(scene->base);
        ssize_t more = recv(fd, got + n, sizeof(got) - n, 0);
        assert_true(more > 0 || (more < 0 && errno == EAGAIN));
        n += more > 0 ? (size_t)more : 0;
    }
    assert_int_equal(n, strlen(text));
    assert_memory_equal(got, text, n);
}

static void expect_end(struct scene *scene, int fd)
{
    char byte;
    ssize_t n;
    do {
        net_run_ready(scene->base);
        n = recv(fd, &byte, 1, 0);
    } while (n < 0 && errno == EAGAIN);
    assert_int_equal(n, 0);
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void test_half_close(void **state)
{
    (void)state;
    struct scene scene = {.fds = net_count_fds()};
    start(&scene, 0, NULL, false);
    say(scene.client, "request");
    assert_int_equal(shutdown(scene.client, SHUT_WR), 0);
    expect(&scene, scene.server, "request");
    expect_end(&scene, scene.server);
    assert_false(scene.done);
    say(scene.server, "the answer, ");
    expect(&scene, scene.client, "the answer, ");
    say(scene.server, "and its end");
    expect(&scene, scene.client, "and its end");
    assert_false(scene.done);
    cage_close(&scene.server);
    expect_end(&scene, scene.client);
    net_run_until(scene.base, &scene.done);
    assert_false(scene.reset);
    assert_int_equal(scene.sent, 7);
    assert_int_equal(scene.received, 23);
    finish(&scene);
}

static void test_resets(void **state)
{
    (void)state;
    for (int from_server = 0; from_server < 2; from_server++) {
        struct scene scene = {.fds = net_count_fds()};
        start(&scene, 0, NULL, false);
        say(scene.client, "x");
        expect(&scene, scene.server, "x");
        int *end = from_server ? &scene.server : &scene.client;
        cage_relay_make_reset(*end);
        cage_close(end);
        net_run_until(scene.base, &scene.done);
        assert_true(scene.reset);
        assert_true(net_was_reset(from_server ? scene.client : scene.server));
        finish(&scene);
    }
}

/* Who does not read holds up the sender, with a bounded amount on the way, and loses nothing. */
static void test_back_pressure(void **state)
{
    (void)state;
    enum { BUFFER = 32768, SIZE = 64 << 20, BOUND = 8 << 20, IDLE_TURNS = 50 };
    struct scene scene = {.fds = net_count_fds()};
    struct stream up = {.size = SIZE};
    start(&scene, BUFFER, NULL, false);
    for (int idle = 0; idle < IDLE_TURNS;) {
        size_t before = up.sent;
        send_some(&up, scene.client, SIZE);
        net_run_ready(scene.base);
        idle = up.sent == before ? idle + 1 : 0;
    }
    assert_true(up.sent >= BUFFER && up.sent <= BOUND);
    up.size = up.sent;
    assert_int_equal(shutdown(scene.client, SHUT_WR), 0);
    do
        net_run_ready(scene.base);
    while (receive_some(&up, scene.server, SIZE));
    assert_int_equal(up.got, up.sent);
    finish(&scene);
    assert_int_equal(scene.sent, up.sent);
}

/* A transfer that ends with bytes in its pipe: that pipe is not used again, and not lost. */
static void test_reset_in_bulk(void **state)
{
    (void)state;
    enum { BUFFER = 32768, SIZE = 8 << 20, TURNS = 200 };
    struct scene scene = {.fds = net_count_fds()};
    struct stream up = {.size = SIZE};
    start(&scene, BUFFER, NULL, false);
    for (int i = 0; i < TURNS; i++) {
        send_some(&up, scene.client, SIZE);
        net_run_ready(scene.base);
        if (scene.own.n_made == 0)
            (void)receive_some(&up, scene.server, SIZE);
    }
    assert_int_equal(scene.own.n_made, 1);
    assert_int_equal(scene.own.n_free, 0);
    cage_relay_make_reset(scene.server);
    cage_close(&scene.server);
    net_run_until(scene.base, &scene.done);
    assert_true(scene.reset);
    assert_int_equal(scene.own.n_made, 0);
    finish(&scene);
}

static void test_first_bytes(void **state)
{
    (void)state;
    struct scene scene = {.fds = net_count_fds()};
    start(&scene, 0, "first, ", false);
    say(scene.client, "second");
    expect(&scene, scene.server, "first, second");
    finish(&scene);
    assert_int_equal(scene.sent, 13);
}

static void test_inspection(void **state)
{
    (void)state;
    struct scene scene = {.fds = net_count_fds(), .verdict = 1, .wanted = 5};
    char byte;
    start(&scene, 0, NULL, true);
    say(scene.server, "banner");
    expect(&scene, scene.client, "banner"); /* the other direction does not wait */
    say(scene.client, "fir");
    while (scene.n_inspected == 0)
        net_run_ready(scene.base);
    assert_int_equal(recv(scene.server, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
    say(scene.client, "st and more");
    expect(&scene, scene.server, "first and more");
    int seen = scene.n_inspected;
    say(scene.client, "unseen");
    expect(&scene, scene.server, "unseen");
    assert_int_equal(scene.n_inspected, seen);
    finish(&scene);
}

/* Refused, never sure, and ended before it was sure: the server sees not one byte. */
static void test_inspection_refuses(void **state)
{
    (void)state;
    static const struct {
        int verdict;
        size_t wanted, size;
        bool end;
    } cases[] = {{-1, 1, 10, false}, {0, 1, 100000, false}, {1, 100, 10, true}};
    for (size_t i = 0; i < CAGE_LEN(cases); i++) {
        struct scene scene = {.fds = net_count_fds(), .verdict = cases[i].verdict, .wanted = cases[i].wanted};
        uint8_t data[100000];
        memset(data, 'f', sizeof(data));
        start(&scene, 0, NULL, true);
        assert_true(send(scene.client, data, cases[i].size, MSG_NOSIGNAL) > 0);
        if (cases[i].end)
            (void)shutdown(scene.client, SHUT_WR);
        net_run_until(scene.base, &scene.done);
        assert_true(scene.reset);
        assert_int_equal(scene.sent, 0);
        assert_true(net_was_reset(scene.client));
        assert_true(net_was_reset(scene.server));
        finish(&scene);
    }
}

static void test_cancel(void **state)
{
    (void)state;
    struct scene scene = {.fds = net_count_fds()};
    start(&scene, 0, NULL, false);
    say(scene.client, "abc");
    expect(&scene, scene.server, "abc");
    cage_relay_cancel(scene.relay, &scene.sent, &scene.received);
    scene.relay = NULL;
    assert_false(scene.done);
    assert_int_equal(scene.sent, 3);
    assert_int_equal(scene.received, 0);
    assert_true(net_was_reset(scene.client));
    assert_true(net_was_reset(scene.server));
    finish(&scene);
}

enum { N_LONG = CAGE_RELAY_PIPES + 4, LONG_SIZE = 1 << 20 };

/* One step of each of the transfers; the servers read up to `most` bytes. Returns how many are open. */
static size_t turn_all(struct scene *scenes, struct stream *streams, size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < N_LONG; i++) {
        if (scenes[i].server < 0)
            continue;
        send_some(&streams[i], scenes[i].client, LONG_SIZE);
        if (streams[i].sent == LONG_SIZE)
            (void)shutdown(scenes[i].client, SHUT_WR);
        net_run_ready(scenes[i].base);
        if (streams[i].got < most && !receive_some(&streams[i], scenes[i].server, LONG_SIZE))
            cage_close(&scenes[i].server);
        n += scenes[i].server >= 0;
    }
    return n;
}

/* More long transfers than there are pipes: the rest goes through memory, and no pipe is lost. */
static void test_pipes(void **state)
{
    (void)state;
    enum { BUFFER = 32768, SOME = 300000, TURNS = 100 };
    struct scene scenes[N_LONG] = {0};
    struct stream streams[N_LONG];
    struct cage_relay_shared shared;
    size_t fds = net_count_fds();
    struct event_base *base = event_base_new();
    cage_relay_shared_init(&shared, base);
    for (size_t i = 0; i < N_LONG; i++) {
        streams[i] = (struct stream){.size = LONG_SIZE};
        scenes[i].shared = &shared;
        start(&scenes[i], BUFFER, NULL, false);
    }
    for (int i = 0; i < TURNS; i++)
        assert_int_equal(turn_all(scenes, streams, SOME), N_LONG);
    assert_int_equal(shared.n_made, CAGE_RELAY_PIPES);
    assert_int_equal(shared.n_free, 0);
    while (turn_all(scenes, streams, SIZE_MAX) > 0)
        continue;
    for (size_t i = 0; i < N_LONG; i++) {
        assert_int_equal(streams[i].got, LONG_SIZE);
        finish(&scenes[i]);
    }
    assert_int_equal(shared.n_made, shared.n_free);
    cage_relay_shared_finish(&shared);
    event_base_free(base);
    assert_int_equal(net_count_fds(), fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),         cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_resets),        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_reset_in_bulk), cmocka_unit_test(test_first_bytes),
        cmocka_unit_test(test_inspection),    cmocka_unit_test(test_inspection_refuses),
        cmocka_unit_test(test_cancel),        cmocka_unit_test(test_pipes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
