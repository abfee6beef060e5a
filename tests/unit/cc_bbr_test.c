/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BBR on a line made of formulas: what it learns, what it answers to loss, queue and marks, and to the
 * lack of them.  How it shares lines is the simulator's.
 */
#include "tests/unit/cc_bbr_fixture.h"

static void it_starts_with_ten_packets_and_doubles(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(window(f), CC_INITIAL_WINDOW_PKTS * PACKET_BYTES);
	run_round(f);
	assert_in_range(window(f), 19000, 21000);
	run_round(f);
	assert_in_range(window(f), 36000, 42000);
	assert_true(cc_bbr.is_starting(f->state));
}

static void it_finds_the_rate_and_keeps_near_it(void **state)
{
	struct fixture *f = *state;

	run_seconds(f, 1);
	assert_false(cc_bbr.is_starting(f->state));
	assert_in_range(rate_Bps(f), f->line_Bps * 0.98, f->line_Bps);
	for (int i = 0; i < 200; i++) {
		run_round(f);
		assert_in_range(pace_Bps(f), f->line_Bps * 0.88, f->line_Bps * 1.25);
		assert_in_range(
		    window(f), f->line_Bps * RTT_US / 1e6, f->line_Bps * RTT_US / 1e6 * 3.3);
	}
}

static void random_loss_shrinks_nothing_and_is_made_up_for(void **state)
{
	struct fixture *f = *state;
	double sum = 0;

	f->loss = 0.1;
	run_seconds(f, 30);
	for (int i = 0; i < 100; i++) {
		run_round(f);
		sum += pace_Bps(f);
	}
	assert_in_range(rate_Bps(f), f->line_Bps * 0.87, f->line_Bps * 0.9);
	assert_in_range(sum / 100, f->line_Bps * 0.96, f->line_Bps * 1.05);
}

static void loss_that_rises_is_soon_made_up_for(void **state)
{
	struct fixture *f = *state;
	double sum = 0;

	f->loss = 0.02;
	run_seconds(f, 10);
	f->loss = 0.1;
	run_seconds(f, 1);
	for (int i = 0; i < 20; i++) {
		run_round(f);
		sum += pace_Bps(f);
	}
	assert_in_range(sum / 20, f->line_Bps * 0.93, f->line_Bps * 1.25);
}

static void loss_with_a_long_queue_cuts_to_what_is_delivered(void **state)
{
	struct fixture *f = *state;

	run_seconds(f, 4);
	f->line_Bps /= 4;
	f->queue_us = RTT_US / 2;
	f->loss = 0.2;
	for (int i = 0; i < 6; i++)
		run_round(f);
	assert_in_range(rate_Bps(f), f->line_Bps * 0.7, f->line_Bps * 2);
}

static void a_mark_cuts_too(void **state)
{
	struct fixture *f = *state;

	run_seconds(f, 4);
	f->line_Bps /= 4;
	for (int i = 0; i < 6; i++) {
		cc_bbr.on_ecn(f->state, &(struct cc_ecn){.ce_pkts = 1});
		run_round(f);
	}
	assert_in_range(rate_Bps(f), f->line_Bps * 0.7, f->line_Bps * 2);
}

static void a_rate_that_doubles_is_found(void **state)
{
	struct fixture *f = *state;

	run_seconds(f, 4);
	f->line_Bps *= 2;
	run_seconds(f, 7);
	assert_in_range(rate_Bps(f), f->line_Bps * 0.95, f->line_Bps);
}

static void a_rate_that_falls_is_forgotten(void **state)
{
	struct fixture *f = *state;

	run_seconds(f, 4);
	f->line_Bps /= 2;
	run_seconds(f, 8);
	assert_in_range(rate_Bps(f), f->line_Bps * 0.95, f->line_Bps * 1.05);
}

