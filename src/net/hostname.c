/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/hostname.h"

#include <string.h>

enum { MAX_LABEL = 63 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
}

static bool label_ok(const char *label, size_t n)
{
    return n > 0 && n <= MAX_LABEL && label[0] != '-' && label[n - 1] != '-';
}

/* inet_aton(3) and the URL standard read such a last label as (part of) an IPv4 address. */
static bool is_number(const char *label)
{
    if (label[0] == '0' && label[1] == 'x')
        return label[2 + strspn(label + 2, "0123456789abcdef")] == '\0';
    return label[strspn(label, "0123456789")] == '\0';
}

bool cage_hostname_parse(const char *text, size_t n, char out[CAGE_HOSTNAME_SIZE])
{
    out[0] = '\0';
    if (n > 0 && text[n - 1] == '.')
        n--;
    if (n == 0 || n >= CAGE_HOSTNAME_SIZE)
        return false;
    char name[CAGE_HOSTNAME_SIZE];
    size_t start = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != '.' && !is_name_char(c))
            return false;
        name[i] = c;
        if (c == '.') {
            if (!label_ok(name + start, i - start))
                return false;
            start = i + 1;
        }
    }
    name[n] = '\0';
    if (!label_ok(name + start, n - start) || is_number(name + start))
        return false;
    memcpy(out, name, n + 1);
    return true;
}

bool cage_hostname_is_below(const char *name, const char *parent)
{
    size_t n = strlen(name), p = strlen(parent);
    return n > p + 1 && name[n - p - 1] == '.' && memcmp(name + n - p, parent, p) == 0;
}
