/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trains of padding: when, how long, how much in all. */
#include "tunnel/warm_up.h"

#include "tunnel/path_limits.h"

#include "tests/unit/cmocka_all.h"

enum { NOW_US = 5000000, RTT_US = 100000, PACKET_BYTES = 1400 };

static struct warm_up warm_up;

static int set_up(void **state)
{
	(void)state;
	warm_up = (struct warm_up){0};
	return 0;
}

static void send_train(uint64_t now_us)
{
	for (int i = 0; i < WARM_UP_TRAIN_PKTS; i++)
		warm_up_on_sent(&warm_up, PACKET_BYTES, RTT_US, now_us);
}

static void a_train_goes_in_one_and_the_next_a_round_trip_later(void **state)
{
	(void)state;
	warm_up_on_sent(&warm_up, PACKET_BYTES, RTT_US, NOW_US);
	assert_int_equal(warm_up_timer_us(&warm_up), 0);
	for (int i = 1; i < WARM_UP_TRAIN_PKTS; i++)
		warm_up_on_sent(&warm_up, PACKET_BYTES, RTT_US, NOW_US + 7000);
	assert_int_equal(warm_up_timer_us(&warm_up),
	    NOW_US + 7000 + RTT_US + RTT_US / WARM_UP_REST_DIVISOR + ACK_DELAY_MAX_US);
}

/* In slow start: it goes on with each ACK, as the next does. */
static void behind_a_train_that_the_window_held_back_there_is_no_rest(void **state)
{
	(void)state;
	warm_up_on_sent(&warm_up, PACKET_BYTES, RTT_US, NOW_US);
	for (int i = 1; i < WARM_UP_TRAIN_PKTS; i++)
		warm_up_on_sent(&warm_up, PACKET_BYTES, RTT_US, NOW_US + RTT_US);
	assert_int_equal(warm_up_timer_us(&warm_up), NOW_US + RTT_US);
	/* And that one, when it goes at once, is looked at. */
	send_train(NOW_US + RTT_US);
	assert_in_range(warm_up_timer_us(&warm_up), NOW_US + 2 * RTT_US + 1, NOW_US + 3 * RTT_US);
}

static void all_trains_together_are_bounded(void **state)
{
	unsigned trains = 0;

	(void)state;
	for (; warm_up_timer_us(&warm_up) != UINT64_MAX; trains++)
		send_train(NOW_US);
	assert_in_range(warm_up.sent_bytes, WARM_UP_MOST_BYTES,
	    WARM_UP_MOST_BYTES + WARM_UP_TRAIN_PKTS * PACKET_BYTES);
	assert_in_range(trains, 10, 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_train_goes_in_one_and_the_next_a_round_trip_later, set_up),
	    cmocka_unit_test_setup(
	        behind_a_train_that_the_window_held_back_there_is_no_rest, set_up),
	    cmocka_unit_test_setup(all_trains_together_are_bounded, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
