/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"

size_t cage_utf8_decode(const char *s, unsigned long *cp)
{
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char c = (unsigned char)s[0];
    size_t n = c < 0x80 ? 1 : (c & 0xe0) == 0xc0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : (c & 0xf8) == 0xf0 ? 4 : 0;
    unsigned long v;

    *cp = 0;
    if (c == 0 || n == 0)
        return 0;
    v = n == 1 ? c : c & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | ((unsigned char)s[i] & 0x3f);
    }
    if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return 0;
    *cp = v;
    return n;
}

bool cage_utf8_printable(const char *s, size_t n, unsigned long cp)
{
    if (n == 0)
        return false;
    if (n == 1)
        return (cp >= 0x20 && cp != 0x7f) || *s == '\t' || *s == '\n';
    return cp >= 0xa0 && cp != 0x61c && cp != 0x200e && cp != 0x200f && !(cp >= 0x2028 && cp <= 0x202e) &&
           !(cp >= 0x2066 && cp <= 0x2069) && cp != 0xfeff;
}

bool cage_utf8_valid(const char *s)
{
    while (*s) {
        unsigned long cp;
        size_t n = cage_utf8_decode(s, &cp);

        if (n == 0)
            return false;
        s += n;
    }
    return true;
}
