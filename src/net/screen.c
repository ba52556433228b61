/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/screen.h"

#include "net/hello.h"
#include "net/httphead.h"

#include <string.h>

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

enum cage_screen cage_screen_of_port(uint16_t port)
{
    return port == HTTPS_PORT ? CAGE_SCREEN_TLS : port == HTTP_PORT ? CAGE_SCREEN_HTTP : CAGE_SCREEN_IF_TLS;
}

static int check_tls(const char *host, const uint8_t *data, size_t n, const char **reason)
{
    struct cage_hello hello;
    cage_hello_read(data, n, &hello);
    if (hello.state == CAGE_HELLO_MORE)
        return 0;
    *reason = hello.state == CAGE_HELLO_BAD   ? "not a TLS hello"
              : hello.ech                     ? "TLS with an encrypted server name"
              : !hello.has_name               ? "TLS without a server name"
              : strcmp(hello.name, host) != 0 ? "TLS to another host"
                                              : NULL;
    return *reason ? -1 : 1;
}

static int check_http(const char *host, const uint8_t *data, size_t n, const char **reason)
{
    struct cage_httphead head;
    cage_httphead_read((const char *)data, n, &head);
    if (head.state == CAGE_HTTPHEAD_MORE)
        return 0;
    *reason = head.state == CAGE_HTTPHEAD_BAD            ? "not a plain HTTP request"
              : strcmp(head.host, host) != 0             ? "HTTP to another host"
              : head.port != 0 && head.port != HTTP_PORT ? "HTTP to another port"
                                                         : NULL;
    return *reason ? -1 : 1;
}

/*
 * On ports without a protocol of their own anything goes, except TLS to another host. Nobody else starts with
 * a handshake record, and a client that waits for the server to speak first is not held up.
 */
static int check_if_tls(const char *host, const uint8_t *data, size_t n, const char **reason)
{
    struct cage_hello hello;
    if (data[0] != 0x16 || (n > 1 && data[1] != 3))
        return 1;
    cage_hello_read(data, n, &hello);
    if (hello.state == CAGE_HELLO_DONE && !hello.has_name && !hello.ech)
        return 1;
    return check_tls(host, data, n, reason);
}

int cage_screen_check(enum cage_screen screen, const char *host, const uint8_t *data, size_t n,
                      const char **reason)
{
    switch (screen) {
    case CAGE_SCREEN_TLS:
        return check_tls(host, data, n, reason);
    case CAGE_SCREEN_HTTP:
        return check_http(host, data, n, reason);
    case CAGE_SCREEN_IF_TLS:
        return check_if_tls(host, data, n, reason);
    case CAGE_SCREEN_NONE:
        break;
    }
    return 1;
}