static void idle_times_forget_nothing(void **state)
{
	struct fixture *f = *state;

	run_seconds(f, 4);
	f->demand_Bps = f->line_Bps / 100;
	run_seconds(f, 50);
	assert_in_range(rate_Bps(f), f->line_Bps * 0.98, f->line_Bps);
	assert_true(window(f) >= 2 * f->line_Bps * RTT_US / 1e6 * 0.98);
	assert_true(pace_Bps(f) > f->line_Bps * 0.88);
}

/* Full again after 64 packets that came through. */
static void after_long_ones_half_the_rate_is_tried_first(void **state)
{
	struct fixture *f = *state;

	run_seconds(f, 4);
	f->demand_Bps = f->line_Bps / 100;
	run_seconds(f, 70);
	assert_in_range(rate_Bps(f), f->line_Bps * 0.98, f->line_Bps);
	assert_in_range(pace_Bps(f), f->line_Bps * 0.48, f->line_Bps * 0.5);
	assert_in_range(
	    window(f), f->line_Bps * RTT_US / 1e6 * 0.97, f->line_Bps * RTT_US / 1e6 * 1.11);
	f->demand_Bps = 0;
	run_round(f);
	assert_in_range(pace_Bps(f), f->line_Bps * 0.48, f->line_Bps * 0.5);
	run_round(f);
	run_round(f);
	assert_in_range(pace_Bps(f), f->line_Bps * 0.97, f->line_Bps * 1.01);
}

/* The line has a tenth of it by now: what came through is the rate. */
static void a_remembered_rate_that_does_not_come_through_is_left(void **state)
{
	struct fixture *f = *state;

	run_seconds(f, 4);
	f->demand_Bps = f->line_Bps / 100;
	run_seconds(f, 70);
	f->demand_Bps = 0;
	f->line_Bps /= 10;
	f->queue_us = RTT_US / 2;
	for (int i = 0; i < 4; i++)
		run_round(f);
	assert_in_range(rate_Bps(f), f->line_Bps * 0.7, f->line_Bps * 1.05);
}

static void remember_and_ask(struct fixture *f, uint64_t queue_us, double loss)
{
	run_seconds(f, 4);
	f->demand_Bps = f->line_Bps / 100;
	run_seconds(f, 70);
	f->demand_Bps = f->line_Bps / 7;
	f->queue_us = queue_us;
	f->loss = loss;
	for (int i = 0; i < 8; i++)
		run_round(f);
}

/* Requests are no measure of the line, though a neighbour's queue or loss comes with them. */
static void requests_beside_a_queue_leave_what_is_remembered(void **state)
{
	struct fixture *f = *state;

	remember_and_ask(f, 8000, 0);
	assert_in_range(rate_Bps(f), f->line_Bps * 0.98, f->line_Bps);
}

static void requests_with_loss_leave_half_of_it(void **state)
{
	struct fixture *f = *state;

	remember_and_ask(f, 0, 0.12);
	assert_in_range(rate_Bps(f), f->line_Bps * 0.48, f->line_Bps);
}

/* The shortest round trip has doubled: another path, of which nothing is known. */
static void on_another_path_it_begins_anew(void **state)
{
	struct fixture *f = *state;

	run_seconds(f, 4);
	f->demand_Bps = f->line_Bps / 100;
	f->queue_us = RTT_US;
	run_seconds(f, 70);
	assert_true(rate_Bps(f) < f->line_Bps / 20);
	assert_true(window(f) < f->line_Bps * RTT_US / 1e6 / 2);
}

/* Also when the lane had been silent for so long already that its rate was a memory. */
static void a_path_that_changes_in_a_long_silence_is_noticed(void **state)
{
	struct fixture *f = *state;

	run_seconds(f, 4);
	f->demand_Bps = f->line_Bps / 100;
	run_seconds(f, 70);
	assert_in_range(rate_Bps(f), f->line_Bps * 0.98, f->line_Bps);
	f->queue_us = RTT_US;
	run_seconds(f, 7);
	assert_true(rate_Bps(f) < f->line_Bps / 20);
}

