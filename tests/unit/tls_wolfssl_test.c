/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wolfSSL adapter: two connections whose ciphertext is carried by hand.  It includes the source,
 * to make an identity that tls_identity_new() refuses.
 */
#include "net/tls_wolfssl.c"

#include "base/err.h"
#include "tests/support/tls_seeded.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

struct pair {
	struct tls_identity *identities[2];
	struct tls_connection *sides[2]; /* by enum tls_role */
	uint8_t transcript[16384];       /* all ciphertext carried */
	size_t transcript_length;
};

static void identity_make(struct tls_identity **identity, int device)
{
	char key[TLS_PEM_BYTES], certificate[TLS_PEM_BYTES];

	assert_int_equal(tls_identity_generate(key, certificate, device), 0);
	assert_int_equal(tls_identity_new(identity, key, certificate, device), 0);
}

static void pair_start(struct pair *pair, uint64_t seed)
{
	int device = tls_seeded_start(seed);

	memset(pair, 0, sizeof(*pair));
	for (int role = 0; role < 2; role++) {
		identity_make(&pair->identities[role], device);
		assert_int_equal(tls_connection_new(&pair->sides[role], pair->identities[role],
		                     (enum tls_role)role),
		    0);
	}
	assert_int_equal(tls_connection_feed(pair->sides[TLS_CLIENT], NULL, 0), 0);
}

/* Carries what waits on one side to the other; the number of bytes. */
static size_t pair_carry(struct pair *pair, int from, int *result)
{
	uint8_t bytes[4096];
	size_t n = tls_connection_drain(pair->sides[from], bytes, sizeof(bytes));

	*result = 0;
	if (!n)
		return 0;
	if (pair->transcript_length + n <= sizeof(pair->transcript)) {
		memcpy(pair->transcript + pair->transcript_length, bytes, n);
		pair->transcript_length += n;
	}
	*result = tls_connection_feed(pair->sides[1 - from], bytes, n);
	return n;
}

static void pair_shake(struct pair *pair)
{
	int result;

	for (int round = 0; round < 4; round++)
		for (int from = 0; from < 2; from++) {
			pair_carry(pair, from, &result);
			assert_int_equal(result, 0);
		}
}

static void pair_end(struct pair *pair)
{
	for (int role = 0; role < 2; role++) {
		tls_connection_free(pair->sides[role]);
		tls_identity_free(pair->identities[role]);
	}
}

static void establishes_and_shows_the_pins(void **state)
{
	uint8_t pin[PIN_BYTES];
	struct pair pair;

	(void)state;
	pair_start(&pair, 1);
	assert_int_equal(tls_connection_peer_pin(pair.sides[0], pin), ERR_STATE);
	pair_shake(&pair);
	for (int role = 0; role < 2; role++) {
		assert_true(tls_connection_is_established(pair.sides[role]));
		assert_int_equal(tls_connection_peer_pin(pair.sides[role], pin), 0);
		assert_memory_equal(pin, tls_identity_pin(pair.identities[1 - role]), sizeof(pin));
	}
	/* Each flight must fit one handshake packet, see HANDSHAKE_DATA_BYTES. */
	print_message("handshake: %zu bytes\n", pair.transcript_length);
	pair_end(&pair);
}

static void exports_the_same_key_for_the_same_context(void **state)
{
	uint8_t keys[3][32];
	struct pair pair;

	(void)state;
	pair_start(&pair, 2);
	assert_int_equal(tls_connection_export(pair.sides[0], "EXPORTER-test", (const uint8_t *)"a",
	                     1, keys[0], sizeof(keys[0])),
	    ERR_STATE);
	pair_shake(&pair);
	for (int role = 0; role < 2; role++)
		assert_int_equal(tls_connection_export(pair.sides[role], "EXPORTER-test",
		                     (const uint8_t *)"a", 1, keys[role], sizeof(keys[0])),
		    0);
	assert_int_equal(tls_connection_export(pair.sides[0], "EXPORTER-test", (const uint8_t *)"b",
	                     1, keys[2], sizeof(keys[0])),
	    0);
	assert_memory_equal(keys[0], keys[1], sizeof(keys[0]));
	assert_memory_not_equal(keys[0], keys[2], sizeof(keys[0]));
	pair_end(&pair);
}

static void repeats_byte_for_byte(void **state)
{
	static struct pair first, second;

	(void)state;
	pair_start(&first, 3);
	pair_shake(&first);
	pair_end(&first);
	pair_start(&second, 3);
	pair_shake(&second);
	pair_end(&second);
	assert_int_equal(first.transcript_length, second.transcript_length);
	assert_memory_equal(first.transcript, second.transcript, first.transcript_length);
	pair_start(&second, 4);
	pair_shake(&second);
	pair_end(&second);
	assert_memory_not_equal(first.transcript, second.transcript, 200);
}

static void carries_plaintext_both_ways(void **state)
{
	static uint8_t data[100000], got[100000];
	struct pair pair;
	int result;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	pair_start(&pair, 5);
	assert_int_equal(tls_connection_write(pair.sides[0], data, 1), ERR_STATE);
	assert_int_equal(tls_connection_read(pair.sides[0], got, 1), ERR_STATE);
	pair_shake(&pair);
	for (int from = 0; from < 2; from++) {
		size_t have = 0;

		assert_int_equal(tls_connection_write(pair.sides[from], data, sizeof(data)), 0);
		while (pair_carry(&pair, from, &result)) {
			int n;

			assert_int_equal(result, 0);
			while ((n = tls_connection_read(
			            pair.sides[1 - from], got + have, sizeof(got) - have + 1))
			       > 0)
				have += (size_t)n;
			assert_int_equal(n, ERR_AGAIN);
		}
		assert_int_equal(have, sizeof(data));
		assert_memory_equal(data, got, sizeof(data));
	}
	pair_end(&pair);
}

