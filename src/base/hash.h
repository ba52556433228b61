/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CAGE_BASE_HASH_H
#define CAGE_BASE_HASH_H

#include <stddef.h>

enum { CAGE_HASH_HEX = 65 }; /* 64 digits and the NUL */

/* Lower-case hexadecimal SHA-256 (FIPS 180-4) of n bytes. */
void cage_hash_hex(const void *data, size_t n, char hex[CAGE_HASH_HEX]);

enum { CAGE_CHECKSUM_HEX = 17 }; /* 16 digits and the NUL */

/*
 * Tells whether n bytes are the ones that were written, not who wrote them: SipHash-2-4 with a key of zeros
 * (crypto_shorthash of libsodium), a tenth of SHA-256's work where it is computed on every run.
 */
void cage_checksum_hex(const void *data, size_t n, char hex[CAGE_CHECKSUM_HEX]);

#endif
