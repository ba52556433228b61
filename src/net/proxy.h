/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An outer HTTP proxy of the host: which one, for what, and its CONNECT dialogue (RFC 9110 9.3.6). Pure. */
#ifndef CAGE_NET_PROXY_H
#define CAGE_NET_PROXY_H

#include "base/error.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "net/addr.h"

#include <stdbool.h>
#include <stdint.h>

struct cage_proxy {
    char *host; /* a name or an address without brackets; NULL: no proxy */
    uint16_t port;
    char *auth;     /* "user:password" in base64, or NULL */
    char *no_proxy; /* the list as written, or NULL */
};

/*
 * Reads HTTPS_PROXY (else https_proxy, ALL_PROXY, all_proxy) and NO_PROXY (else no_proxy) of the environment.
 * A value that cannot be used (another scheme than http://, no host) is an error that names the variable.
 */
int cage_proxy_read(struct cage_proxy *proxy, const struct cage_strv *env,
                    struct cage_error *err) CAGE_MUST_CHECK;

/* Frees what read() made; a finished or zeroed one may be finished again. */
void cage_proxy_finish(struct cage_proxy *proxy);

/*
 * Whether a connection to this name (canonical) or address (text) goes through the proxy. NO_PROXY as curl
 * reads it: comma- or space-separated; "*"; a name means itself and all below; addresses, also with /bits.
 */
bool cage_proxy_applies(const struct cage_proxy *proxy, const char *host);

/* Appends the CONNECT request for host (a name, or an address without brackets) and port. */
void cage_proxy_request(const struct cage_proxy *proxy, const char *host, uint16_t port,
                        struct cage_strbuf *out);

enum { CAGE_PROXY_REPLY_MAX = 16384 };

/*
 * Reads the n bytes of the proxy's reply so far. Returns how many bytes its head has once it is whole and the
 * status is 2xx, 0 when more is needed, -1 for any other answer; *status gets the status code when it is
 * known, else 0.
 */
long cage_proxy_reply(const char *data, size_t n, int *status);

#endif
