/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet encryption by libsodium, see aead.h.  Keys are expanded once an epoch, so that AES's key
 * schedule is not computed for each packet.
 */
#include "tunnel/aead.h"

#include "base/err.h"

#include <sodium.h>
#include <string.h>

_Static_assert(sizeof(crypto_aead_aes256gcm_state) <= sizeof(((struct aead_key *)0)->schedule),
    "the AES state must fit");
_Static_assert(crypto_aead_aes256gcm_NPUBBYTES == AEAD_IV_BYTES, "nonce of AES-GCM");
_Static_assert(crypto_aead_chacha20poly1305_ietf_NPUBBYTES == AEAD_IV_BYTES, "nonce of ChaCha20");
_Static_assert(crypto_aead_aes256gcm_ABYTES == AEAD_TAG_BYTES, "tag of AES-GCM");
_Static_assert(crypto_aead_chacha20poly1305_ietf_ABYTES == AEAD_TAG_BYTES, "tag of Poly1305");

bool aead_is_supported(enum aead_kind kind)
{
	if (sodium_init() < 0)
		return false;
	if (kind == AEAD_AES256GCM)
		return crypto_aead_aes256gcm_is_available();
	return kind == AEAD_CHACHA20POLY1305;
}

/* HKDF-Expand (RFC 5869 section 2.3) of one block: HMAC(secret, label || 1). */
static void expand(
    uint8_t out[crypto_auth_hmacsha256_BYTES], const uint8_t *secret, const char *label)
{
	static const uint8_t counter = 1;
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, secret, AEAD_SECRET_BYTES);
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)label, strlen(label));
	crypto_auth_hmacsha256_update(&state, &counter, sizeof(counter));
	crypto_auth_hmacsha256_final(&state, out);
	sodium_memzero(&state, sizeof(state));
}

static void set_key(struct aead_key *key, enum aead_kind kind, const uint8_t raw[AEAD_KEY_BYTES],
    const uint8_t iv[AEAD_IV_BYTES])
{
	memset(key->schedule, 0, sizeof(key->schedule));
	key->kind = kind;
	memcpy(key->iv, iv, AEAD_IV_BYTES);
	if (kind == AEAD_AES256GCM)
		crypto_aead_aes256gcm_beforenm((crypto_aead_aes256gcm_state *)key->schedule, raw);
	else
		memcpy(key->schedule, raw, AEAD_KEY_BYTES);
}

void aead_key_init(
    struct aead_key *key, enum aead_kind kind, const uint8_t secret[AEAD_SECRET_BYTES])
{
	uint8_t raw[crypto_auth_hmacsha256_BYTES];
	uint8_t iv[crypto_auth_hmacsha256_BYTES];

	expand(raw, secret, "trunkline key");
	expand(iv, secret, "trunkline iv");
	set_key(key, kind, raw, iv);
	sodium_memzero(raw, sizeof(raw));
	sodium_memzero(iv, sizeof(iv));
}

void aead_key_clear(struct aead_key *key)
{
	sodium_memzero(key, sizeof(*key));
}

/* The packet number, big-endian, over the iv's last 8 bytes (RFC 9001 section 5.3). */
static void make_nonce(uint8_t nonce[AEAD_IV_BYTES], const struct aead_key *key, uint64_t number)
{
	memcpy(nonce, key->iv, AEAD_IV_BYTES);
	for (int i = 0; i < 8; i++)
		nonce[AEAD_IV_BYTES - 1 - i] ^= (uint8_t)(number >> (8 * i));
}

void aead_seal(const struct aead_key *key, uint64_t number, const uint8_t *header,
    size_t header_length, uint8_t *data, size_t length)
{
	uint8_t nonce[AEAD_IV_BYTES];

	make_nonce(nonce, key, number);
	if (key->kind == AEAD_AES256GCM)
		crypto_aead_aes256gcm_encrypt_detached_afternm(data, data + length, NULL, data,
		    length, header, header_length, NULL, nonce,
		    (const crypto_aead_aes256gcm_state *)key->schedule);
	else
		crypto_aead_chacha20poly1305_ietf_encrypt_detached(data, data + length, NULL, data,
		    length, header, header_length, NULL, nonce, key->schedule);
}

int aead_open(const struct aead_key *key, uint64_t number, const uint8_t *header,
    size_t header_length, uint8_t *data, size_t length)
{
	uint8_t nonce[AEAD_IV_BYTES];
	int failed;

	make_nonce(nonce, key, number);
	if (key->kind == AEAD_AES256GCM)
		failed = crypto_aead_aes256gcm_decrypt_detached_afternm(data, NULL, data, length,
		    data + length, header, header_length, nonce,
		    (const crypto_aead_aes256gcm_state *)key->schedule);
	else
		failed = crypto_aead_chacha20poly1305_ietf_decrypt_detached(data, NULL, data,
		    length, data + length, header, header_length, nonce, key->schedule);
	return failed ? ERR_AUTH : 0;
}

void aead_secret_ratchet(uint8_t secret[AEAD_SECRET_BYTES])
{
	uint8_t next[crypto_auth_hmacsha256_BYTES];

	expand(next, secret, "trunkline ratchet");
	memcpy(secret, next, AEAD_SECRET_BYTES);
	sodium_memzero(next, sizeof(next));
}
