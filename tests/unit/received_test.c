/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The replay window and the ranges agree with a plain list of what arrived; acknowledgements are due
 * when the table in received.h says so.
 */
#include "tunnel/received.h"

#include "base/err.h"
#include "base/rng.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

enum { RTT_US = 80000, BYTES = 100 };

static void add(struct received *received, uint64_t number, uint64_t now_us)
{
	assert_int_equal(received_check(received, number), 0);
	received_add(received, number, BYTES, 0, now_us);
}

static void replays_are_refused(void **state)
{
	struct received received;

	(void)state;
	received_init(&received);
	add(&received, 0, 1);
	assert_int_equal(received_check(&received, 0), ERR_REPLAY);
	add(&received, 70000, 2);
	assert_int_equal(received_check(&received, 70000), ERR_REPLAY);
	add(&received, 69999, 2);
	assert_int_equal(received_check(&received, 69999), ERR_REPLAY);
	/* Too old: the window less the word being filled. */
	assert_int_equal(received_check(&received, 70000 - REPLAY_WINDOW_BITS + 64), ERR_REPLAY);
	assert_int_equal(received_check(&received, 70000 - REPLAY_WINDOW_BITS + 65), 0);
	assert_int_equal(received_check(&received, UINT64_MAX), 0);
}

/* Numbers come in any order within and around the window, some twice. */
static void the_window_agrees_with_a_list(void **state)
{
	enum { NUMBERS = 100000 };
	static uint8_t seen[NUMBERS];
	static struct received received;
	uint64_t highest = 0;
	struct rng rng;

	(void)state;
	memset(seen, 0, sizeof(seen));
	rng_seed(&rng, test_seed());
	received_init(&received);
	for (uint64_t i = 0; i < 200000; i++) {
		uint64_t base = i / 2 > 20000 ? i / 2 - 20000 : 0;
		uint64_t number = base + rng_below(&rng, i / 2 - base + 1);
		bool is_old = highest >= number + REPLAY_WINDOW_BITS - 64;
		int expected = is_old || seen[number] ? ERR_REPLAY : 0;

		assert_int_equal(received_check(&received, number), expected);
		if (expected)
			continue;
		received_add(&received, number, 0, 0, i);
		seen[number] = 1;
		if (number > highest)
			highest = number;
	}
}

/* What the ACK says must have arrived; what arrived must be said while ranges suffice. */
static void ranges_agree_with_a_list(void **state)
{
	enum { NUMBERS = 400 };
	uint8_t seen[NUMBERS] = {0};
	static struct received received;
	struct ack_frame ack;
	struct rng rng;

	(void)state;
	rng_seed(&rng, test_seed());
	received_init(&received);
	for (unsigned i = 0; i < 5000; i++) {
		uint64_t number = rng_below(&rng, i / 10 < NUMBERS ? i / 10 + 1 : NUMBERS);
		uint64_t told = 0, arrived = 0;

		if (received_check(&received, number) == 0) {
			received_add(&received, number, BYTES, 0, i);
			seen[number] = 1;
		}
		assert_true(received_fill_ack(&received, &ack, i));
		assert_int_equal(ack.ranges[0].last, ack.largest);
		for (unsigned r = 0; r < ack.range_count; r++) {
			assert_true(ack.ranges[r].first <= ack.ranges[r].last);
			if (r > 0)
				assert_true(ack.ranges[r].last + 1 < ack.ranges[r - 1].first);
			for (uint64_t n = ack.ranges[r].first; n <= ack.ranges[r].last; n++)
				assert_true(seen[n]);
			told += ack.ranges[r].last - ack.ranges[r].first + 1;
		}
		for (unsigned n = 0; n < NUMBERS; n++)
			arrived += seen[n];
		if (ack.range_count < ACK_RANGES_MAX)
			assert_int_equal(told, arrived);
	}
}

