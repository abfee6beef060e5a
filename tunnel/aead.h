/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet encryption by libgcrypt: AES-256-GCM where the processor has the instructions, else
 * ChaCha20-Poly1305 (RFC 8439).  Keys are derived by libsodium.  The only file that knows libgcrypt.
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

/*
 * One direction's key of one epoch, with its schedule kept.  Zeroed, or owned by one holder: it may
 * be moved by assignment, never copied.
 */
struct aead_key {
	struct gcry_cipher_handle *cipher;
	uint8_t iv[AEAD_IV_BYTES];
};

/* Once in each process, before a sandbox, since it asks the system what the processor has. 0 or ERR_IO. */
int aead_init(void);
bool aead_is_supported(enum aead_kind kind);
/*
 * A key of the epoch's secret: key and iv by HKDF-Expand over HMAC-SHA-256 (RFC 5869 section 2.3).
 * 0 or ERR_NOMEM; `key` can be cleared in both cases.
 */
int aead_key_init(
    struct aead_key *key, enum aead_kind kind, const uint8_t secret[AEAD_SECRET_BYTES]);
/* Another epoch's secret takes the place of the one before, which is erased; needs no memory. */
void aead_key_replace(struct aead_key *key, const uint8_t secret[AEAD_SECRET_BYTES]);
/* Erases and frees it; takes a zeroed one. */
void aead_key_clear(struct aead_key *key);
/* Seals `length` bytes in place and writes the tag behind them; nonce = iv XOR packet number. */
void aead_seal(struct aead_key *key, uint64_t number, const uint8_t *header, size_t header_length,
    uint8_t *data, size_t length);
/* Opens in place `length` bytes of ciphertext followed by the tag. 0 or ERR_AUTH (data then undefined). */
int aead_open(struct aead_key *key, uint64_t number, const uint8_t *header, size_t header_length,
    uint8_t *data, size_t length);
/* The next epoch's secret: a one-way ratchet (HKDF-Expand, label "trunkline ratchet"). */
void aead_secret_ratchet(uint8_t secret[AEAD_SECRET_BYTES]);

#endif
