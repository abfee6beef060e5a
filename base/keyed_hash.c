/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash by libsodium with the process's key.
 */
#include "base/keyed_hash.h"

#include "base/err.h"

#include <string.h>

#include <sodium.h>

_Static_assert(KEYED_HASH_KEY_BYTES == crypto_shorthash_KEYBYTES, "SipHash key");

static uint8_t process_key[crypto_shorthash_KEYBYTES];

int keyed_hash_init(void)
{
	if (sodium_init() < 0)
		return ERR_IO;
	crypto_shorthash_keygen(process_key);
	return 0;
}

uint64_t keyed_hash_with(const uint8_t key[KEYED_HASH_KEY_BYTES], const void *data, size_t length)
{
	uint8_t out[crypto_shorthash_BYTES];
	uint64_t value = 0;

	crypto_shorthash(out, data, length, key);
	/* Byte by byte, so that machines of either byte order agree. */
	for (size_t i = sizeof(out); i-- > 0;)
		value = value << 8 | out[i];
	return value;
}

uint64_t keyed_hash(const void *data, size_t length)
{
	return keyed_hash_with(process_key, data, length);
}