/* The siblings are idle and know a rate. */
static void a_lane_beside_idle_ones_starts_with_half_of_what_they_know(void **state)
{
	struct fixture *f = *state;
	double all = f->line_Bps;

	f->has_siblings = true;
	f->siblings = (struct path_share_view){.senders = 3,
	    .known_Bps = all,
	    .min_rtt_us = RTT_US,
	    .min_rtt_at_us = f->now_us,
	    .confirmed_us = f->now_us - 1000000};
	cc_bbr.on_siblings(f->state, &f->siblings, f->now_us);
	assert_in_range(pace_Bps(f), all * 0.48, all * 0.5);
	for (int i = 0; i < 3; i++)
		run_round(f);
	assert_in_range(pace_Bps(f), all * 0.97, all * 1.01);
}

static void a_standing_queue_is_drained_to_see_the_shortest_round_trip(void **state)
{
	struct fixture *f = *state;
	double least = window(f) * 1e6;

	run_seconds(f, 4);
	f->queue_us = RTT_US / 5;
	for (int i = 0; i < 120; i++) {
		run_round(f);
		least = window(f) < least ? window(f) : least;
	}
	assert_in_range(least, f->line_Bps * RTT_US / 1e6 * 0.4, f->line_Bps * RTT_US / 1e6 * 0.6);
}

/* A ping is acknowledged. */
static void run_rtt(struct fixture *f, uint64_t rtt_us)
{
	struct cc_ack ack = {
	    .now_us = f->now_us + rtt_us,
	    .bytes = PACKET_BYTES,
	    .largest_number = f->next_number++,
	    .largest_sent_us = f->now_us,
	    .next_number = f->next_number,
	    .rtt_sample_us = rtt_us,
	    .rtt = &f->rtt,
	    .rate = {.is_app_limited = true},
	};

	f->now_us += rtt_us;
	cc_bbr.on_ack(f->state, &ack);
}

/* 100 packets sent and acknowledged within 20 ms. */
static void run_request(struct fixture *f)
{
	for (unsigned i = 0; i < 10; i++) {
		struct cc_ack ack = {
		    .now_us = f->now_us + RTT_US + i * 2000,
		    .bytes = 10 * PACKET_BYTES,
		    .largest_number = f->next_number + i * 10,
		    .largest_sent_us = f->now_us + i * 2000,
		    .next_number = f->next_number + 100,
		    .rtt_sample_us = RTT_US + f->queue_us,
		    .rtt = &f->rtt,
		    .rate = {.rate_Bps = 1000000, .is_app_limited = true},
		};

		cc_bbr.on_ack(f->state, &ack);
	}
	f->now_us += 2 * RTT_US;
	f->next_number += 100;
}

/* Five times what they make of the round trip. */
static void small_requests_teach_the_rate_by_how_they_spread(void **state)
{
	struct fixture *f = *state;

	run_request(f);
	assert_in_range(rate_Bps(f), 4900000, 5100000);
}

/* Ten, one after the other. */
static void run_requests(struct fixture *f)
{
	for (unsigned request = 0; request < 10; request++)
		run_request(f);
}

/* And then what is asked for goes at that rate, with a window for it. */
static void it_wants_to_warm_up_until_the_rate_is_known(void **state)
{
	struct fixture *f = *state;

	assert_false(cc_bbr.wants_warm_up(f->state));
	run_rtt(f, RTT_US);
	assert_true(cc_bbr.wants_warm_up(f->state));
	run_requests(f);
	assert_false(cc_bbr.wants_warm_up(f->state));
	assert_in_range(pace_Bps(f), 4.7e6, 5e6);
	assert_in_range(window(f), 2 * 4.7e6 * RTT_US / 1e6, 2 * 5.1e6 * RTT_US / 1e6);
}

