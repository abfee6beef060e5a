/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom a lane follows to another address, and that no address gets more than came from it. */
#include "config.h"

#include "tunnel/migration.h"

#include "tunnel/path_limits.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

enum { PTO_US = 50000, FRAME_BYTES = 37 };

struct fixture {
	struct migration m;
	struct lane_route home, port, away;
	uint64_t now_us, number;
};

static int set_up(void **state)
{
	static struct fixture f;
	static const uint8_t key[CHALLENGE_KEY_BYTES] = {1, 2, 3};

	f = (struct fixture){.now_us = 1000000, .number = 10};
	addr_parse("192.0.2.1:1000", 0, &f.home.remote);
	addr_parse("192.0.2.1:1001", 0, &f.port.remote);
	addr_parse("192.0.2.7:1000", 0, &f.away.remote);
	migration_init(&f.m, &f.home, key);
	*state = &f;
	return 0;
}

/* The newest packet so far. */
static void arrive(struct fixture *f, const struct lane_route *from, size_t bytes)
{
	struct migration_packet packet = {from, f->number++, bytes, true, false};

	migration_on_packet(&f->m, &packet, PTO_US, f->now_us);
}

static bool next(struct fixture *f, struct migration_frame *frame)
{
	bool is_due = migration_next(&f->m, FRAME_BYTES, PTO_US, f->now_us, frame);

	if (is_due)
		assert_true(migration_timer_us(&f->m, FRAME_BYTES) != f->now_us);
	return is_due;
}

static enum migration_result respond(struct fixture *f)
{
	uint8_t data[CHALLENGE_BYTES];

	memcpy(data, f->m.challenge, sizeof(data));
	return migration_on_response(&f->m, data, PTO_US, f->now_us);
}

static void follows_whom_it_challenged(void **state)
{
	struct fixture *f = *state;
	struct migration_frame frame;

	assert_true(migration_timer_us(&f->m, FRAME_BYTES) == UINT64_MAX);
	arrive(f, &f->port, 100);
	assert_int_equal(migration_timer_us(&f->m, FRAME_BYTES), f->now_us);
	assert_true(next(f, &frame));
	assert_false(frame.is_response);
	assert_true(route_equal(frame.route, &f->port));
	/* Until the answer is here nothing else goes there. */
	assert_true(route_equal(&f->m.route, &f->home));
	assert_false(next(f, &frame));
	assert_int_equal(respond(f), MIGRATION_PORT);
	assert_true(route_equal(&f->m.route, &f->port));
	assert_int_equal(respond(f), MIGRATION_NONE);
	arrive(f, &f->away, 100);
	assert_true(next(f, &frame));
	assert_int_equal(respond(f), MIGRATION_ADDRESS);
	assert_int_equal(f->m.moves, 2);
	assert_int_equal(f->m.refusals, 0);
}

static void wrong_answers_mean_nothing(void **state)
{
	struct fixture *f = *state;
	uint8_t data[CHALLENGE_BYTES] = {0}, first[CHALLENGE_BYTES];

	assert_int_equal(migration_on_response(&f->m, data, PTO_US, f->now_us), MIGRATION_NONE);
	arrive(f, &f->away, 100);
	memcpy(first, f->m.challenge, sizeof(first));
	for (unsigned bit = 0; bit < 8 * CHALLENGE_BYTES; bit++) {
		memcpy(data, first, sizeof(data));
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(
		    migration_on_response(&f->m, data, PTO_US, f->now_us), MIGRATION_NONE);
	}
	/* Another candidate has another challenge. */
	arrive(f, &f->port, 100);
	assert_int_equal(migration_on_response(&f->m, first, PTO_US, f->now_us), MIGRATION_NONE);
	assert_int_equal(f->m.moves, 0);
	assert_true(route_equal(&f->m.route, &f->home));
}

/* Whatever comes, and for how long: at most as much goes there. */
/* An answer is paid for by the packet that asked, which pays for no challenge then. */
static void answers_count_too(void **state)
{
	static const uint8_t asked[CHALLENGE_BYTES] = {7};
	struct fixture *f = *state;
	struct migration_frame frame;

	migration_on_challenge(&f->m, &f->away, asked);
	arrive(f, &f->away, FRAME_BYTES + 3);
	assert_true(next(f, &frame));
	assert_true(frame.is_response);
	assert_false(next(f, &frame));
	arrive(f, &f->away, FRAME_BYTES);
	assert_true(next(f, &frame));
	assert_false(frame.is_response);
	assert_false(next(f, &frame));
}

static void no_amplifier(void **state)
{
	struct fixture *f = *state;
	struct migration_frame frame;
	size_t received = 30, sent = 0;

	arrive(f, &f->away, 30);
	assert_false(next(f, &frame));
	for (int i = 0; i < 1000; i++) {
		if (i % 7 == 0) {
			arrive(f, &f->away, 29);
			received += 29;
		}
		if (next(f, &frame)) {
			assert_true(route_equal(frame.route, &f->away));
			sent += FRAME_BYTES;
		}
		assert_true(sent <= received);
		f->now_us += PTO_US / 10;
	}
	assert_true(sent > 0);
}

