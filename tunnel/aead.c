/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet encryption by libgcrypt, see aead.h.  Keys are expanded once an epoch, so that AES's key
 * schedule is not computed for each packet.
 */
#include "config.h"

#include "tunnel/aead.h"

#include "base/err.h"

#include <endian.h>
#include <gcrypt.h>
#include <sodium.h>
#include <string.h>

int aead_init(void)
{
	if (sodium_init() < 0)
		return ERR_IO;
	if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
		return 0;
	/* Under FIPS 140 mode GCM would refuse nonces of ours; its locked memory would need a privilege. */
	gcry_control(GCRYCTL_NO_FIPS_MODE);
	if (!gcry_check_version(GCRYPT_VERSION))
		return ERR_IO;
	gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	return 0;
}

bool aead_is_supported(enum aead_kind kind)
{
	if (aead_init())
		return false;
	/* Without the processor's instructions AES would be slow, and its time would tell of the key. */
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

int aead_key_init(
    struct aead_key *key, enum aead_kind kind, const uint8_t secret[AEAD_SECRET_BYTES])
{
	bool is_aes = kind == AEAD_AES256GCM;

	memset(key, 0, sizeof(*key));
	if (gcry_cipher_open(&key->cipher, is_aes ? GCRY_CIPHER_AES256 : GCRY_CIPHER_CHACHA20,
	        is_aes ? GCRY_CIPHER_MODE_GCM : GCRY_CIPHER_MODE_POLY1305, 0))
		return ERR_NOMEM;
	aead_key_replace(key, secret);
	return 0;
}

void aead_key_replace(struct aead_key *key, const uint8_t secret[AEAD_SECRET_BYTES])
{
	uint8_t raw[crypto_auth_hmacsha256_BYTES];
	uint8_t iv[crypto_auth_hmacsha256_BYTES];

	expand(raw, secret, "trunkline key");
	expand(iv, secret, "trunkline iv");
	gcry_cipher_setkey(key->cipher, raw, AEAD_KEY_BYTES);
	memcpy(key->iv, iv, AEAD_IV_BYTES);
	sodium_memzero(raw, sizeof(raw));
	sodium_memzero(iv, sizeof(iv));
}

void aead_key_clear(struct aead_key *key)
{
	gcry_cipher_close(key->cipher); /* erases it too */
	sodium_memzero(key, sizeof(*key));
}

/* The nonce is the packet number, big-endian, over the iv's last 8 bytes (RFC 9001 section 5.3). */
static bool begin(
    struct aead_key *key, uint64_t number, const uint8_t *header, size_t header_length)
{
	uint8_t nonce[AEAD_IV_BYTES];
	uint64_t last;

	memcpy(nonce, key->iv, AEAD_IV_BYTES);
	memcpy(&last, nonce + AEAD_IV_BYTES - sizeof(last), sizeof(last));
	last ^= htobe64(number);
	memcpy(nonce + AEAD_IV_BYTES - sizeof(last), &last, sizeof(last));
	return !gcry_cipher_setiv(key->cipher, nonce, sizeof(nonce))
	       && !gcry_cipher_authenticate(key->cipher, header, header_length);
}

void aead_seal(struct aead_key *key, uint64_t number, const uint8_t *header, size_t header_length,
    uint8_t *data, size_t length)
{
	/* A library that fails, as after a failed self-test, must not let plain text out. */
	if (!begin(key, number, header, header_length)
	    || gcry_cipher_encrypt(key->cipher, data, length, NULL, 0)
	    || gcry_cipher_gettag(key->cipher, data + length, AEAD_TAG_BYTES))
		sodium_memzero(data, length + AEAD_TAG_BYTES);
}

int aead_open(struct aead_key *key, uint64_t number, const uint8_t *header, size_t header_length,
    uint8_t *data, size_t length)
{
	if (!begin(key, number, header, header_length)
	    || gcry_cipher_decrypt(key->cipher, data, length, NULL, 0)
	    || gcry_cipher_checktag(key->cipher, data + length, AEAD_TAG_BYTES))
		return ERR_AUTH;
	return 0;
}

void aead_secret_ratchet(uint8_t secret[AEAD_SECRET_BYTES])
{
	uint8_t next[crypto_auth_hmacsha256_BYTES];

	expand(next, secret, "trunkline ratchet");
	memcpy(secret, next, AEAD_SECRET_BYTES);
	sodium_memzero(next, sizeof(next));
}
