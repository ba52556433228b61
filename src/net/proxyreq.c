/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/proxyreq.h"

#include <string.h>
#include <strings.h>

struct span {
    const char *p;
    size_t n;
};

/* The parts of a request's first line. */
struct first_line {
    struct span method, authority, path, version;
};

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.n > 0;
}

static bool equals(struct span s, const char *text)
{
    return s.n == strlen(text) && strncasecmp(s.p, text, s.n) == 0;
}

/* Cuts what is before the first c off *rest; false when there is no c. */
static bool cut(struct span *rest, char c, struct span *before)
{
    const char *at = rest->n ? memchr(rest->p, c, rest->n) : NULL;
    if (!at)
        return false;
    *before = (struct span){rest->p, (size_t)(at - rest->p)};
    rest->n -= before->n + 1;
    rest->p = at + 1;
    return true;
}

/* The next line without its CR LF. 1: there is one, 0: not whole yet, -1: a forbidden byte in what is there.
 */
static int next_line(struct span *rest, struct span *line)
{
    for (size_t i = 0; i < rest->n; i++) {
        unsigned char c = (unsigned char)rest->p[i];
        if (c == '\r') {
            if (i + 1 == rest->n)
                return 0;
            if (rest->p[i + 1] != '\n')
                return -1;
            *line = (struct span){rest->p, i};
            rest->p += i + 2;
            rest->n -= i + 2;
            return 1;
        }
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return -1;
    }
    return 0;
}

static bool read_port(struct span s, uint16_t *port)
{
    unsigned value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || i == 5)
            return false;
        value = value * 10 + (unsigned)(s.p[i] - '0');
    }
    *port = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
}

/* A name, or an address without brackets. */
static bool read_host(struct span s, struct cage_proxyreq *req)
{
    char text[CAGE_ADDR_TEXT];
    req->is_addr = false;
    if (s.n > 0 && s.n < sizeof(text) && !memchr(s.p, '\0', s.n)) {
        memcpy(text, s.p, s.n);
        text[s.n] = '\0';
        req->is_addr = cage_addr_parse(text, &req->addr);
    }
    if (!req->is_addr)
        return cage_hostname_parse(s.p, s.n, req->host);
    (void)cage_addr_format(&req->addr, req->host);
    return true;
}

/* "name:port", "192.0.2.1:port", "[2001:db8::1]:port". fallback: the port when there is none; 0: there must
 * be one. */
static bool read_authority(struct span s, uint16_t fallback, struct cage_proxyreq *req)
{
    struct span host = s;
    if (s.n > 0 && s.p[0] == '[') {
        s = (struct span){s.p + 1, s.n - 1};
        if (!cut(&s, ']', &host) || !memchr(host.p, ':', host.n))
            return false;
        if (s.n > 0 && s.p[0] != ':')
            return false;
        if (s.n > 0)
            s = (struct span){s.p + 1, s.n - 1};
        else if (fallback)
            s.p = NULL;
    } else if (!cut(&s, ':', &host)) {
        s.p = NULL;
    }
    req->port = fallback;
    return (s.p ? read_port(s, &req->port) : fallback != 0) && read_host(host, req);
}

/* Splits "http://authority/path?query" ("" for the path: "/"). A fragment is never sent. */
static bool split_target(struct span target, struct first_line *line)
{
    static const char scheme[] = "http://";
    size_t n = sizeof(scheme) - 1;
    if (target.n <= n || strncasecmp(target.p, scheme, n) != 0 || memchr(target.p, '#', target.n))
        return false;
    target = (struct span){target.p + n, target.n - n};
    line->authority = (struct span){target.p, 0};
    while (line->authority.n < target.n && !strchr("/?", target.p[line->authority.n]))
        line->authority.n++;
    line->path = (struct span){target.p + line->authority.n, target.n - line->authority.n};
    return true;
}

static bool read_first_line(struct span text, struct first_line *line, struct cage_proxyreq *req)
{
    struct span target;
    if (!cut(&text, ' ', &line->method) || !is_token(line->method) || !cut(&text, ' ', &target))
        return false;
    for (size_t i = 0; i < target.n; i++) {
        if ((unsigned char)target.p[i] <= ' ' || (unsigned char)target.p[i] >= 0x7f)
            return false;
    }
    if (text.n != 8 || memcmp(text.p, "HTTP/1.", 7) != 0 || (text.p[7] != '0' && text.p[7] != '1'))
        return false;
    line->version = text;
    if (line->method.n == 7 && memcmp(line->method.p, "CONNECT", 7) == 0) {
        req->kind = CAGE_PROXYREQ_CONNECT;
        return read_authority(target, 0, req);
    }
    req->kind = CAGE_PROXYREQ_FORWARD;
    return split_target(target, line) && read_authority(line->authority, 80, req);
}

static enum cage_proxyreq_state read_http(const uint8_t *data, size_t n, struct cage_proxyreq *req)
{
    struct span rest = {(const char *)data, n}, line, name;
    struct first_line first = {.method = {NULL, 0}};
    int got = next_line(&rest, &line);
    if (got == 1 && !read_first_line(line, &first, req))
        return CAGE_PROXYREQ_BAD;
    while (got == 1) {
        got = next_line(&rest, &line);
        if (got == 1 && line.n == 0) {
            req->used = n - rest.n;
            return CAGE_PROXYREQ_DONE;
        }
        if (got == 1 && (!cut(&line, ':', &name) || !is_token(name)))
            return CAGE_PROXYREQ_BAD;
    }
    return got < 0 ? CAGE_PROXYREQ_BAD : CAGE_PROXYREQ_MORE;
}

