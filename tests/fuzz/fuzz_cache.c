/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a cached environment, as they are and, so that the parts behind the digest are reached, as a
 * body with a digest that fits. What is accepted is written as something that is accepted again and means the
 * same. The same bytes are then Nix's log.
 */
#include "base/hash.h"
#include "nix/entry.h"
#include "nix/log.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                                                          \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #what);                         \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const struct cage_nix_entry *entry)
{
    CAGE_STRBUF_AUTO first = {0}, second = {0};
    struct cage_nix_entry again;

    CHECK(entry->bash && entry->bash[0] == '/');
    CHECK(entry->generation && !strchr(entry->generation, '/') && entry->generation[0] != '.');
    for (size_t i = 0; i < entry->env.n; i++)
        CHECK(strchr(entry->env.items[i], '=') > entry->env.items[i]);
    cage_strbuf_init(&first);
    cage_strbuf_init(&second);
    cage_nix_entry_init(&again);
    cage_nix_entry_write(entry, &first);
    CHECK(cage_nix_entry_parse(&again, first.buf, first.len) == 0);
    cage_nix_entry_write(&again, &second);
    CHECK(first.len == second.len && memcmp(first.buf, second.buf, first.len) == 0);
    cage_nix_entry_finish(&again);
}

static void parse(const char *data, size_t size)
{
    struct cage_nix_entry entry;

    cage_nix_entry_init(&entry);
    if (cage_nix_entry_parse(&entry, data, size) == 0)
        check_accepted(&entry);
    cage_nix_entry_finish(&entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CAGE_STRBUF_AUTO text = {0};
    char digest[CAGE_CHECKSUM_HEX];
    struct cage_nix_log log;

    parse((const char *)data, size);
    cage_strbuf_init(&text);
    cage_checksum_hex(data, size, digest);
    cage_strbuf_addf(&text, CAGE_NIX_ENTRY_VERSION "\n%s\n", digest);
    cage_strbuf_add_bytes(&text, data, size);
    parse(text.buf, text.len);
    cage_nix_log_init(&log, -1, false);
    cage_nix_log_feed(&log, (const char *)data, size);
    cage_nix_log_end(&log);
    cage_nix_log_finish(&log);
    return 0;
}
