/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/proxy.h"

#include "base/mem.h"
#include "net/hostname.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *first_set(const struct cage_strv *env, const char *const *names, const char **which)
{
    for (; *names; names++) {
        const char *value = cage_env_get(env, *names);
        if (value && value[0]) {
            *which = *names;
            return value;
        }
    }
    return NULL;
}

static char *base64(const char *in, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct cage_strbuf out;
    cage_strbuf_init(&out);
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        unsigned v = (unsigned)(unsigned char)in[i] << 16;
        v |= left > 1 ? (unsigned)(unsigned char)in[i + 1] << 8 : 0;
        v |= left > 2 ? (unsigned)(unsigned char)in[i + 2] : 0;
        cage_strbuf_addc(&out, digits[v >> 18]);
        cage_strbuf_addc(&out, digits[v >> 12 & 63]);
        cage_strbuf_addc(&out, left > 1 ? digits[v >> 6 & 63] : '=');
        cage_strbuf_addc(&out, left > 2 ? digits[v & 63] : '=');
    }
    return cage_strbuf_steal(&out);
}

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Credentials of a URL are percent-encoded. */
static char *encode_auth(const char *userinfo, size_t n)
{
    char *plain = cage_alloc(n + 1);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        int high = i + 2 < n && userinfo[i] == '%' ? hex_value(userinfo[i + 1]) : -1;
        int low = high >= 0 ? hex_value(userinfo[i + 2]) : -1;
        plain[len++] = low >= 0 ? (char)(high << 4 | low) : userinfo[i];
        i += low >= 0 ? 2 : 0;
    }
    char *auth = base64(plain, len);
    free(plain);
    return auth;
}

/* "host", "host:port", "[v6]", "[v6]:port". */
static bool read_host_port(struct cage_proxy *proxy, const char *text, size_t n)
{
    const char *end = text + n, *host = text, *port = NULL;
    size_t host_n;
    if (n > 0 && text[0] == '[') {
        const char *close = memchr(text, ']', n);
        if (!close)
            return false;
        host++;
        host_n = (size_t)(close - host);
        port = close + 1;
    } else {
        const char *colon = memchr(text, ':', n);
        port = colon ? colon : end;
        host_n = (size_t)(port - text);
    }
    proxy->port = 80;
    if (port < end) {
        char *stop;
        unsigned long value = strtoul(port + 1, &stop, 10);
        if (*port != ':' || stop != end || value == 0 || value > UINT16_MAX)
            return false;
        proxy->port = (uint16_t)value;
    }
    struct cage_addr addr;
    char name[CAGE_HOSTNAME_SIZE];
    proxy->host = cage_strndup(host, host_n);
    return cage_addr_parse(proxy->host, &addr) || cage_hostname_parse(host, host_n, name);
}

static bool read_url(struct cage_proxy *proxy, const char *url)
{
    const char *scheme = strstr(url, "://");
    if (scheme && strncasecmp(url, "http://", 7) != 0)
        return false;
    const char *authority = scheme ? scheme + 3 : url;
    size_t n = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', n);
    if (at) {
        proxy->auth = encode_auth(authority, (size_t)(at - authority));
        n -= (size_t)(at + 1 - authority);
        authority = at + 1;
    }
    return read_host_port(proxy, authority, n);
}

int cage_proxy_read(struct cage_proxy *proxy, const struct cage_strv *env, struct cage_error *err)
{
    static const char *const proxy_names[] = {"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", NULL};
    static const char *const no_proxy_names[] = {"NO_PROXY", "no_proxy", NULL};
    const char *which = NULL;
    *proxy = (struct cage_proxy){0};
    const char *url = first_set(env, proxy_names, &which);
    if (!url)
        return 0;
    if (!read_url(proxy, url)) {
        cage_proxy_finish(proxy);
        /* Its value may hold a password. */
        cage_error_set(err, CAGE_ERR_CONFIG, "the proxy in %s cannot be used for hosts", which);
        return cage_error_hint(err, "write it as http://host:port, or unset %s", which);
    }
    proxy->no_proxy = cage_strdup(first_set(env, no_proxy_names, &which));
    return 0;
}

void cage_proxy_finish(struct cage_proxy *proxy)
{
    free(proxy->host);
    free(proxy->auth);
    free(proxy->no_proxy);
    *proxy = (struct cage_proxy){0};
}

static bool in_network(const struct cage_addr *addr, const char *item)
{
    struct cage_addr net;
    char text[CAGE_ADDR_TEXT];
    size_t n = strcspn(item, "/");
    if (n >= sizeof(text))
        return false;
    memcpy(text, item, n);
    text[n] = '\0';
    if (!cage_addr_parse(text, &net) || net.v6 != addr->v6)
        return false;
    unsigned long most = net.v6 ? 128 : 32, bits = item[n] ? strtoul(item + n + 1, NULL, 10) : most;
    for (unsigned long i = 0; i < bits && i < most; i++) {
        if ((net.bytes[i / 8] ^ addr->bytes[i / 8]) & (0x80 >> i % 8))
            return false;
    }
    return true;
}

static bool item_matches(char *item, const char *host, const struct cage_addr *addr)
{
    char name[CAGE_HOSTNAME_SIZE];
    if (strcmp(item, "*") == 0)
        return true;
    if (addr)
        return in_network(addr, item);
    if (item[0] == '*' && item[1] == '.')
        item++;
    if (item[0] == '.')
        item++;
    return cage_hostname_parse(item, strlen(item), name) &&
           (strcmp(host, name) == 0 || cage_hostname_is_below(host, name));
}

bool cage_proxy_applies(const struct cage_proxy *proxy, const char *host)
{
    struct cage_addr addr;
    if (!proxy->host)
        return false;
    if (!proxy->no_proxy)
        return true;
    bool is_addr = cage_addr_parse(host, &addr), found = false;
    char *list = cage_strdup(proxy->no_proxy), *save = NULL;
    for (char *item = strtok_r(list, ", \t", &save); item && !found; item = strtok_r(NULL, ", \t", &save))
        found = item_matches(item, host, is_addr ? &addr : NULL);
    free(list);
    return !found;
}

void cage_proxy_request(const struct cage_proxy *proxy, const char *host, uint16_t port,
                        struct cage_strbuf *out)
{
    const char *open = strchr(host, ':') ? "[" : "", *close = *open ? "]" : "";
    cage_strbuf_addf(out, "CONNECT %s%s%s:%u HTTP/1.1\r\n", open, host, close, port);
    cage_strbuf_addf(out, "Host: %s%s%s:%u\r\n", open, host, close, port);
    if (proxy->auth)
        cage_strbuf_addf(out, "Proxy-Authorization: Basic %s\r\n", proxy->auth);
    cage_strbuf_add(out, "\r\n");
}

long cage_proxy_reply(const char *data, size_t n, int *status)
{
    *status = 0;
    size_t check = n < 7 ? n : 7;
    if (memcmp(data, "HTTP/1.", check) != 0)
        return -1;
    if (n >= 12) {
        for (size_t i = 9; i < 12; i++) {
            if (data[8] != ' ' || data[i] < '0' || data[i] > '9')
                return -1;
            *status = *status * 10 + (data[i] - '0');
        }
        if (*status < 200 || *status > 299)
            return -1;
    }
    const char *end = memmem(data, n, "\r\n\r\n", 4);
    if (end)
        return end + 4 - data;
    return n >= CAGE_PROXY_REPLY_MAX ? -1 : 0;
}