static void the_oldest_range_gives_way(void **state)
{
	static struct received received;
	struct ack_frame ack;

	(void)state;
	received_init(&received);
	for (uint64_t number = 0; number < 1000; number += 2)
		add(&received, number, 1);
	received_fill_ack(&received, &ack, 2);
	assert_int_equal(ack.range_count, ACK_RANGES_MAX);
	assert_int_equal(ack.largest, 998);
	assert_int_equal(ack.ranges[ACK_RANGES_MAX - 1].last, 998 - 2 * (ACK_RANGES_MAX - 1));
	/* A number older than all that is left changes nothing. */
	add(&received, 1, 3);
	received_fill_ack(&received, &ack, 3);
	assert_int_equal(ack.ranges[ACK_RANGES_MAX - 1].last, 998 - 2 * (ACK_RANGES_MAX - 1));
}

static void acknowledged_ranges_are_forgotten(void **state)
{
	static struct received received;
	struct ack_frame ack;

	(void)state;
	received_init(&received);
	for (uint64_t number = 0; number < 30; number++)
		if (number % 10 != 9)
			add(&received, number, 1);
	received_prune(&received, 14);
	received_fill_ack(&received, &ack, 2);
	assert_int_equal(ack.range_count, 2);
	assert_int_equal(ack.ranges[1].first, 15);
	assert_int_equal(ack.ranges[1].last, 18);
	/* The newest number is always named. */
	received_prune(&received, 1000);
	received_fill_ack(&received, &ack, 3);
	assert_int_equal(ack.range_count, 1);
	assert_int_equal(ack.ranges[0].first, 28);
	assert_int_equal(ack.largest, 28);
	/* Forgetting makes no gap. */
	received_ack_sent(&received, 3);
	received_prune(&received, 28);
	for (uint64_t number = 29; number < 35; number++)
		add(&received, number, 4);
	assert_false(received_ack_is_due(&received, 4));
}

static void an_ack_is_held_back_a_little(void **state)
{
	static struct received received;
	struct ack_frame ack;

	(void)state;
	received_init(&received);
	assert_false(received_fill_ack(&received, &ack, 0));
	assert_int_equal(received_timer_us(&received), UINT64_MAX);
	add(&received, 0, 1000);
	add(&received, 1, 1500);
	received_batch_end(&received, RTT_US, 1500);
	assert_false(received_ack_is_due(&received, 1500));
	/* min(RTT / 8, 5 ms) after the first. */
	assert_int_equal(received_timer_us(&received), 6000);
	assert_true(received_ack_is_due(&received, 6000));
	received_fill_ack(&received, &ack, 6000);
	assert_int_equal(ack.delay_us, 4500);
	received_ack_sent(&received, 6000);
	assert_false(received_ack_is_due(&received, 10000000));
	add(&received, 2, 7000);
	received_batch_end(&received, 8000, 7000);
	assert_int_equal(received_timer_us(&received), 8000);
	/* A batch that ends late is acknowledged at its end. */
	received_ack_sent(&received, 8000);
	add(&received, 3, 9000);
	received_batch_end(&received, 8000, 10000);
	assert_true(received_ack_is_due(&received, 10000));
	/* On a short path it waits for what goes back anyway. */
	received_ack_sent(&received, 10000);
	add(&received, 4, 11000);
	received_batch_end(&received, 100, 11000);
	assert_int_equal(received_timer_us(&received), 11000 + ACK_DELAY_MIN_US);
}

static void where_answers_bear_acks_they_are_waited_for(void **state)
{
	static struct received received;

	(void)state;
	received_init(&received);
	add(&received, 0, 1000);
	received_batch_end(&received, 100, 1000);
	received_ack_sent(&received, 1100); /* along with an answer */
	received_ack_sent(&received, 1200); /* nothing to tell, so nothing learnt */
	add(&received, 1, 2000);
	received_batch_end(&received, 100, 2000);
	assert_int_equal(received_timer_us(&received), 2000 + ACK_DELAY_MAX_US);
	assert_true(received_ack_is_due(&received, 2000 + ACK_DELAY_MAX_US));
	received_ack_sent(&received, 2000 + ACK_DELAY_MAX_US); /* there was no answer */
	add(&received, 2, 9000);
	received_batch_end(&received, 100, 9000);
	assert_int_equal(received_timer_us(&received), 9000 + ACK_DELAY_MIN_US);
}