/* Before it is known, too: what the train came through at may be in flight. */
static void a_train_gives_a_window(void **state)
{
	struct fixture *f = *state;

	run_request(f);
	assert_true(cc_bbr.wants_warm_up(f->state));
	assert_in_range(window(f), 4.7e6 * RTT_US / 1e6, 5.1e6 * RTT_US / 1e6 + 100 * PACKET_BYTES);
}

static void it_does_not_warm_up_where_there_is_a_queue(void **state)
{
	struct fixture *f = *state;

	run_rtt(f, RTT_US);
	rtt_update(&f->rtt, 20 * RTT_US, 0, 0, 0);
	run_rtt(f, 20 * RTT_US);
	assert_false(cc_bbr.wants_warm_up(f->state));
}

static void a_short_path_needs_no_warm_up(void **state)
{
	struct fixture *f = *state;

	rtt_init(&f->rtt, 0);
	rtt_update(&f->rtt, WARM_UP_RTT_US - 1, 0, 0, 0);
	run_rtt(f, WARM_UP_RTT_US - 1);
	assert_false(cc_bbr.wants_warm_up(f->state));
}

static void lanes_warm_up_one_after_the_other(void **state)
{
	struct fixture *f = *state;

	run_rtt(f, RTT_US);
	f->siblings = (struct path_share_view){.senders = 1, .is_new_before = true};
	cc_bbr.on_siblings(f->state, &f->siblings, f->now_us);
	assert_false(cc_bbr.wants_warm_up(f->state));
	f->siblings.is_new_before = false;
	cc_bbr.on_siblings(f->state, &f->siblings, f->now_us);
	assert_true(cc_bbr.wants_warm_up(f->state));
}

/* The last ones tell the siblings; a minute later what was known is a memory. */
static void what_requests_taught_is_told_and_fades(void **state)
{
	struct fixture *f = *state;
	struct path_share_record record = {0};
	double pace;

	run_requests(f);
	cc_bbr.tell(f->state, &record);
	assert_in_range(record.rate_Bps, 4900000, 5100000);
	pace = pace_Bps(f);
	cc_bbr.on_sent(f->state, &(struct cc_sent){.now_us = f->now_us + 70000000, .bytes = 1000});
	assert_in_range(pace_Bps(f), pace * 0.49, pace * 0.51);
}

/* Siblings that took a lane's rate over tell it back. */
static void its_own_rate_told_back_slows_no_lane(void **state)
{
	struct fixture *f = *state;
	struct path_share_record record = {0};
	double pace;

	run_requests(f);
	cc_bbr.tell(f->state, &record);
	pace = pace_Bps(f);
	f->siblings = (struct path_share_view){.senders = 1, .known_Bps = (double)record.rate_Bps};
	cc_bbr.on_siblings(f->state, &f->siblings, f->now_us);
	assert_true(pace_Bps(f) == pace);
	assert_in_range(pace, 4.7e6, 5e6);
}

/* The path may carry less than when trains taught its rate. */
static void an_outage_halves_a_rate_that_requests_taught(void **state)
{
	struct fixture *f = *state;
	double before;

	run_requests(f);
	before = window(f);
	cc_bbr.on_loss(f->state, &(struct cc_loss){.now_us = f->now_us,
	                             .packets = 20,
	                             .bytes = 20 * PACKET_BYTES,
	                             .is_persistent = true});
	run_rtt(f, RTT_US);
	assert_in_range(window(f), before / 4, before * 0.55);
}

static void requests_that_fill_a_queue_end_slow_start(void **state)
{
	struct fixture *f = *state;

	run_requests(f);
	assert_true(cc_bbr.is_starting(f->state));
	f->queue_us = 2 * RTT_US;
	run_requests(f);
	assert_false(cc_bbr.is_starting(f->state));
}

