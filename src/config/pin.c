/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/pin.h"

#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool wrong(struct cage_objection *why, const char *what, const char *fix)
{
    why->what = what;
    why->fix = fix;
    return false;
}

/* Copies the part of *text up to `end` (which stays) when it is made of `allowed` and fits. */
static bool take(const char **text, char *dst, size_t size, const char *allowed)
{
    size_t n = strspn(*text, allowed);

    if (n == 0 || n >= size)
        return false;
    memcpy(dst, *text, n);
    dst[n] = '\0';
    *text += n;
    return true;
}

/* 32 bytes are 43 characters of base64, the last of which carries 4 bits, and one "=". */
static bool hash_ok(const char *hash)
{
    static const char last[] = "AEIMQUYcgkosw048";

    return strncmp(hash, "sha256-", 7) == 0 && strlen(hash) == 51 &&
           strspn(hash + 7, LETTERS DIGITS "+/") == 43 && strchr(last, hash[49]) &&
           strcmp(hash + 50, "=") == 0;
}

bool cage_config_pin_parse(const char *text, struct cage_pin *pin, struct cage_objection *why)
{
    static const char form[] = "Write github:OWNER/REPO/REVISION#sha256-HASH";
    const char *p = text;

    memset(pin, 0, sizeof *pin);
    if (strncmp(text, "github:", strlen("github:")) != 0)
        return wrong(why, "it does not begin with github:", form);
    p += strlen("github:");
    if (!take(&p, pin->owner, sizeof pin->owner, LETTERS DIGITS "-") || *p++ != '/')
        return wrong(why, "its owner is missing or not a name", form);
    if (!take(&p, pin->repo, sizeof pin->repo, LETTERS DIGITS "-_.") || pin->repo[0] == '.')
        return wrong(why, "its repository is missing or not a name", form);
    if (*p++ != '/' || !take(&p, pin->rev, sizeof pin->rev, DIGITS "abcdef") || strlen(pin->rev) != 40 ||
        (*p && *p != '#'))
        return wrong(why, "its revision is not 40 lower-case hexadecimal digits, so it can change",
                     "Write the whole commit hash instead of a branch, a tag or a short hash");
    if (*p != '#')
        return wrong(why, "its hash is missing",
                     "Append #sha256-HASH, which `nix-prefetch-url --unpack` of the archive and `nix hash "
                     "to-sri` give");
    if (!hash_ok(p + 1))
        return wrong(why, "its hash is not of the form sha256-... with 44 characters of base64",
                     "Append the hash as `nix hash to-sri --type sha256 HASH` prints it");
    snprintf(pin->hash, sizeof pin->hash, "%s", p + 1);
    return true;
}
