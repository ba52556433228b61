/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_dns.h"

#include "net/addr.h"
#include "net/dns.h"
#include "net_test.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TTL = 60, TYPE_CNAME = 5, MESSAGE = 1024, COUNT_AT = 6, POINTER = 0xc00c };

struct message {
    uint8_t data[MESSAGE];
    size_t n;
};

static void put(struct message *message, const void *data, size_t n)
{
    assert_true(message->n + n <= MESSAGE);
    memcpy(message->data + message->n, data, n);
    message->n += n;
}

static void put16(struct message *message, unsigned value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
    put(message, bytes, sizeof(bytes));
}

static size_t encode_name(const char *name, uint8_t *out)
{
    size_t n = 0;
    while (*name) {
        size_t label = strcspn(name, ".");
        out[n++] = (uint8_t)label;
        memcpy(out + n, name, label);
        n += label;
        name += label + (name[label] == '.');
    }
    out[n++] = 0;
    return n;
}

/* A record whose owner is the name of the question; resolvers follow the order of the answer. */
static void put_record(struct message *message, unsigned type, const void *data, size_t n)
{
    put16(message, POINTER);
    put16(message, type);
    put16(message, 1);
    put16(message, 0);
    put16(message, TTL);
    put16(message, (unsigned)n);
    put(message, data, n);
    message->data[COUNT_AT + 1]++;
}

static void put_answer(struct message *message, const char *answer, uint16_t type)
{
    char *text = cage_strdup(answer), *save = NULL;
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        struct cage_addr addr;
        uint8_t name[256];
        if (strcmp(word, ">") == 0) {
            put_record(message, TYPE_CNAME, name, encode_name(strtok_r(NULL, " ", &save), name));
            continue;
        }
        assert_true(cage_addr_parse(word, &addr));
        if (type == (addr.v6 ? CAGE_DNS_TYPE_AAAA : CAGE_DNS_TYPE_A))
            put_record(message, type, addr.bytes, addr.v6 ? 16 : 4);
    }
    free(text);
}

static void query_ready(evutil_socket_t fd, short what, void *arg)
{
    struct net_dns *dns = arg;
    uint8_t in[MESSAGE];
    struct message out = {.n = 0};
    struct cage_dns_query query;
    struct sockaddr_storage from;
    socklen_t size = sizeof(from);
    const char *answer = NULL;
    (void)what;
    ssize_t n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &size);
    if (n < 0 || !cage_dns_read_query(in, (size_t)n, &query))
        return;
    dns->n_queries += query.type == CAGE_DNS_TYPE_A;
    for (size_t i = 0; i < dns->n && !answer; i++)
        answer = strcmp(dns->names[i].name, query.name) == 0 ? dns->names[i].answer : NULL;
    put16(&out, query.id);
    put16(&out, answer ? 0x8180 : 0x8183);
    put16(&out, 1);
    put16(&out, 0);
    put16(&out, 0);
    put16(&out, 0);
    put(&out, query.question, query.question_size);
    if (answer)
        put_answer(&out, answer, query.type);
    (void)sendto(fd, out.data, out.n, 0, (struct sockaddr *)&from, size);
}

void net_dns_start(struct net_dns *dns, struct event_base *base, const struct net_dns_name *names, size_t n)
{
    struct cage_addr addr = cage_addr_v4(INADDR_LOOPBACK);
    struct sockaddr_storage sa;
    socklen_t size = cage_addr_to_sockaddr(&addr, 0, &sa);
    uint16_t port;
    *dns = (struct net_dns){.names = names, .n = n, .conf = "/tmp/test-dns.XXXXXX"};
    dns->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(dns->fd, (struct sockaddr *)&sa, size), 0);
    assert_int_equal(getsockname(dns->fd, (struct sockaddr *)&sa, &size), 0);
    assert_true(cage_addr_from_sockaddr((struct sockaddr *)&sa, &addr, &port));
    int conf = mkstemp(dns->conf);
    assert_true(conf >= 0);
    assert_true(dprintf(conf, "nameserver 127.0.0.1:%u\n", port) > 0);
    cage_close(&conf);
    dns->event = event_new(base, dns->fd, EV_READ | EV_PERSIST, query_ready, dns);
    (void)event_add(dns->event, NULL);
}

void net_dns_finish(struct net_dns *dns)
{
    event_free(dns->event);
    cage_close(&dns->fd);
    (void)unlink(dns->conf);
}