/* What waited together, in a busy host or a radio's turn, shows nothing of the path's rate. */
static void acks_that_waited_together_teach_nothing(void **state)
{
	struct fixture *f = *state;

	for (uint64_t i = 0; i < 20; i++) {
		struct cc_ack ack = {
		    .now_us = f->now_us + (i < 2 ? i * 100 : i * 1000),
		    .bytes = (i < 2 ? 100 : 5) * PACKET_BYTES,
		    .largest_number = i,
		    .largest_sent_us = f->now_us - RTT_US + (i < 2 ? i * 100 : i * 1000),
		    .next_number = 1000,
		    .rtt = &f->rtt,
		    .rate = {.is_app_limited = true},
		};

		cc_bbr.on_ack(f->state, &ack);
	}
	assert_in_range(rate_Bps(f), 3e6, 6e6);
}

static void persistent_congestion_halves(void **state)
{
	struct fixture *f = *state;
	double before;

	run_seconds(f, 4);
	before = rate_Bps(f);
	cc_bbr.on_loss(f->state,
	    &(struct cc_loss){.now_us = f->now_us, .packets = 100, .is_persistent = true});
	assert_in_range(rate_Bps(f), before * 0.49, before * 0.51);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(it_starts_with_ten_packets_and_doubles, set_up),
	    cmocka_unit_test_setup(it_finds_the_rate_and_keeps_near_it, set_up),
	    cmocka_unit_test_setup(random_loss_shrinks_nothing_and_is_made_up_for, set_up),
	    cmocka_unit_test_setup(loss_that_rises_is_soon_made_up_for, set_up),
	    cmocka_unit_test_setup(loss_with_a_long_queue_cuts_to_what_is_delivered, set_up),
	    cmocka_unit_test_setup(a_mark_cuts_too, set_up),
	    cmocka_unit_test_setup(a_rate_that_doubles_is_found, set_up),
	    cmocka_unit_test_setup(a_rate_that_falls_is_forgotten, set_up),
	    cmocka_unit_test_setup(idle_times_forget_nothing, set_up),
	    cmocka_unit_test_setup(after_long_ones_half_the_rate_is_tried_first, set_up),
	    cmocka_unit_test_setup(a_remembered_rate_that_does_not_come_through_is_left, set_up),
	    cmocka_unit_test_setup(requests_beside_a_queue_leave_what_is_remembered, set_up),
	    cmocka_unit_test_setup(requests_with_loss_leave_half_of_it, set_up),
	    cmocka_unit_test_setup(on_another_path_it_begins_anew, set_up),
	    cmocka_unit_test_setup(a_path_that_changes_in_a_long_silence_is_noticed, set_up),
	    cmocka_unit_test_setup(
	        a_lane_beside_idle_ones_starts_with_half_of_what_they_know, set_up),
	    cmocka_unit_test_setup(
	        a_standing_queue_is_drained_to_see_the_shortest_round_trip, set_up),
	    cmocka_unit_test_setup(small_requests_teach_the_rate_by_how_they_spread, set_up),
	    cmocka_unit_test_setup(it_wants_to_warm_up_until_the_rate_is_known, set_up),
	    cmocka_unit_test_setup(a_train_gives_a_window, set_up),
	    cmocka_unit_test_setup(it_does_not_warm_up_where_there_is_a_queue, set_up),
	    cmocka_unit_test_setup(a_short_path_needs_no_warm_up, set_up),
	    cmocka_unit_test_setup(lanes_warm_up_one_after_the_other, set_up),
	    cmocka_unit_test_setup(what_requests_taught_is_told_and_fades, set_up),
	    cmocka_unit_test_setup(its_own_rate_told_back_slows_no_lane, set_up),
	    cmocka_unit_test_setup(an_outage_halves_a_rate_that_requests_taught, set_up),
	    cmocka_unit_test_setup(requests_that_fill_a_queue_end_slow_start, set_up),
	    cmocka_unit_test_setup(acks_that_waited_together_teach_nothing, set_up),
	    cmocka_unit_test_setup(persistent_congestion_halves, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
