/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a lane's BBR takes of its siblings' word, and what it tells them. */
#include "tests/unit/cc_bbr_fixture.h"

#include <math.h>

/* Three siblings that fill the line with this lane; who probed last was one of them. */
static void add_siblings(struct fixture *f)
{
	double all = f->line_Bps;

	f->line_Bps /= 4;
	f->has_siblings = true;
	f->siblings = (struct path_share_view){
	    .senders = 3,
	    .hungry = 3,
	    .delivered_Bps = all * 3 / 4,
	    .rate_Bps = all,
	    .known_Bps = all,
	    .confirmed_us = f->now_us,
	    .min_rtt_us = RTT_US,
	    .min_rtt_at_us = f->now_us,
	    .probed_us = f->now_us,
	    .probed_Bps = all,
	    .loss_floor = 0.03,
	};
}

static struct path_share_record told(const struct fixture *f)
{
	struct path_share_record record = {0};

	cc_bbr.tell(f->state, &record);
	return record;
}

/* The siblings' rate, the shortest round trip and the line's loss are known before the first ACK. */
static void a_lane_beside_others_starts_at_its_part(void **state)
{
	struct fixture *f = *state;
	double most = 0;

	add_siblings(f);
	cc_bbr.on_siblings(f->state, &f->siblings, f->now_us);
	assert_in_range(rate_Bps(f), f->line_Bps - 1, f->line_Bps + 1);
	for (int i = 0; i < 20; i++) {
		most = fmax(most, pace_Bps(f));
		run_round(f);
	}
	assert_in_range(rate_Bps(f), f->line_Bps * 0.97, f->line_Bps * 1.01);
	assert_in_range(most, f->line_Bps * 0.97, f->line_Bps * 1.04);
	assert_int_equal(told(f).rate_Bps / 10, (uint64_t)(4 * f->line_Bps) / 10);
	assert_true(told(f).is_hungry && told(f).loss_floor > 0.029);
}

static double most_pace(struct fixture *f, double seconds)
{
	uint64_t until_us = f->now_us + (uint64_t)(seconds * 1e6);
	double most = 0;

	while (f->now_us < until_us) {
		run_round(f);
		most = fmax(most, pace_Bps(f));
	}
	return most;
}

/* Nobody probes beside a probe, and whose turn it is adds a quarter of the whole rate. */
static void it_probes_in_its_turn_for_all(void **state)
{
	struct fixture *f = *state;

	add_siblings(f);
	f->siblings.loss_floor = 0;
	f->siblings.is_probing = true;
	assert_true(most_pace(f, 2.5) < f->line_Bps * 1.01);
	f->siblings.is_probing = false;
	f->siblings.probed_us = f->now_us;
	f->siblings.before = 2;
	assert_true(most_pace(f, 2.9) < f->line_Bps * 1.01);
	f->siblings.before = 0;
	assert_in_range(most_pace(f, 4), f->line_Bps * 1.9, f->line_Bps * 2.1);
}

/* No lane probes for so long: who says so lies, or hangs. */
static void a_probe_without_end_holds_nobody_up(void **state)
{
	struct fixture *f = *state;

	add_siblings(f);
	f->siblings.loss_floor = 0;
	f->siblings.is_probing = f->siblings.is_probing_before = f->siblings.is_raising = true;
	assert_true(most_pace(f, 2.5) < f->line_Bps * 1.01);
	assert_in_range(most_pace(f, 6), f->line_Bps * 1.9, f->line_Bps * 2.1);
}

static void round_trip_probes_without_end_are_not_joined(void **state)
{
	struct fixture *f = *state;
	uint64_t until_us, probing_us = 0;

	add_siblings(f);
	run_seconds(f, 1);
	until_us = f->now_us + 10000000;
	while (f->now_us < until_us) {
		uint64_t at_us = f->now_us;

		f->siblings.rtt_probe_us = f->now_us + 1;
		run_round(f);
		if (window(f) < f->line_Bps * RTT_US / 1e6 * 0.6)
			probing_us += f->now_us - at_us;
	}
	assert_in_range(probing_us, 600000, 1500000);
}

/* One that tells next to nothing as the rate, and a queue as the way. */
static void a_rate_of_nothing_is_not_taken_over(void **state)
{
	struct fixture *f = *state;
	double least = (double)BBR_MIN_WINDOW_PKTS * PACKET_BYTES * 1e6 / RTT_US;

	add_siblings(f);
	f->siblings.rate_Bps = f->siblings.known_Bps = 1;
	cc_bbr.on_siblings(f->state, &f->siblings, f->now_us);
	assert_in_range(rate_Bps(f), least / 4 - 1, least / 4 + 1);
}

static void of_two_that_begin_to_probe_the_later_one_gives_way(void **state)
{
	struct fixture *f = *state;

	add_siblings(f);
	run_round(f);
	while (!told(f).is_probing)
		run_round(f);
	assert_true(told(f).is_raising);
	f->siblings.is_probing = f->siblings.is_probing_before = true;
	run_round(f);
	assert_false(told(f).is_probing);
}

static void what_a_sibling_finds_is_taken_over(void **state)
{
	struct fixture *f = *state;

	add_siblings(f);
	f->siblings.is_probing = true;
	run_seconds(f, 1);
	f->siblings.probing_Bps = 4 * f->line_Bps * 1.2;
	run_round(f);
	assert_in_range(rate_Bps(f), f->line_Bps * 1.19, f->line_Bps * 1.21);
	f->siblings.probing_Bps = 0;
	f->siblings.is_probing = false;
	f->siblings.probed_us = f->now_us;
	f->siblings.probed_Bps = 4 * f->line_Bps * 0.7;
	f->siblings.delivered_Bps = 0;
	run_round(f);
	assert_in_range(rate_Bps(f), f->line_Bps * 0.69, f->line_Bps * 0.71);
}

