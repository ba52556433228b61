/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The syntax of host rules. What a name resolves to is judged at run time by the network gate. */
#include "base/mem.h"
#include "config/check.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define HEX DIGITS "abcdefABCDEF"
#define LABEL "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

enum { HOST_MAX = 253, LABEL_MAX = 63 }; /* RFC 1035, 2.3.4 */

static bool wrong(struct cage_reason *why, const char *what, const char *fix)
{
    why->what = what;
    why->fix = fix;
    return false;
}

static bool loopback(struct cage_reason *why)
{
    return wrong(why, "the cage's loopback is its own", "List the port in host_ports instead");
}

static bool port_ok(const char *text, struct cage_reason *why)
{
    size_t n = strlen(text);

    if (n == 0 || n > 5 || strspn(text, DIGITS) != n || text[0] == '0' || strtol(text, NULL, 10) > 65535)
        return wrong(why, "its port is not a number from 1 to 65535",
                     "Write NAME:PORT, such as \"github.com:22\"");
    return true;
}

/* What people paste that is not a host. */
static bool shape_ok(const char *value, struct cage_reason *why)
{
    if (!*value)
        return wrong(why, "it is empty", "Name a host, or write hosts = [] for none");
    if (strstr(value, "://"))
        return wrong(why, "it is a URL", "Write the host name alone, such as \"api.anthropic.com\"");
    if (value[0] != '[' && strspn(value, DIGITS ".") > 6 && strchr(value, '/'))
        return wrong(why, "ranges of addresses are not supported", "List the addresses, or names");
    if (strchr(value, '/'))
        return wrong(why, "a rule is about hosts, not about paths on them", "Write the host name alone");
    if (strcmp(value, "*") == 0)
        return wrong(why, "\"*\" alone would be every host", "Remove the hosts key to allow every host");
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p >= 0x80)
            return wrong(why, "it is not in ASCII", "Write the name in its punycode form (xn--…)");
    return true;
}

static bool v6_ok(const char *value, struct cage_reason *why)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const unsigned char zero[16];
    const char *end = strchr(value, ']');
    cage_autofree char *text = cage_strndup(value + 1, end ? (size_t)(end - value - 1) : 0);
    unsigned char a[16];

    if (!end || strspn(text, HEX ":.") != strlen(text) || inet_pton(AF_INET6, text, a) != 1)
        return wrong(why, "it is not an IPv6 address", "Write it in brackets, such as \"[2001:db8::1]:443\"");
    if (memcmp(a, zero, 15) == 0 && a[15] <= 1)
        return loopback(why);
    if (memcmp(a, mapped, 12) == 0 && (a[12] == 127 || a[12] == 0))
        return loopback(why);
    if (end[1] == '\0')
        return true;
    if (end[1] != ':')
        return wrong(why, "something other than a port follows the \"]\"", "Write [ADDRESS]:PORT");
    return port_ok(end + 2, why);
}

static bool v4_ok(const char *host, struct cage_reason *why)
{
    unsigned char a[4];

    /* inet_pton(3) takes four decimal parts only: no octal, no shorthand that other programs read
     * differently. */
    if (inet_pton(AF_INET, host, a) != 1)
        return wrong(why, "it is neither a name nor a complete IPv4 address",
                     "Write all four decimal numbers");
    return a[0] == 127 || a[0] == 0 ? loopback(why) : true;
}

static bool label_ok(const char *label, size_t n)
{
    return n > 0 && n <= LABEL_MAX && strspn(label, LABEL) >= n && label[0] != '-' && label[n - 1] != '-';
}

/* The last label of a name is never a number: "127.1" and "0x7f.1" are addresses to some programs. */
static bool looks_numeric(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *last = dot ? dot + 1 : host;

    if (!*last)
        return false;
    if (last[0] == '0' && (last[1] == 'x' || last[1] == 'X'))
        return strspn(last + 2, HEX) == strlen(last + 2);
    return strspn(last, DIGITS) == strlen(last);
}

static bool is_localhost(const char *host)
{
    size_t n = strlen(host);

    return (n >= 9 && strcasecmp(host + n - 9, "localhost") == 0 && (n == 9 || host[n - 10] == '.')) ||
           strcasecmp(host, "localhost.localdomain") == 0;
}

static bool name_ok(const char *host, struct cage_reason *why)
{
    const char *p = strncmp(host, "*.", 2) == 0 ? host + 2 : host;

    if (strchr(p, '*'))
        return wrong(why, "\"*\" can only be the first part", "Write \"*.example.com\"");
    if (strlen(p) > HOST_MAX)
        return wrong(why, "it is longer than 253 characters", "Write the host name alone");
    for (;;) {
        size_t n = strcspn(p, ".");

        if (!label_ok(p, n))
            return wrong(why, "it is not a host name", "Write a name such as \"api.anthropic.com\"");
        if (!p[n])
            return true;
        p += n + 1;
    }
}

bool cage_check_host(const char *value, struct cage_reason *why)
{
    const char *colon = strchr(value, ':');
    size_t n = colon ? (size_t)(colon - value) : strlen(value);
    cage_autofree char *host = cage_strndup(value, n);

    if (!cage_check_text(value, why) || !shape_ok(value, why))
        return false;
    if (value[0] == '[')
        return v6_ok(value, why);
    if (colon && strchr(colon + 1, ':'))
        return wrong(why, "it has more than one colon",
                     "Write an IPv6 address in brackets, such as \"[2001:db8::1]\"");
    if (colon && !port_ok(colon + 1, why))
        return false;
    if (n > 1 && host[n - 1] == '.')
        host[n - 1] = '\0'; /* the root's dot is optional */
    if (is_localhost(host))
        return loopback(why);
    return looks_numeric(host) ? v4_ok(host, why) : name_ok(host, why);
}
