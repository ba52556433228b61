/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nix/entry.h"
#include "base/hash.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEADER CAGE_NIX_ENTRY_VERSION "\n"
enum { HEADER_LENGTH = sizeof HEADER - 1, DIGEST_LENGTH = CAGE_CHECKSUM_HEX - 1 };

enum tag {
    TAG_ENV = 'E',
    TAG_CLOSURE = 'C',
    TAG_ROOT = 'R',
    TAG_WITNESS = 'W',
    TAG_BASH = 'B',
    TAG_SETUP = 'S',
    TAG_HOOK = 'H',
    TAG_ATTRS = 'A',
    TAG_GENERATION = 'G',
    TAG_EXPIRES = 'X',
};

void cage_nix_entry_init(struct cage_nix_entry *entry)
{
    memset(entry, 0, sizeof *entry);
}

void cage_nix_entry_finish(struct cage_nix_entry *entry)
{
    cage_strv_finish(&entry->env);
    cage_strv_finish(&entry->closure);
    cage_strv_finish(&entry->roots);
    cage_strv_finish(&entry->witness);
    free(entry->bash);
    free(entry->stdenv_setup);
    free(entry->shell_hook);
    free(entry->attrs_dest);
    free(entry->generation);
    memset(entry, 0, sizeof *entry);
}

static void put(struct cage_strbuf *out, enum tag tag, const char *text)
{
    if (!text)
        return;
    cage_strbuf_addc(out, (int)tag);
    cage_strbuf_add_bytes(out, text, strlen(text) + 1);
}

static void put_all(struct cage_strbuf *out, enum tag tag, const struct cage_strv *list)
{
    for (size_t i = 0; i < list->n; i++)
        put(out, tag, list->items[i]);
}

void cage_nix_entry_write(const struct cage_nix_entry *entry, struct cage_strbuf *out)
{
    CAGE_STRBUF_AUTO body = {0};
    char digest[CAGE_CHECKSUM_HEX];

    cage_strbuf_init(&body);
    put(&body, TAG_GENERATION, entry->generation);
    put(&body, TAG_BASH, entry->bash);
    put(&body, TAG_SETUP, entry->stdenv_setup);
    put(&body, TAG_HOOK, entry->shell_hook);
    put(&body, TAG_ATTRS, entry->attrs_dest);
    if (entry->expires) {
        cage_autofree char *text = cage_format("%lld", (long long)entry->expires);

        put(&body, TAG_EXPIRES, text);
    }
    put_all(&body, TAG_ENV, &entry->env);
    put_all(&body, TAG_CLOSURE, &entry->closure);
    put_all(&body, TAG_ROOT, &entry->roots);
    put_all(&body, TAG_WITNESS, &entry->witness);
    cage_checksum_hex(body.buf, body.len, digest);
    cage_strbuf_addf(out, HEADER "%s\n", digest);
    cage_strbuf_add_bytes(out, body.buf, body.len);
}

static int set_once(char **slot, const char *text)
{
    if (*slot)
        return -1;
    *slot = cage_strdup(text);
    return 0;
}

static int add_store_path(struct cage_strv *list, const char *text)
{
    if (strncmp(text, "/nix/store/", 11) != 0 || !text[11] || strchr(text + 11, '/'))
        return -1;
    cage_strv_add(list, text);
    return 0;
}

static int set_expires(struct cage_nix_entry *entry, const char *text)
{
    char *end;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value <= 0 || entry->expires)
        return -1;
    entry->expires = value;
    return 0;
}

/* The generation is one component of a path. */
static int set_generation(struct cage_nix_entry *entry, const char *text)
{
    if (!*text || text[0] == '.' || strchr(text, '/'))
        return -1;
    return set_once(&entry->generation, text);
}

static int take_record(struct cage_nix_entry *entry, char tag, const char *text)
{
    switch ((enum tag)tag) {
    case TAG_ENV:
        if (!strchr(text, '=') || text[0] == '=')
            return -1;
        cage_strv_add(&entry->env, text);
        return 0;
    case TAG_CLOSURE:
        return add_store_path(&entry->closure, text);
    case TAG_ROOT:
        return add_store_path(&entry->roots, text);
    case TAG_WITNESS:
        cage_strv_add(&entry->witness, text);
        return 0;
    case TAG_BASH:
        return text[0] == '/' ? set_once(&entry->bash, text) : -1;
    case TAG_SETUP:
        return text[0] == '/' ? set_once(&entry->stdenv_setup, text) : -1;
    case TAG_HOOK:
        return set_once(&entry->shell_hook, text);
    case TAG_ATTRS:
        return text[0] == '/' ? set_once(&entry->attrs_dest, text) : -1;
    case TAG_GENERATION:
        return set_generation(entry, text);
    case TAG_EXPIRES:
        return set_expires(entry, text);
    }
    return -1;
}

int cage_nix_entry_parse(struct cage_nix_entry *entry, const char *data, size_t n)
{
    const char *digest = data + HEADER_LENGTH, *body = digest + DIGEST_LENGTH + 1, *end = data + n;
    char actual[CAGE_CHECKSUM_HEX];

    if (n < HEADER_LENGTH + DIGEST_LENGTH + 1 || memcmp(data, HEADER, HEADER_LENGTH) != 0 || body[-1] != '\n')
        return -1;
    cage_checksum_hex(body, (size_t)(end - body), actual);
    if (memcmp(actual, digest, DIGEST_LENGTH) != 0)
        return -1;
    while (body < end) {
        const char *nul = memchr(body, '\0', (size_t)(end - body));

        if (!nul || nul == body || take_record(entry, body[0], body + 1) < 0)
            return -1;
        body = nul + 1;
    }
    return entry->bash && entry->generation && entry->witness.n % 2 == 0 ? 0 : -1;
}
