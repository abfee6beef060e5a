/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * START, STARTED and UNKNOWN: proofs, timers, answers that come again.
 */
#include "config.h"

#include "tests/unit/cmocka_all.h"
#include "tunnel/start.h"

#include "base/bytes.h"

#include <string.h>

static const uint8_t secret[TUNNEL_SECRET_BYTES] = {8, 8};
static const struct lane_name name = {77, 3};
static struct lane_grant grants[2]; /* by enum tunnel_role */
static struct door door;
static struct start_attempt attempt;
static uint8_t answer[HANDSHAKE_PACKET_BYTES];

static int start(void **state)
{
	static const uint8_t key[DOOR_SECRET_BYTES] = {1}, pin[PIN_BYTES] = {2};

	(void)state;
	door_init(&door, key, pin);
	memset(grants, 0, sizeof(grants));
	for (int role = 0; role < 2; role++) {
		grants[role].door_id = door.id;
		lane_grant_derive(&grants[role], (enum tunnel_role)role, secret, &name, 5);
	}
	grants[TUNNEL_ENDPOINT].start.connection_id = 0x05000001;
	start_attempt_begin(
	    &attempt, &door, &grants[TUNNEL_LISTENER], 2, 0x05000001, NULL, 1000000);
	return 0;
}

static void derives_one_secret_for_each_use(void **state)
{
	struct lane_grant other = {0};
	struct lane_name next = {77, 4};

	(void)state;
	assert_memory_equal(grants[0].send_secret, grants[1].receive_secret, AEAD_SECRET_BYTES);
	assert_memory_equal(grants[0].receive_secret, grants[1].send_secret, AEAD_SECRET_BYTES);
	assert_memory_equal(grants[0].start_key, grants[1].start_key, AEAD_SECRET_BYTES);
	assert_memory_not_equal(grants[0].send_secret, grants[0].receive_secret, AEAD_SECRET_BYTES);
	assert_memory_not_equal(grants[0].send_secret, grants[0].start_key, AEAD_SECRET_BYTES);
	lane_grant_derive(&other, TUNNEL_LISTENER, secret, &next, 5);
	assert_memory_not_equal(other.send_secret, grants[0].send_secret, AEAD_SECRET_BYTES);
	lane_grant_derive(&other, TUNNEL_LISTENER, secret, &name, 6);
	assert_memory_not_equal(other.send_secret, grants[0].send_secret, AEAD_SECRET_BYTES);
}

