/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/httphead.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *p;
    size_t n;
};

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_token_char(s.p[i]))
            return false;
    }
    return s.n > 0;
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

static bool starts_with(struct span s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && strncasecmp(s.p, prefix, n) == 0;
}

/* "name" or "name:port". */
static bool read_authority(struct span s, char host[CAGE_HOSTNAME_SIZE], uint16_t *port)
{
    struct span name;
    *port = 0;
    if (!cut(&s, ':', &name))
        return cage_hostname_parse(s.p, s.n, host);
    unsigned value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || i == 5)
            return false;
        value = value * 10 + (unsigned)(s.p[i] - '0');
    }
    if (value == 0 || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return cage_hostname_parse(name.p, name.n, host);
}

/* The authority of an absolute target; an empty span for a path or "*". */
static bool target_authority(struct span target, struct span *authority)
{
    *authority = (struct span){target.p, 0};
    if (target.p[0] == '/' || (target.n == 1 && target.p[0] == '*'))
        return true;
    if (!starts_with(target, "http://"))
        return false;
    target.p += strlen("http://");
    target.n -= strlen("http://");
    while (authority->n < target.n && !strchr("/?#", target.p[authority->n]))
        authority->n++;
    authority->p = target.p;
    return authority->n > 0;
}

static bool read_request_line(struct span line, struct span *authority)
{
    struct span method, target;
    if (!cut(&line, ' ', &method) || !is_token(method) || !cut(&line, ' ', &target) || target.n == 0)
        return false;
    if (method.n == 7 && memcmp(method.p, "CONNECT", 7) == 0)
        return false;
    if (line.n != 8 || memcmp(line.p, "HTTP/1.", 7) != 0 || (line.p[7] != '0' && line.p[7] != '1'))
        return false;
    return target_authority(target, authority);
}

/* One field line; fills *host when it is Host, which may be there once. */
static bool read_field(struct span line, struct span *host)
{
    struct span name;
    if (!cut(&line, ':', &name) || !is_token(name))
        return false;
    if (name.n != 4 || strncasecmp(name.p, "host", 4) != 0)
        return true;
    while (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t')) {
        line.p++;
        line.n--;
    }
    while (line.n > 0 && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
        line.n--;
    if (host->p || line.n == 0)
        return false;
    *host = line;
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

static bool finish(struct span host, struct span authority, struct cage_httphead *head)
{
    char other[CAGE_HOSTNAME_SIZE];
    uint16_t port;
    if (!host.p || !read_authority(host, head->host, &head->port))
        return false;
    if (authority.n == 0)
        return true;
    return read_authority(authority, other, &port) && strcmp(other, head->host) == 0 &&
           (port ? port : 80) == (head->port ? head->port : 80);
}

static enum cage_httphead_state read_head(struct span rest, struct cage_httphead *head)
{
    struct span line, host = {NULL, 0}, authority = {NULL, 0};
    int got = next_line(&rest, &line);
    if (got == 1 && !read_request_line(line, &authority))
        return CAGE_HTTPHEAD_BAD;
    while (got == 1) {
        got = next_line(&rest, &line);
        if (got != 1)
            break;
        if (line.n == 0)
            return finish(host, authority, head) ? CAGE_HTTPHEAD_DONE : CAGE_HTTPHEAD_BAD;
        if (!read_field(line, &host))
            return CAGE_HTTPHEAD_BAD;
    }
    return got < 0 ? CAGE_HTTPHEAD_BAD : CAGE_HTTPHEAD_MORE;
}

void cage_httphead_read(const char *data, size_t n, struct cage_httphead *head)
{
    *head = (struct cage_httphead){.state = CAGE_HTTPHEAD_MORE};
    head->state = read_head((struct span){data, n}, head);
    if (head->state == CAGE_HTTPHEAD_MORE && n >= CAGE_HTTPHEAD_MAX)
        head->state = CAGE_HTTPHEAD_BAD;
}
