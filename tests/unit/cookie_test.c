/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cookies: for whom and for how long one counts.
 */
#include "config.h"

#include "tests/unit/cmocka_all.h"
#include "tunnel/cookie.h"

static struct rng rng;
static struct cookie_jar jar;
static struct addr source;
static const struct handshake_header header = {.door_id = 1, .tunnel_id = 2};

static int start(void **state)
{
	(void)state;
	rng_seed(&rng, 1);
	cookie_jar_init(&jar, rng_random, &rng, 1000);
	return addr_parse("[2001:db8::1]:4000", 0, &source);
}

static void counts_for_its_source_and_tunnel_only(void **state)
{
	struct handshake_header other = header;
	uint8_t cookie[HANDSHAKE_COOKIE_BYTES];
	struct addr elsewhere = source;

	(void)state;
	cookie_make(&jar, cookie, &source, &header, 2000);
	assert_true(cookie_check(&jar, cookie, &source, &header, 3000));
	elsewhere.port++;
	assert_false(cookie_check(&jar, cookie, &elsewhere, &header, 3000));
	elsewhere = source;
	elsewhere.ip[15]++;
	assert_false(cookie_check(&jar, cookie, &elsewhere, &header, 3000));
	other.tunnel_id++;
	assert_false(cookie_check(&jar, cookie, &source, &other, 3000));
	other = header;
	other.door_id++;
	assert_false(cookie_check(&jar, cookie, &source, &other, 3000));
	for (size_t i = 0; i < sizeof(cookie); i++) {
		cookie[i] ^= 0x10;
		assert_false(cookie_check(&jar, cookie, &source, &header, 3000));
		cookie[i] ^= 0x10;
	}
}

static void expires_after_two_turns(void **state)
{
	uint8_t cookie[HANDSHAKE_COOKIE_BYTES];

	(void)state;
	cookie_make(&jar, cookie, &source, &header, 1000 + COOKIE_TURN_US - 1);
	assert_true(cookie_check(&jar, cookie, &source, &header, 1000 + COOKIE_TURN_US));
	assert_true(cookie_check(&jar, cookie, &source, &header, 1000 + 2 * COOKIE_TURN_US - 1));
	assert_false(cookie_check(&jar, cookie, &source, &header, 1000 + 2 * COOKIE_TURN_US));
}

/* However late the jar is used, and its key turned, no cookie counts for longer. */
static void a_late_turn_prolongs_nothing(void **state)
{
	uint8_t cookie[HANDSHAKE_COOKIE_BYTES];

	(void)state;
	cookie_make(&jar, cookie, &source, &header, 1000);
	assert_true(cookie_check(&jar, cookie, &source, &header, 1000 + 2 * COOKIE_TURN_US - 1));
	assert_false(cookie_check(&jar, cookie, &source, &header, 1000 + 2 * COOKIE_TURN_US));
}

static void a_jar_unused_for_long_has_new_keys(void **state)
{
	uint8_t cookie[HANDSHAKE_COOKIE_BYTES];

	(void)state;
	cookie_make(&jar, cookie, &source, &header, 2000);
	assert_false(cookie_check(&jar, cookie, &source, &header, 1000 + 2 * COOKIE_TURN_US));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(counts_for_its_source_and_tunnel_only, start),
	    cmocka_unit_test_setup(expires_after_two_turns, start),
	    cmocka_unit_test_setup(a_late_turn_prolongs_nothing, start),
	    cmocka_unit_test_setup(a_jar_unused_for_long_has_new_keys, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
