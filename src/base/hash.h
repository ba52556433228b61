/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CAGE_BASE_HASH_H
#define CAGE_BASE_HASH_H

#include <stddef.h>

enum { CAGE_HASH_HEX = 65 }; /* 64 digits and the NUL */

/* Lower-case hexadecimal SHA-256 (FIPS 180-4) of n bytes. */
void cage_hash_hex(const void *data, size_t n, char hex[CAGE_HASH_HEX]);

/*
 * Tells whether n bytes are the ones that were written: 64 digits of unkeyed BLAKE2b (RFC 7693), several
 * times faster than SHA-256 where it is computed on every run.
 */
void cage_checksum_hex(const void *data, size_t n, char hex[CAGE_HASH_HEX]);

#endif