static void large_packets_are_told_of_as_often(void **state)
{
	static struct received received;

	(void)state;
	received_init(&received);
	for (uint64_t number = 0; number < 4; number++)
		received_add(&received, number, 8952, 0, 1);
	assert_false(received_ack_is_due(&received, 1));
	received_add(&received, 4, 8952, 0, 1);
	assert_true(received_ack_is_due(&received, 1));
	received_ack_sent(&received, 1);
	received_add(&received, 5, 8952, 0, 2);
	assert_false(received_ack_is_due(&received, 2));
}

static void packets_that_want_no_ack_get_none(void **state)
{
	static struct received received;

	(void)state;
	received_init(&received);
	for (uint64_t number = 0; number < 100; number += 5) {
		received_add(&received, number, 0, 3, 1);
		received_batch_end(&received, RTT_US, 1);
	}
	assert_false(received_has_unacknowledged(&received));
	assert_false(received_ack_is_due(&received, UINT64_MAX - 1));
	assert_int_equal(received.ecn_ce, 20);
}

static void many_packets_are_acknowledged_at_once(void **state)
{
	static struct received received;

	(void)state;
	received_init(&received);
	for (uint64_t number = 0; number < ACK_PACKETS_MAX; number++) {
		assert_false(received_ack_is_due(&received, 1));
		add(&received, number, 1);
	}
	assert_true(received_ack_is_due(&received, 1));
}

static void a_gap_is_told_at_once_and_once(void **state)
{
	static struct received received;

	(void)state;
	received_init(&received);
	add(&received, 0, 1);
	received_ack_sent(&received, 1);
	add(&received, 2, 1);
	add(&received, 3, 1);
	assert_false(received_ack_is_due(&received, 1));
	add(&received, 4, 1);
	assert_true(received_ack_is_due(&received, 1));
	received_ack_sent(&received, 1);
	add(&received, 5, 1);
	add(&received, 6, 1);
	add(&received, 7, 1);
	assert_false(received_ack_is_due(&received, 1));
	/* The late packet is worth telling: it was not lost. */
	add(&received, 1, 1);
	assert_true(received_ack_is_due(&received, 1));
}

static void a_congestion_mark_is_told_at_once(void **state)
{
	static struct received received;
	struct ack_frame ack;

	(void)state;
	received_init(&received);
	received_add(&received, 0, BYTES, 2, 1);
	received_add(&received, 1, BYTES, 1, 1);
	assert_false(received_ack_is_due(&received, 1));
	received_add(&received, 2, BYTES, 3, 1);
	assert_true(received_ack_is_due(&received, 1));
	received_fill_ack(&received, &ack, 1);
	assert_true(ack.has_ecn);
	assert_int_equal(ack.ecn_ect0, 1);
	assert_int_equal(ack.ecn_ect1, 1);
	assert_int_equal(ack.ecn_ce, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(replays_are_refused),
	    cmocka_unit_test(the_window_agrees_with_a_list),
	    cmocka_unit_test(ranges_agree_with_a_list),
	    cmocka_unit_test(the_oldest_range_gives_way),
	    cmocka_unit_test(acknowledged_ranges_are_forgotten),
	    cmocka_unit_test(an_ack_is_held_back_a_little),
	    cmocka_unit_test(where_answers_bear_acks_they_are_waited_for),
	    cmocka_unit_test(large_packets_are_told_of_as_often),
	    cmocka_unit_test(packets_that_want_no_ack_get_none),
	    cmocka_unit_test(many_packets_are_acknowledged_at_once),
	    cmocka_unit_test(a_gap_is_told_at_once_and_once),
	    cmocka_unit_test(a_congestion_mark_is_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
