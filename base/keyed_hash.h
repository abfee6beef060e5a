/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash-2-4 (libsodium's crypto_shorthash) under a key of the process, so that users who choose
 * what we hash cannot choose the collisions.  Values differ from process to process; for what
 * several nodes must agree on, use keyed_hash_with() and a shared key.
 */
#ifndef BASE_KEYED_HASH_H
#define BASE_KEYED_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { KEYED_HASH_KEY_BYTES = 16 };

/* Draws the process's key; call once before the first table is filled.  ERR_IO without libsodium. */
int keyed_hash_init(void);

uint64_t keyed_hash(const void *data, size_t length);

uint64_t keyed_hash_with(const uint8_t key[KEYED_HASH_KEY_BYTES], const void *data, size_t length);

#endif