static void gives_up_in_time(void **state)
{
	struct fixture *f = *state;
	struct migration_frame frame;
	unsigned sent = 0;

	arrive(f, &f->away, 10000);
	while (f->m.is_challenging) {
		uint64_t due_us = migration_timer_us(&f->m, FRAME_BYTES);

		assert_in_range(due_us, f->now_us, 1000000 + CHALLENGE_EXPIRE_MIN_US);
		f->now_us = due_us;
		sent += next(f, &frame);
	}
	assert_int_equal(sent, CHALLENGE_EXPIRE_MIN_US / PTO_US);
	assert_int_equal(f->now_us, 1000000 + CHALLENGE_EXPIRE_MIN_US);
	assert_int_equal(f->m.refusals, 1);
	assert_true(migration_timer_us(&f->m, FRAME_BYTES) == UINT64_MAX);
	assert_int_equal(respond(f), MIGRATION_NONE);
}

static void old_and_probing_packets_are_no_reason(void **state)
{
	struct fixture *f = *state;
	struct migration_packet late = {&f->away, 3, 100, false, false};
	struct migration_packet probing = {&f->away, 30, 100, true, true};

	migration_on_packet(&f->m, &late, PTO_US, f->now_us);
	migration_on_packet(&f->m, &probing, PTO_US, f->now_us);
	assert_false(f->m.is_challenging);
}

/* A copy that came first from elsewhere; then the original, or something newer, from home. */
static void a_copier_takes_nothing_over(void **state)
{
	struct fixture *f = *state;
	struct migration_packet older = {&f->home, 5, 100, false, false};

	arrive(f, &f->away, 100);
	assert_false(migration_asks_for_copy(&f->m, &f->away, f->number - 1));
	assert_false(migration_asks_for_copy(&f->m, &f->home, f->number - 2));
	assert_true(migration_asks_for_copy(&f->m, &f->home, f->number - 1));
	migration_on_copy(&f->m);
	assert_int_equal(respond(f), MIGRATION_NONE);
	arrive(f, &f->away, 100);
	/* What was under way before the peer moved says nothing. */
	migration_on_packet(&f->m, &older, PTO_US, f->now_us);
	assert_true(f->m.is_challenging);
	arrive(f, &f->home, 100);
	assert_int_equal(respond(f), MIGRATION_NONE);
	assert_true(route_equal(&f->m.route, &f->home));
	assert_int_equal(f->m.refusals, 2);
}

static void answers_where_it_was_asked(void **state)
{
	struct fixture *f = *state;
	static const uint8_t first[CHALLENGE_BYTES] = {1}, second[CHALLENGE_BYTES] = {2};
	struct migration_frame frame;

	/* Only the newest: nobody makes a queue of them. */
	migration_on_challenge(&f->m, &f->port, first);
	migration_on_challenge(&f->m, &f->away, second);
	assert_int_equal(migration_timer_us(&f->m, FRAME_BYTES), 0);
	assert_true(next(f, &frame));
	assert_true(frame.is_response);
	assert_true(route_equal(frame.route, &f->away));
	assert_memory_equal(frame.data, second, CHALLENGE_BYTES);
	assert_false(next(f, &frame));
}

/* By a config: it is asked at once, and what the peer still sends from the old address does not lead back. */
static void goes_where_its_own_side_wants(void **state)
{
	struct fixture *f = *state;
	struct migration_frame frame;

	migration_want(&f->m, &f->home, PTO_US, f->now_us);
	assert_false(next(f, &frame));
	migration_want(&f->m, &f->away, PTO_US, f->now_us);
	assert_true(next(f, &frame));
	assert_true(route_equal(frame.route, &f->away));
	arrive(f, &f->home, 100);
	arrive(f, &f->port, 100);
	assert_true(f->m.is_challenging && f->m.is_wanted);
	assert_int_equal(respond(f), MIGRATION_ADDRESS);
	arrive(f, &f->home, 100);
	assert_false(f->m.is_challenging);
	f->now_us += CHALLENGE_EXPIRE_MIN_US;
	arrive(f, &f->home, 100);
	assert_true(f->m.is_challenging);
}

/* Where the system chooses our address, learning which one it is makes no other path. */
static void an_address_that_was_not_known_is_the_same_path(void **state)
{
	struct fixture *f = *state;
	struct lane_route known = f->home;

	addr_parse("198.51.100.1:7401", 0, &known.local);
	assert_int_equal(migration_set(&f->m, &known), MIGRATION_PORT);
	addr_parse("198.51.100.2:7401", 0, &known.local);
	assert_int_equal(migration_set(&f->m, &known), MIGRATION_ADDRESS);
	assert_int_equal(migration_set(&f->m, &known), MIGRATION_NONE);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, set_up)
	const struct CMUnitTest tests[] = {
	    TEST(follows_whom_it_challenged),
	    TEST(wrong_answers_mean_nothing),
	    TEST(answers_count_too),
	    TEST(no_amplifier),
	    TEST(gives_up_in_time),
	    TEST(old_and_probing_packets_are_no_reason),
	    TEST(a_copier_takes_nothing_over),
	    TEST(answers_where_it_was_asked),
	    TEST(goes_where_its_own_side_wants),
	    TEST(an_address_that_was_not_known_is_the_same_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
