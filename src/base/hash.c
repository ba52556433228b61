/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/hash.h"

#include <sodium/crypto_generichash.h>
#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>

void cage_hash_hex(const void *data, size_t n, char hex[CAGE_HASH_HEX])
{
    unsigned char digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(digest, data, n);
    sodium_bin2hex(hex, CAGE_HASH_HEX, digest, sizeof digest);
}

void cage_checksum_hex(const void *data, size_t n, char hex[CAGE_HASH_HEX])
{
    unsigned char digest[(CAGE_HASH_HEX - 1) / 2];

    crypto_generichash(digest, sizeof digest, data, n, NULL, 0);
    sodium_bin2hex(hex, CAGE_HASH_HEX, digest, sizeof digest);
}
