/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/addr.h"

#include <arpa/inet.h>
#include <string.h>

bool cage_addr_parse(const char *text, struct cage_addr *addr)
{
    *addr = (struct cage_addr){0};
    if (inet_pton(AF_INET, text, addr->bytes) == 1)
        return true;
    addr->v6 = true;
    if (inet_pton(AF_INET6, text, addr->bytes) == 1)
        return true;
    *addr = (struct cage_addr){0};
    return false;
}

const char *cage_addr_format(const struct cage_addr *addr, char text[CAGE_ADDR_TEXT])
{
    if (!inet_ntop(addr->v6 ? AF_INET6 : AF_INET, addr->bytes, text, CAGE_ADDR_TEXT))
        text[0] = '\0';
    return text;
}

struct cage_addr cage_addr_v4(uint32_t bits)
{
    struct cage_addr addr = {0};
    bits = htonl(bits);
    memcpy(addr.bytes, &bits, sizeof(bits));
    return addr;
}

uint32_t cage_addr_bits(const struct cage_addr *addr)
{
    uint32_t bits;
    memcpy(&bits, addr->bytes, sizeof(bits));
    return ntohl(bits);
}

bool cage_addr_equal(const struct cage_addr *a, const struct cage_addr *b)
{
    return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool from_v6(const struct sockaddr_in6 *in6, struct cage_addr *addr)
{
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
        memcpy(addr->bytes, in6->sin6_addr.s6_addr + 12, 4);
        return true;
    }
    addr->v6 = true;
    memcpy(addr->bytes, &in6->sin6_addr, 16);
    return true;
}

bool cage_addr_from_sockaddr(const struct sockaddr *sa, struct cage_addr *addr, uint16_t *port)
{
    *addr = (struct cage_addr){0};
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof(in));
        memcpy(addr->bytes, &in.sin_addr, 4);
        if (port)
            *port = ntohs(in.sin_port);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof(in6));
        if (port)
            *port = ntohs(in6.sin6_port);
        return from_v6(&in6, addr);
    }
    return false;
}

socklen_t cage_addr_to_sockaddr(const struct cage_addr *addr, uint16_t port, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (addr->v6) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        memcpy(&in6.sin6_addr, addr->bytes, 16);
        memcpy(out, &in6, sizeof(in6));
        return sizeof(in6);
    }
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    memcpy(&in.sin_addr, addr->bytes, 4);
    memcpy(out, &in, sizeof(in));
    return sizeof(in);
}
