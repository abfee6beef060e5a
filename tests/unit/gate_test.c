/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate: what passes, what is answered by RETRY, what is dropped, each counted once.
 */
#include "config.h"

#include "base/bytes.h"
#include "tests/unit/cmocka_all.h"
#include "tunnel/gate.h"
#include "tunnel/parameters.h"

#include <string.h>

static struct rng rng;
static struct gate gate;
static struct door door;
static struct addr source;

static int start(void **state)
{
	static const uint8_t key[DOOR_SECRET_BYTES] = {1}, pin[PIN_BYTES] = {2};

	(void)state;
	rng_seed(&rng, 1);
	gate_init(&gate, TUNNEL_ENDPOINT, rng_random, &rng, 1000);
	door_init(&door, key, pin);
	addr_parse("192.0.2.1:5", 0, &source);
	return doors_put(&gate.doors, &door);
}

static int stop(void **state)
{
	(void)state;
	gate_clear(&gate);
	return 0;
}

static void make_initiate(uint8_t packet[HANDSHAKE_PACKET_BYTES], const uint8_t *cookie)
{
	static const struct tunnel_parameters parameters = {TUNNEL_VERSION, 3, 1, 1, 1, 1200};
	struct handshake_header header = {
	    .type = HANDSHAKE_INITIATE, .door_id = door.id, .tunnel_id = 7};
	struct writer w;
	size_t n;

	writer_init(&w, packet, HANDSHAKE_PACKET_BYTES);
	handshake_header_write(&w, &header);
	writer_u32(&w, 0x01020304);
	writer_u8(&w, cookie ? HANDSHAKE_COOKIE_BYTES : 0);
	if (cookie)
		writer_bytes(&w, cookie, HANDSHAKE_COOKIE_BYTES);
	tunnel_parameters_write(&w, &parameters);
	n = writer_left(&w) - HANDSHAKE_MAC_BYTES;
	memset(writer_skip(&w, n), 0, n);
	door_seal(&door, &w);
}

static enum handshake_cause check(const uint8_t *packet, size_t length, struct gate_answer *answer)
{
	struct handshake_header header;
	const struct door *found = NULL;
	enum handshake_cause cause =
	    gate_check(&gate, &source, packet, length, &header, &found, answer, 2000);

	if (cause == HANDSHAKE_FINE)
		assert_ptr_equal(found, &gate.doors.items[0]);
	return cause;
}

/* The cookie of a RETRY. */
static const uint8_t *cookie_of(const struct gate_answer *answer)
{
	assert_int_equal(
	    answer->length, HANDSHAKE_HEADER_BYTES + HANDSHAKE_COOKIE_BYTES + HANDSHAKE_MAC_BYTES);
	assert_int_equal(answer->packet[0], HANDSHAKE_FLAG | HANDSHAKE_RETRY);
	assert_int_equal(door_check(&door, answer->packet, answer->length), HANDSHAKE_FINE);
	return answer->packet + HANDSHAKE_HEADER_BYTES;
}

static void passes_without_cookie_when_there_is_no_load(void **state)
{
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	struct gate_answer answer;

	(void)state;
	make_initiate(packet, NULL);
	assert_int_equal(check(packet, sizeof(packet), &answer), HANDSHAKE_FINE);
	assert_int_equal(answer.length, 0);
}

static void demands_a_cookie_and_takes_it(void **state)
{
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	struct gate_answer answer, again;

	(void)state;
	gate.are_cookies_demanded = true;
	make_initiate(packet, NULL);
	assert_int_equal(check(packet, sizeof(packet), &answer), HANDSHAKE_COOKIE_MISSING);
	make_initiate(packet, cookie_of(&answer));
	assert_int_equal(check(packet, sizeof(packet), &again), HANDSHAKE_FINE);
	source.port++;
	assert_int_equal(check(packet, sizeof(packet), &again), HANDSHAKE_COOKIE_WRONG);
	make_initiate(packet, cookie_of(&again));
	assert_int_equal(check(packet, sizeof(packet), &again), HANDSHAKE_FINE);
	assert_int_equal(gate.counters.count[HANDSHAKE_COOKIE_MISSING], 1);
	assert_int_equal(gate.counters.count[HANDSHAKE_COOKIE_WRONG], 1);
	assert_int_equal(gate.counters.count[HANDSHAKE_FINE], 0);
}

static void answers_a_wrong_cookie_even_without_load(void **state)
{
	uint8_t packet[HANDSHAKE_PACKET_BYTES], cookie[HANDSHAKE_COOKIE_BYTES] = {9};
	struct gate_answer answer;

	(void)state;
	make_initiate(packet, cookie);
	assert_int_equal(check(packet, sizeof(packet), &answer), HANDSHAKE_COOKIE_WRONG);
	cookie_of(&answer);
}

static void strangers_get_no_answer(void **state)
{
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	struct gate_answer answer;

	(void)state;
	gate.are_cookies_demanded = true;
	make_initiate(packet, NULL);
	packet[500] ^= 1;
	assert_int_equal(check(packet, sizeof(packet), &answer), HANDSHAKE_DOOR_FORGED);
	assert_int_equal(answer.length, 0);
	packet[7] ^= 1;
	assert_int_equal(check(packet, sizeof(packet), &answer), HANDSHAKE_DOOR_UNKNOWN);
	assert_int_equal(answer.length, 0);
	assert_int_equal(check(packet, 30, &answer), HANDSHAKE_MALFORMED);
	assert_int_equal(answer.length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        passes_without_cookie_when_there_is_no_load, start, stop),
	    cmocka_unit_test_setup_teardown(demands_a_cookie_and_takes_it, start, stop),
	    cmocka_unit_test_setup_teardown(answers_a_wrong_cookie_even_without_load, start, stop),
	    cmocka_unit_test_setup_teardown(strangers_get_no_answer, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
