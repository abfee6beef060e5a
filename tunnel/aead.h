/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet encryption by libsodium: AES-256-GCM where the processor has the instructions, else
 * ChaCha20-Poly1305 (RFC 8439). The only file that includes libsodium's AEAD.
 */
#ifndef TUNNEL_AEAD_H
#define TUNNEL_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AEAD_SECRET_BYTES = 32,
	AEAD_KEY_BYTES = 32,
	AEAD_IV_BYTES = 12,
	AEAD_TAG_BYTES = 16,
};

enum aead_kind { AEAD_AES256GCM = 1, AEAD_CHACHA20POLY1305 = 2 };

/* One direction's key of one epoch, with its schedule kept; opaque outside aead.c but embeddable. */
struct aead_key {
	_Alignas(64) uint8_t schedule[512]; /* AES-GCM's precomputed state, or the ChaCha20 key */
	uint8_t iv[AEAD_IV_BYTES];
	enum aead_kind kind;
};

bool aead_is_supported(enum aead_kind kind);
/* Derives key and iv from the epoch's secret (HKDF-Expand over HMAC-SHA-256, RFC 5869 section 2.3). */
void aead_key_init(
    struct aead_key *key, enum aead_kind kind, const uint8_t secret[AEAD_SECRET_BYTES]);
/* Erases it. */
void aead_key_clear(struct aead_key *key);
/* Seals `length` bytes in place and writes the tag behind them; nonce = iv XOR packet number. */
void aead_seal(const struct aead_key *key, uint64_t number, const uint8_t *header,
    size_t header_length, uint8_t *data, size_t length);
/* Opens in place `length` bytes of ciphertext followed by the tag. 0 or ERR_AUTH (data then undefined). */
int aead_open(const struct aead_key *key, uint64_t number, const uint8_t *header,
    size_t header_length, uint8_t *data, size_t length);
/* The next epoch's secret: a one-way ratchet (HKDF-Expand, label "trunkline ratchet"). */
void aead_secret_ratchet(uint8_t secret[AEAD_SECRET_BYTES]);

#endif
