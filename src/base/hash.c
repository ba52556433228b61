/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/hash.h"

#include <sodium/crypto_hash_sha256.h>
#include <sodium/crypto_shorthash.h>
#include <sodium/utils.h>

void cage_hash_hex(const void *data, size_t n, char hex[CAGE_HASH_HEX])
{
    unsigned char digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(digest, data, n);
    sodium_bin2hex(hex, CAGE_HASH_HEX, digest, sizeof digest);
}

void cage_checksum_hex(const void *data, size_t n, char hex[CAGE_CHECKSUM_HEX])
{
    static const unsigned char key[crypto_shorthash_KEYBYTES];
    unsigned char digest[crypto_shorthash_BYTES];

    crypto_shorthash(digest, data, n, key);
    sodium_bin2hex(hex, CAGE_CHECKSUM_HEX, digest, sizeof digest);
}
