/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/judge.h"

#include "base/mem.h"

#include <string.h>

enum class { CLASS_FINE, CLASS_LOOPBACK, CLASS_NEVER_HOST, CLASS_LINK_LOCAL, CLASS_METADATA };

struct prefix {
    uint8_t bytes[16];
    int bits;
    enum class class;
};

/* IANA special-purpose registries; metadata services by their providers' manuals. */
static const struct prefix v4_prefixes[] = {
    {{169, 254, 169, 254}, 32, CLASS_METADATA}, /* AWS, GCP, Azure, OpenStack, … */
    {{169, 254, 170, 2}, 32, CLASS_METADATA},   /* AWS ECS task credentials */
    {{100, 100, 100, 200}, 32, CLASS_METADATA}, /* Alibaba */
    {{168, 63, 129, 16}, 32, CLASS_METADATA},   /* Azure wire server */
    {{192, 0, 0, 192}, 32, CLASS_METADATA},     /* Oracle classic */
    {{0}, 8, CLASS_NEVER_HOST},
    {{127}, 8, CLASS_LOOPBACK},
    {{169, 254}, 16, CLASS_LINK_LOCAL},
    {{224}, 4, CLASS_NEVER_HOST}, /* multicast */
    {{240}, 4, CLASS_NEVER_HOST}, /* reserved and broadcast */
};

static const struct prefix v6_prefixes[] = {
    {{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128, CLASS_METADATA}, /* AWS */
    {{0xfd, 0x20, 0x00, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128, CLASS_METADATA}, /* GCP */
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, CLASS_LOOPBACK},
    {{0}, 96, CLASS_NEVER_HOST},          /* unspecified; IPv4-compatible, deprecated (RFC 4291) */
    {{0x01, 0x00}, 64, CLASS_NEVER_HOST}, /* 100::/64, discard only (RFC 6666) */
    {{0xfe, 0x80}, 10, CLASS_LINK_LOCAL},
    {{0xfe, 0xc0}, 10, CLASS_LINK_LOCAL}, /* site-local, deprecated (RFC 3879) */
    {{0xff}, 8, CLASS_NEVER_HOST},        /* multicast */
};

static bool has_prefix(const uint8_t *bytes, const uint8_t *prefix, int bits)
{
    size_t whole = (size_t)bits / 8;
    if (memcmp(bytes, prefix, whole) != 0)
        return false;
    int rest = bits % 8;
    return rest == 0 || ((bytes[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
}

static enum class classify_plain(const struct cage_addr *addr) {
    const struct prefix *table = addr->v6 ? v6_prefixes : v4_prefixes;
    size_t n = addr->v6 ? CAGE_LEN(v6_prefixes) : CAGE_LEN(v4_prefixes); for (size_t i = 0; i < n; i++){
        if (has_prefix(addr->bytes, table[i].bytes, table[i].bits)) return table[i].class;}
return CLASS_FINE;
}

static struct cage_addr v4_at(const uint8_t *bytes, uint8_t flip)
{
    struct cage_addr v4 = {0};
    for (int i = 0; i < 4; i++)
        v4.bytes[i] = bytes[i] ^ flip;
    return v4;
}

bool cage_judge_unmap(const struct cage_addr *addr, struct cage_addr *v4)
{
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t translated[16] = {[8] = 0xff, [9] = 0xff};
    static const uint8_t compatible[16] = {0};
    if (!addr->v6)
        return false;
    *v4 = v4_at(addr->bytes + 12, 0);
    if (has_prefix(addr->bytes, mapped, 96) || has_prefix(addr->bytes, translated, 96))
        return true;
    /* ::, ::1 and their neighbours are addresses of their own, not 0.0.0.x. */
    return has_prefix(addr->bytes, compatible, 96) && v4->bytes[0] != 0;
}

/* RFC 6052: where the IPv4 address is depends on the prefix length, which only the network's owner knows. */
static int embedded_local_nat64(const uint8_t *b, struct cage_addr *out)
{
    const uint8_t at[4][4] = {
        {b[6], b[7], b[9], b[10]},
        {b[7], b[9], b[10], b[11]},
        {b[9], b[10], b[11], b[12]},
        {b[12], b[13], b[14], b[15]},
    };
    int n = 0;
    for (size_t i = 0; i < CAGE_LEN(at); i++) {
        if (at[i][0] != 0) /* the padding of another layout */
            out[n++] = v4_at(at[i], 0);
    }
    return n;
}

int cage_judge_embedded(const struct cage_addr *addr, struct cage_addr out[CAGE_JUDGE_EMBEDDED])
{
    static const uint8_t nat64[16] = {0x00, 0x64, 0xff, 0x9b};
    static const uint8_t nat64_local[16] = {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01};
    static const uint8_t sixtofour[16] = {0x20, 0x02};
    static const uint8_t teredo[16] = {0x20, 0x01, 0x00, 0x00};
    const uint8_t *b = addr->bytes;
    if (!addr->v6)
        return 0;
    if (cage_judge_unmap(addr, &out[0]))
        return 1;
    if (has_prefix(b, nat64, 96)) {
        out[0] = v4_at(b + 12, 0);
        return 1;
    }
    if (has_prefix(b, nat64_local, 48))
        return embedded_local_nat64(b, out);
    if (has_prefix(b, sixtofour, 16)) {
        out[0] = v4_at(b + 2, 0);
        return 1;
    }
    if (has_prefix(b, teredo, 32)) {
        out[0] = v4_at(b + 4, 0);
        out[1] = v4_at(b + 12, 0xff);
        return 2;
    }
    if ((b[8] & 0xfd) == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe) {
        out[0] = v4_at(b + 12, 0);
        return 1;
    }
    return 0;
}

static bool is_class(const struct cage_addr *addr, enum class class)
{
    struct cage_addr inner[CAGE_JUDGE_EMBEDDED];
    if (classify_plain(addr) == class)
        return true;
    int n = cage_judge_embedded(addr, inner);
    for (int i = 0; i < n; i++) {
        if (classify_plain(&inner[i]) == class)
            return true;
    }
    return false;
}

bool cage_judge_is_loopback(const struct cage_addr *addr)
{
    return is_class(addr, CLASS_LOOPBACK);
}

bool cage_judge_is_never_host(const struct cage_addr *addr)
{
    return is_class(addr, CLASS_NEVER_HOST);
}

static const char *judge_plain(const struct cage_addr *addr, cage_judge_is_own_fn is_own, void *arg)
{
    switch (classify_plain(addr)) {
    case CLASS_LOOPBACK:
        return "loopback address";
    case CLASS_NEVER_HOST:
        return "not the address of a host";
    case CLASS_LINK_LOCAL:
        return "link-local address";
    case CLASS_METADATA:
        return "cloud metadata address";
    case CLASS_FINE:
        break;
    }
    return is_own && is_own(arg, addr) ? "address of this host" : NULL;
}

const char *cage_judge_address(const struct cage_addr *addr, cage_judge_is_own_fn is_own, void *arg)
{
    struct cage_addr inner[CAGE_JUDGE_EMBEDDED];
    const char *reason = judge_plain(addr, is_own, arg);
    int n = cage_judge_embedded(addr, inner);
    for (int i = 0; !reason && i < n; i++)
        reason = judge_plain(&inner[i], is_own, arg);
    return reason;
}