static void says_when_the_peer_shut(void **state)
{
	struct pair pair;
	uint8_t byte;
	int result;

	(void)state;
	pair_start(&pair, 6);
	pair_shake(&pair);
	tls_connection_shutdown(pair.sides[0]);
	assert_int_equal(tls_connection_write(pair.sides[0], &byte, 1), ERR_STATE);
	pair_carry(&pair, 0, &result);
	assert_int_equal(tls_connection_read(pair.sides[1], &byte, 1), ERR_CLOSED);
	pair_end(&pair);
}

static void caps_what_it_holds(void **state)
{
	static uint8_t data[TLS_BUFFER_BYTES_MAX];
	struct pair pair;

	(void)state;
	pair_start(&pair, 7);
	pair_shake(&pair);
	assert_int_equal(tls_connection_write(pair.sides[0], data, sizeof(data)), ERR_LIMIT);
	assert_int_equal(tls_connection_write(pair.sides[0], data, sizeof(data) / 2), 0);
	assert_int_equal(tls_connection_write(pair.sides[0], data, sizeof(data) / 2), ERR_LIMIT);
	assert_int_equal(tls_connection_feed(pair.sides[1], data, sizeof(data)), 0);
	assert_int_equal(tls_connection_feed(pair.sides[1], data, 1), ERR_LIMIT);
	pair_end(&pair);
}

/* Any changed byte ends the handshake or the record that it is in, never gives plaintext. */
static void corrupted_bytes_fail_closed(void **state)
{
	static struct pair pair;
	uint8_t bytes[4096];
	unsigned failed = 0, tried = 0;

	(void)state;
	for (size_t at = 0; at < 1600; at += 13) {
		size_t carried = 0;
		bool has_failed = false;

		pair_start(&pair, 8);
		for (int step = 0; step < 8 && !has_failed; step++) {
			int from = step % 2;
			size_t n = tls_connection_drain(pair.sides[from], bytes, sizeof(bytes));

			if (at >= carried && at < carried + n) {
				bytes[at - carried] ^= 0x40;
				tried++;
			}
			carried += n;
			has_failed = n && tls_connection_feed(pair.sides[1 - from], bytes, n) < 0;
		}
		if (at < carried && !has_failed)
			assert_false(tls_connection_is_established(pair.sides[0])
			             && tls_connection_is_established(pair.sides[1]));
		failed += has_failed;
		pair_end(&pair);
	}
	print_message("%u of %u corrupted handshakes failed at once\n", failed, tried);
	assert_true(failed > tried / 2);
}

static void refuses_a_foreign_key_and_rubbish(void **state)
{
	char keys[2][TLS_PEM_BYTES], certificates[2][TLS_PEM_BYTES];
	struct tls_identity *identity;
	uint8_t pin[PIN_BYTES];
	int device = tls_seeded_start(9);

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(tls_identity_generate(keys[i], certificates[i], device), 0);
	assert_int_equal(
	    tls_identity_new(&identity, keys[0], certificates[1], device), ERR_MALFORMED);
	assert_int_equal(
	    tls_identity_new(&identity, "junk", certificates[1], device), ERR_MALFORMED);
	assert_int_equal(tls_identity_new(&identity, keys[0], "junk", device), ERR_MALFORMED);
	assert_int_equal(tls_certificate_pin(keys[0], pin), ERR_MALFORMED);
}

/* Somebody else's certificate, which anybody has seen, and a key of one's own. */
static void a_right_pin_needs_the_private_key(void **state)
{
	(void)state;
	for (int role = 0; role < 2; role++) {
		char keys[2][TLS_PEM_BYTES], certificates[2][TLS_PEM_BYTES];
		struct tls_identity impostor = {{NULL, NULL}, {0}};
		struct pair pair;
		int result = 0, device;

		pair_start(&pair, 10);
		device = tls_seeded_start(10);
		for (int i = 0; i < 2; i++)
			assert_int_equal(
			    tls_identity_generate(keys[i], certificates[i], device), 0);
		assert_int_equal(context_new(&impostor.contexts[role], (enum tls_role)role, keys[0],
		                     certificates[1], device),
		    0);
		tls_connection_free(pair.sides[role]);
		assert_int_equal(
		    tls_connection_new(&pair.sides[role], &impostor, (enum tls_role)role), 0);
		if (role == TLS_CLIENT)
			assert_int_equal(tls_connection_feed(pair.sides[role], NULL, 0), 0);
		for (int step = 0; step < 4 && result == 0; step++)
			pair_carry(&pair, step % 2, &result);
		assert_int_equal(result, ERR_AUTH);
		assert_false(tls_connection_is_established(pair.sides[1 - role]));
		print_message("%s\n", tls_connection_error(pair.sides[1 - role]));
		tls_connection_free(pair.sides[role]);
		pair.sides[role] = NULL;
		wolfSSL_CTX_free(impostor.contexts[role]);
		pair_end(&pair);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(establishes_and_shows_the_pins),
	    cmocka_unit_test(exports_the_same_key_for_the_same_context),
	    cmocka_unit_test(repeats_byte_for_byte),
	    cmocka_unit_test(carries_plaintext_both_ways),
	    cmocka_unit_test(says_when_the_peer_shut),
	    cmocka_unit_test(caps_what_it_holds),
	    cmocka_unit_test(corrupted_bytes_fail_closed),
	    cmocka_unit_test(refuses_a_foreign_key_and_rubbish),
	    cmocka_unit_test(a_right_pin_needs_the_private_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