static void ping(struct fixture *f, uint64_t rtt_us)
{
	struct cc_ack ack = {.now_us = f->now_us += rtt_us,
	    .bytes = 50,
	    .in_flight_bytes = 0,
	    .used_bytes = 50,
	    .largest_number = f->next_number,
	    .next_number = f->next_number + 1,
	    .rtt_sample_us = rtt_us,
	    .rtt = &f->rtt};

	f->next_number++;
	cc_bbr.on_ack(f->state, &ack);
}

/* A lane that goes another way, which takes longer, does not tell the siblings' round trip as one it saw. */
static void a_round_trip_of_siblings_is_not_proved_by_another(void **state)
{
	struct fixture *f = *state;

	f->has_siblings = true;
	f->siblings = (struct path_share_view){
	    .senders = 1, .known_Bps = 5e6, .min_rtt_us = RTT_US / 2, .min_rtt_at_us = f->now_us};
	cc_bbr.on_siblings(f->state, &f->siblings, f->now_us);
	assert_int_equal(told(f).min_rtt_us, RTT_US / 2);
	assert_false(told(f).is_rtt_proved);
	ping(f, RTT_US);
	assert_false(told(f).is_rtt_proved);
	for (int i = 0; i < 6; i++) {
		f->siblings.min_rtt_at_us = f->now_us += 1000000;
		cc_bbr.on_siblings(f->state, &f->siblings, f->now_us);
		ping(f, RTT_US);
	}
	assert_int_equal(told(f).min_rtt_us, RTT_US);
	assert_true(told(f).is_rtt_proved);
	cc_bbr.on_siblings(f->state, &f->siblings, f->now_us);
	assert_int_equal(told(f).min_rtt_us, RTT_US);
}

/* On the same way it is its own that it goes by. */
static void a_round_trip_near_that_of_siblings_is_proved_at_once(void **state)
{
	struct fixture *f = *state;

	f->has_siblings = true;
	f->siblings = (struct path_share_view){
	    .senders = 1, .known_Bps = 5e6, .min_rtt_us = RTT_US, .min_rtt_at_us = f->now_us};
	cc_bbr.on_siblings(f->state, &f->siblings, f->now_us);
	ping(f, RTT_US + 2000);
	assert_int_equal(told(f).min_rtt_us, RTT_US + 2000);
	assert_true(told(f).is_rtt_proved);
}

/* Among busy siblings nothing proves it: the lane looks for itself after 5 s, however often they saw theirs. */
static void a_borrowed_round_trip_is_probed_for(void **state)
{
	struct fixture *f = *state;
	uint64_t until_us = f->now_us + 8000000;

	add_siblings(f);
	f->siblings.min_rtt_us = RTT_US / 2;
	while (f->now_us < until_us) {
		f->siblings.min_rtt_at_us = f->now_us;
		run_round(f);
	}
	assert_int_equal(told(f).min_rtt_us, RTT_US);
	assert_true(told(f).is_rtt_proved);
}

/* Half of what it has in flight, as soon as a sibling begins. */
static void the_shortest_round_trip_is_probed_for_together(void **state)
{
	struct fixture *f = *state;

	add_siblings(f);
	run_seconds(f, 1);
	f->siblings.rtt_probe_us = f->now_us + 1;
	run_round(f);
	assert_true(told(f).rtt_probe_us >= f->siblings.rtt_probe_us);
	assert_in_range(
	    window(f), f->line_Bps * RTT_US / 1e6 * 0.45, f->line_Bps * RTT_US / 1e6 * 0.55);
}

static void a_siblings_probe_is_no_reason_to_send_less(void **state)
{
	struct fixture *f = *state;

	add_siblings(f);
	run_seconds(f, 1);
	f->siblings.is_probing = f->siblings.is_raising = true;
	f->queue_us = RTT_US / 5;
	for (int i = 0; i < 5; i++)
		run_round(f);
	assert_true(rate_Bps(f) > f->line_Bps * 0.98);
	f->siblings.is_raising = false;
	for (int i = 0; i < 5; i++)
		run_round(f);
	assert_true(rate_Bps(f) < f->line_Bps * 0.96);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_lane_beside_others_starts_at_its_part, set_up),
	    cmocka_unit_test_setup(it_probes_in_its_turn_for_all, set_up),
	    cmocka_unit_test_setup(a_probe_without_end_holds_nobody_up, set_up),
	    cmocka_unit_test_setup(round_trip_probes_without_end_are_not_joined, set_up),
	    cmocka_unit_test_setup(a_rate_of_nothing_is_not_taken_over, set_up),
	    cmocka_unit_test_setup(of_two_that_begin_to_probe_the_later_one_gives_way, set_up),
	    cmocka_unit_test_setup(what_a_sibling_finds_is_taken_over, set_up),
	    cmocka_unit_test_setup(a_round_trip_of_siblings_is_not_proved_by_another, set_up),
	    cmocka_unit_test_setup(a_round_trip_near_that_of_siblings_is_proved_at_once, set_up),
	    cmocka_unit_test_setup(a_borrowed_round_trip_is_probed_for, set_up),
	    cmocka_unit_test_setup(the_shortest_round_trip_is_probed_for_together, set_up),
	    cmocka_unit_test_setup(a_siblings_probe_is_no_reason_to_send_less, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