static void spreads_lanes_evenly_and_the_same_way_each_time(void **state)
{
	uint8_t a[PIN_BYTES] = {1}, b[PIN_BYTES] = {2};
	unsigned used[4] = {0};

	(void)state;
	for (unsigned lane = 0; lane < 8; lane++) {
		used[lane_slot(lane, a, b, 4)]++;
		assert_int_equal(lane_slot(lane, a, b, 4), lane_slot(lane + 4, a, b, 4));
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(used[i], 2);
	assert_int_equal(lane_slot(3, a, b, 1), 0);
	assert_int_equal(lane_slot(3, a, b, 0), 0);
}

static void is_proved_and_read(void **state)
{
	const uint8_t *key = grants[TUNNEL_ENDPOINT].start_key;
	struct start read;

	(void)state;
	assert_int_equal(start_read(&read, attempt.packet, attempt.length), HANDSHAKE_FINE);
	assert_int_equal(read.lane, 5);
	assert_int_equal(read.incarnation, 3);
	assert_int_equal(read.connection_id, 0x05000001);
	assert_int_equal(read.old.tunnel_id, 0);
	assert_int_equal(attempt.packet[1], 2);
	assert_int_equal(start_verify(key, attempt.packet, attempt.length), HANDSHAKE_FINE);
	for (size_t i = 0; i < attempt.length - HANDSHAKE_MAC_BYTES; i++) {
		attempt.packet[i] ^= 4;
		assert_int_equal(
		    start_verify(key, attempt.packet, attempt.length), HANDSHAKE_START_FORGED);
		attempt.packet[i] ^= 4;
	}
	for (size_t i = HANDSHAKE_HEADER_BYTES + HANDSHAKE_MAC_BYTES; i < attempt.length; i++)
		assert_int_equal(start_read(&read, attempt.packet, i), HANDSHAKE_MALFORMED);
}

static enum handshake_cause take(size_t length, struct started *started)
{
	struct handshake_header header;

	assert_int_equal(
	    handshake_form_check(&header, TUNNEL_LISTENER, answer, length), HANDSHAKE_FINE);
	return start_attempt_receive(&attempt, &header, answer, length, started);
}

static void takes_its_answer_once(void **state)
{
	struct started started;
	size_t length;

	(void)state;
	length = started_build(&door, &grants[TUNNEL_ENDPOINT], STARTED_ALIVE, 0x02000009, answer);
	assert_true(length <= attempt.length);
	assert_int_equal(take(length, &started), HANDSHAKE_FINE);
	assert_int_equal(started.status, STARTED_ALIVE);
	assert_int_equal(started.connection_id, 0x02000009);
	assert_false(attempt.is_active);
	assert_int_equal(take(length, &started), HANDSHAKE_ANSWER_UNWANTED);
}

static void refuses_forged_answers(void **state)
{
	struct started started;
	size_t length;

	(void)state;
	length = started_build(&door, &grants[TUNNEL_ENDPOINT], STARTED_NEW, 0x02000009, answer);
	answer[HANDSHAKE_HEADER_BYTES + 6] ^= 1;
	assert_int_equal(take(length, &started), HANDSHAKE_START_FORGED);
	answer[HANDSHAKE_HEADER_BYTES] ^= 1;
	assert_int_equal(take(length, &started), HANDSHAKE_ANSWER_UNWANTED);
	assert_int_equal(take(length - 1, &started), HANDSHAKE_MALFORMED);
	assert_true(attempt.is_active);
}

static void takes_unknown_for_this_start_only(void **state)
{
	struct handshake_header header = {
	    .type = HANDSHAKE_START, .door_id = door.id, .tunnel_id = name.tunnel_id};
	struct started started;
	struct start read;
	size_t length;

	(void)state;
	assert_int_equal(start_read(&read, attempt.packet, attempt.length), HANDSHAKE_FINE);
	read.incarnation--;
	length = unknown_build(&door, &header, &read, answer);
	assert_true(length <= attempt.length);
	assert_int_equal(take(length, &started), HANDSHAKE_ANSWER_UNWANTED);
	read.incarnation++;
	header.tunnel_id++;
	length = unknown_build(&door, &header, &read, answer);
	assert_int_equal(take(length, &started), HANDSHAKE_ANSWER_UNWANTED);
	header.tunnel_id--;
	length = unknown_build(&door, &header, &read, answer);
	assert_int_equal(take(length, &started), HANDSHAKE_FINE);
	assert_false(attempt.is_active);
}

static void is_sent_again_and_gives_up(void **state)
{
	static const uint64_t expected_ms[] = {
	    0, 250, 750, 1250, 1750, 2250, 2750, 3250, 3750, 4250, 4750};
	unsigned sent = 0;
	uint64_t now_us;

	(void)state;
	while ((now_us = start_attempt_timer_us(&attempt)) != UINT64_MAX) {
		if (start_attempt_poll(&attempt, now_us)) {
			assert_true(sent < 11);
			assert_int_equal(now_us, 1000000 + expected_ms[sent] * 1000);
			sent++;
		} else {
			assert_int_equal(now_us, 1000000 + START_TIMEOUT_US);
		}
	}
	assert_int_equal(sent, 11);
	assert_false(attempt.is_active);
}

static void the_same_start_matches_its_answer(void **state)
{
	struct start_answer kept = {0};
	size_t length;

	(void)state;
	assert_false(start_answer_matches(&kept, attempt.packet, attempt.length));
	start_mac_copy(grants[TUNNEL_ENDPOINT].start_mac, attempt.packet);
	length = started_build(&door, &grants[TUNNEL_ENDPOINT], STARTED_NEW, 9, answer);
	start_answer_keep(&kept, &grants[TUNNEL_ENDPOINT], answer, length);
	assert_true(start_answer_matches(&kept, attempt.packet, attempt.length));
	assert_false(start_answer_matches(&kept, attempt.packet, attempt.length - 1));
	start_attempt_begin(
	    &attempt, &door, &grants[TUNNEL_LISTENER], 2, 0x05000002, NULL, 1000000);
	assert_false(start_answer_matches(&kept, attempt.packet, attempt.length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(derives_one_secret_for_each_use, start),
	    cmocka_unit_test_setup(spreads_lanes_evenly_and_the_same_way_each_time, start),
	    cmocka_unit_test_setup(is_proved_and_read, start),
	    cmocka_unit_test_setup(takes_its_answer_once, start),
	    cmocka_unit_test_setup(refuses_forged_answers, start),
	    cmocka_unit_test_setup(takes_unknown_for_this_start_only, start),
	    cmocka_unit_test_setup(is_sent_again_and_gives_up, start),
	    cmocka_unit_test_setup(the_same_start_matches_its_answer, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
