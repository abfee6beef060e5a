/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet encryption gives the bytes that another implementation (Python's cryptography and hmac)
 * computed from the same secret, and refuses whatever was changed.
 */
#include "tunnel/aead.h"

#include "base/err.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

#define TEXT   "a tunnel for games and trunks"
#define NUMBER UINT64_C(0x0123456789abcd)

enum { TEXT_BYTES = sizeof(TEXT) - 1, SEALED_BYTES = TEXT_BYTES + AEAD_TAG_BYTES };

static const struct {
	enum aead_kind kind;
	const char *sealed;
} vectors[] = {
    {AEAD_AES256GCM, "e90e851470817b3fd0d696ad177c41c45ba42d4a72df476d25e028a64c"
                     "4b829670b527eda2235a5e3c98609bb5"},
    {AEAD_CHACHA20POLY1305, "3f9f12c90723f44341e8217a26c78e4e91d886ccdd97bbfd3592eb51c6"
                            "74f9e4b8bdbbdd49204c807a2c0e026e"},
};
enum { VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

static uint8_t secret[AEAD_SECRET_BYTES];
static uint8_t header[12];

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(aead_init(), 0);
	for (unsigned i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)i;
	for (unsigned i = 0; i < sizeof(header); i++)
		header[i] = (uint8_t)i;
	return 0;
}

static void assert_hex(const uint8_t *bytes, size_t length, const char *hex)
{
	char text[2 * 64 + 1];

	for (size_t i = 0; i < length; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(text, hex);
}

static void sealed_bytes_are_known(void **state)
{
	(void)state;
	for (int i = 0; i < VECTORS; i++) {
		struct aead_key key;
		uint8_t data[SEALED_BYTES];

		if (!aead_is_supported(vectors[i].kind))
			continue;
		memcpy(data, TEXT, TEXT_BYTES);
		assert_int_equal(aead_key_init(&key, vectors[i].kind, secret), 0);
		aead_seal(&key, NUMBER, header, sizeof(header), data, TEXT_BYTES);
		assert_hex(data, SEALED_BYTES, vectors[i].sealed);
		assert_int_equal(
		    aead_open(&key, NUMBER, header, sizeof(header), data, TEXT_BYTES), 0);
		assert_memory_equal(data, TEXT, TEXT_BYTES);
		aead_key_clear(&key);
		assert_int_equal(key.iv[0], 0);
		assert_null(key.cipher);
	}
}

static int open_changed(struct aead_key *key, int changed_bit, uint64_t number)
{
	uint8_t data[SEALED_BYTES], head[sizeof(header)];

	memcpy(data, TEXT, TEXT_BYTES);
	memcpy(head, header, sizeof(head));
	aead_seal(key, NUMBER, head, sizeof(head), data, TEXT_BYTES);
	if (changed_bit >= (int)sizeof(head) * 8) {
		changed_bit -= (int)sizeof(head) * 8;
		data[changed_bit / 8] ^= (uint8_t)(1 << changed_bit % 8);
	} else if (changed_bit >= 0) {
		head[changed_bit / 8] ^= (uint8_t)(1 << changed_bit % 8);
	}
	return aead_open(key, number, head, sizeof(head), data, TEXT_BYTES);
}

static void each_changed_bit_is_refused(void **state)
{
	(void)state;
	for (int i = 0; i < VECTORS; i++) {
		struct aead_key key;

		if (!aead_is_supported(vectors[i].kind))
			continue;
		assert_int_equal(aead_key_init(&key, vectors[i].kind, secret), 0);
		assert_int_equal(open_changed(&key, -1, NUMBER), 0);
		assert_int_equal(open_changed(&key, -1, NUMBER + 1), ERR_AUTH);
		assert_int_equal(open_changed(&key, -1, NUMBER ^ UINT64_C(1) << 55), ERR_AUTH);
		for (int bit = 0; bit < (int)(sizeof(header) + SEALED_BYTES) * 8; bit++)
			assert_int_equal(open_changed(&key, bit, NUMBER), ERR_AUTH);
		aead_key_clear(&key);
	}
}

static void a_replaced_key_is_as_a_new_one(void **state)
{
	static const uint8_t other[AEAD_SECRET_BYTES] = {42};

	(void)state;
	for (int i = 0; i < VECTORS; i++) {
		struct aead_key key;
		uint8_t data[SEALED_BYTES];

		if (!aead_is_supported(vectors[i].kind))
			continue;
		memcpy(data, TEXT, TEXT_BYTES);
		assert_int_equal(aead_key_init(&key, vectors[i].kind, other), 0);
		assert_int_equal(open_changed(&key, -1, NUMBER), 0);
		aead_key_replace(&key, secret);
		aead_seal(&key, NUMBER, header, sizeof(header), data, TEXT_BYTES);
		assert_hex(data, SEALED_BYTES, vectors[i].sealed);
		aead_key_clear(&key);
	}
}

static void nothing_can_be_sealed_too(void **state)
{
	struct aead_key key;
	uint8_t data[AEAD_TAG_BYTES];

	(void)state;
	assert_int_equal(aead_key_init(&key, AEAD_CHACHA20POLY1305, secret), 0);
	aead_seal(&key, 0, header, sizeof(header), data, 0);
	assert_int_equal(aead_open(&key, 0, header, sizeof(header), data, 0), 0);
	assert_int_equal(aead_open(&key, 1, header, sizeof(header), data, 0), ERR_AUTH);
	aead_key_clear(&key);
}

static void the_ratchet_is_known(void **state)
{
	(void)state;
	aead_secret_ratchet(secret);
	assert_hex(secret, sizeof(secret),
	    "2a7e6bb7137dde47b1a3d520438d08f27b53dbb7fa27ea78f9b036d419a40295");
}

static void other_kinds_are_not_supported(void **state)
{
	(void)state;
	assert_true(aead_is_supported(AEAD_CHACHA20POLY1305));
	assert_false(aead_is_supported((enum aead_kind)0));
	assert_false(aead_is_supported((enum aead_kind)3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(sealed_bytes_are_known, set_up),
	    cmocka_unit_test_setup(each_changed_bit_is_refused, set_up),
	    cmocka_unit_test_setup(a_replaced_key_is_as_a_new_one, set_up),
	    cmocka_unit_test_setup(nothing_can_be_sealed_too, set_up),
	    cmocka_unit_test_setup(the_ratchet_is_known, set_up),
	    cmocka_unit_test(other_kinds_are_not_supported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