/* The address of a SOCKS request, from its type on: 1 read, 0 more needed, -1 no address. *used: its bytes.
 */
static int read_socks_address(const uint8_t *data, size_t n, size_t *used, struct cage_proxyreq *req)
{
    enum { IPV4 = 1, NAME = 3, IPV6 = 4 };
    if (n < 2)
        return 0;
    size_t at = data[0] == NAME ? 2 : 1;
    size_t size = data[0] == IPV4 ? 4 : data[0] == IPV6 ? 16 : data[0] == NAME ? data[1] : 0;
    if (size == 0)
        return -1;
    *used = at + size;
    if (n < at + size)
        return 0;
    if (data[0] == NAME)
        return read_host((struct span){(const char *)data + at, size}, req) ? 1 : -1;
    req->is_addr = true;
    req->addr = (struct cage_addr){.v6 = data[0] == IPV6};
    memcpy(req->addr.bytes, data + at, size);
    (void)cage_addr_format(&req->addr, req->host);
    return 1;
}

static enum cage_proxyreq_state read_socks(const uint8_t *data, size_t n, struct cage_proxyreq *req)
{
    enum { VERSION = 5, NO_AUTH = 0, CONNECT = 1 };
    size_t size;
    req->kind = CAGE_PROXYREQ_SOCKS;
    if (n < 2 || n < 2 + (size_t)data[1])
        return CAGE_PROXYREQ_MORE;
    req->greeted = memchr(data + 2, NO_AUTH, data[1]) != NULL;
    req->no_method = !req->greeted;
    if (req->no_method)
        return CAGE_PROXYREQ_BAD;
    req->used = 2 + (size_t)data[1];
    data += req->used;
    n -= req->used;
    if ((n > 0 && data[0] != VERSION) || (n > 1 && data[1] != CONNECT) || (n > 2 && data[2] != 0))
        return CAGE_PROXYREQ_BAD;
    if (n < 3)
        return CAGE_PROXYREQ_MORE;
    int got = read_socks_address(data + 3, n - 3, &size, req);
    if (got < 0)
        return CAGE_PROXYREQ_BAD;
    if (got == 0 || n < 3 + size + 2)
        return CAGE_PROXYREQ_MORE;
    req->port = (uint16_t)(data[3 + size] << 8 | data[4 + size]);
    req->used += 3 + size + 2;
    return req->port ? CAGE_PROXYREQ_DONE : CAGE_PROXYREQ_BAD;
}

void cage_proxyreq_read(const uint8_t *data, size_t n, struct cage_proxyreq *req)
{
    *req = (struct cage_proxyreq){.state = CAGE_PROXYREQ_MORE};
    if (n == 0)
        return;
    req->state = data[0] == 5 ? read_socks(data, n, req) : read_http(data, n, req);
    if (req->state == CAGE_PROXYREQ_MORE && n >= CAGE_PROXYREQ_MAX)
        req->state = CAGE_PROXYREQ_BAD;
    if (req->state == CAGE_PROXYREQ_DONE && req->used > CAGE_PROXYREQ_MAX)
        req->state = CAGE_PROXYREQ_BAD;
}

/* Fields that end here (RFC 9110 7.6.1), and Host, which is made anew. */
static bool is_for_us(struct span name)
{
    static const char *const names[] = {
        "Host",    "Connection", "Keep-Alive",          "Proxy-Connection", "TE",
        "Upgrade", "Trailer",    "Proxy-Authorization", "HTTP2-Settings"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (equals(name, names[i]))
            return true;
    }
    return false;
}

void cage_proxyreq_forward(const uint8_t *data, const struct cage_proxyreq *req, struct cage_strbuf *out)
{
    struct span rest = {(const char *)data, req->used}, line, name;
    struct first_line first = {.method = {NULL, 0}};
    struct cage_proxyreq again = *req;
    bool v6 = req->is_addr && req->addr.v6;
    if (next_line(&rest, &line) != 1 || !read_first_line(line, &first, &again))
        return;
    cage_strbuf_add_bytes(out, first.method.p, first.method.n);
    cage_strbuf_addc(out, ' ');
    if (first.path.n == 0 || first.path.p[0] != '/')
        cage_strbuf_addc(out, '/');
    cage_strbuf_add_bytes(out, first.path.p, first.path.n);
    cage_strbuf_addc(out, ' ');
    cage_strbuf_add_bytes(out, first.version.p, first.version.n);
    cage_strbuf_addf(out, "\r\nHost: %s%s%s", v6 ? "[" : "", req->host, v6 ? "]" : "");
    if (req->port != 80)
        cage_strbuf_addf(out, ":%u", req->port);
    cage_strbuf_add(out, "\r\n");
    while (next_line(&rest, &line) == 1 && line.n > 0) {
        struct span value = line;
        if (!cut(&value, ':', &name) || is_for_us(name))
            continue;
        cage_strbuf_add_bytes(out, line.p, line.n);
        cage_strbuf_add(out, "\r\n");
    }
    cage_strbuf_add(out, "Connection: close\r\n\r\n");
}
