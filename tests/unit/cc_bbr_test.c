/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BBR on a line made of formulas: what it learns, what it answers to loss, queue and marks, and to the
 * lack of them.  How it shares lines is the simulator's.
 */
#include "tunnel/cc_bbr.h"

#include "tunnel/path_limits.h"

#include "tests/unit/cmocka_all.h"

#include <math.h>

enum { PACKET_BYTES = 1000, RTT_US = 50000, ACKS_A_ROUND = 10 };

/* The line: 5,000,000 bytes a second are 250 packets in flight. */
struct fixture {
	_Alignas(16) uint8_t state[4096];
	struct rtt rtt;
	double line_Bps, loss;
	uint64_t queue_us; /* that others make */
	uint64_t now_us, next_number;
	double demand_Bps; /* that the application has; 0: endless */
	bool has_siblings;
	struct path_share_view siblings;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){.now_us = 1000000, .line_Bps = 5e6};
	assert_true(cc_bbr.state_bytes <= sizeof(f.state));
	cc_bbr.init(f.state, &(struct cc_start){.now_us = f.now_us, .packet_bytes = PACKET_BYTES});
	rtt_init(&f.rtt, 0);
	rtt_update(&f.rtt, RTT_US, 0, 0, 0);
	*state = &f;
	return 0;
}

static double pace_Bps(const struct fixture *f)
{
	return (double)cc_bbr.pacing_rate_Bps(f->state, &f->rtt);
}

static double rate_Bps(const struct fixture *f)
{
	return (double)cc_bbr.path_rate_Bps(f->state, &f->rtt);
}

static double window(const struct fixture *f)
{
	return (double)cc_bbr.window_bytes(f->state);
}

/* One round trip: as much goes as pace and window allow, the line takes what it can, some is lost. */
static void run_round(struct fixture *f)
{
	double rtt_us = (double)(RTT_US + f->queue_us);
	double sent =
	    pace_Bps(f) * rtt_us / 1e6 < window(f) ? pace_Bps(f) * rtt_us / 1e6 : window(f);
	double rate, delivered;

	if (f->demand_Bps > 0 && sent > f->demand_Bps * rtt_us / 1e6)
		sent = f->demand_Bps * rtt_us / 1e6;
	rate = sent * 1e6 / rtt_us;
	if (rate > f->line_Bps)
		rate = f->line_Bps;
	rate *= 1 - f->loss;
	delivered = rate * rtt_us / 1e6;
	cc_bbr.on_sent(f->state, &(struct cc_sent){.now_us = f->now_us, .bytes = (uint64_t)sent});
	f->next_number += (uint64_t)(sent / PACKET_BYTES) + ACKS_A_ROUND;
	for (unsigned i = 1; i <= ACKS_A_ROUND; i++) {
		uint64_t lost = (uint64_t)((sent - delivered) / ACKS_A_ROUND);
		struct cc_ack ack = {
		    .bytes = (uint64_t)(delivered / ACKS_A_ROUND),
		    .in_flight_bytes = (uint64_t)(rate * RTT_US / 1e6),
		    .used_bytes = (uint64_t)sent,
		    .largest_number = f->next_number - ACKS_A_ROUND + i - 1,
		    .next_number = f->next_number + i,
		    .rtt_sample_us = RTT_US + f->queue_us,
		    .rtt = &f->rtt,
		    .rate = {.rate_Bps = (uint64_t)rate,
		        .delivered_bytes = (uint64_t)delivered,
		        .is_app_limited = f->demand_Bps > 0},
		};

		f->now_us += (uint64_t)rtt_us / ACKS_A_ROUND;
		ack.now_us = f->now_us;
		if (f->has_siblings)
			cc_bbr.on_siblings(f->state, &f->siblings, f->now_us);
		ack.largest_sent_us = f->now_us - (uint64_t)rtt_us;
		if (lost > 0)
			cc_bbr.on_loss(f->state, &(struct cc_loss){.now_us = f->now_us,
			                             .packets = 1,
			                             .bytes = lost,
			                             .largest_sent_us = ack.largest_sent_us});
		rtt_update(&f->rtt, RTT_US + f->queue_us, 0, 0, f->now_us);
		cc_bbr.on_ack(f->state, &ack);
	}
}

static void run_seconds(struct fixture *f, double seconds)
{
	uint64_t until_us = f->now_us + (uint64_t)(seconds * 1e6);

	while (f->now_us < until_us)
		run_round(f);
}

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

/* 100 packets sent and acknowledged within 20 ms: five times what they make of the round trip. */
static void small_requests_teach_the_rate_by_how_they_spread(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 10; i++) {
		struct cc_ack ack = {
		    .now_us = f->now_us + RTT_US + i * 2000,
		    .bytes = 10 * PACKET_BYTES,
		    .largest_number = f->next_number + i * 10,
		    .largest_sent_us = f->now_us + i * 2000,
		    .next_number = f->next_number + 100,
		    .rtt_sample_us = RTT_US,
		    .rtt = &f->rtt,
		    .rate = {.rate_Bps = 1000000, .is_app_limited = true},
		};

		cc_bbr.on_ack(f->state, &ack);
	}
	assert_in_range(rate_Bps(f), 4900000, 5100000);
}

/* Ten requests of 100 packets, each in 20 ms, one after the other. */
static void run_requests(struct fixture *f)
{
	for (unsigned request = 0; request < 10; request++) {
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
	    cmocka_unit_test_setup(it_starts_with_ten_packets_and_doubles, set_up),
	    cmocka_unit_test_setup(it_finds_the_rate_and_keeps_near_it, set_up),
	    cmocka_unit_test_setup(random_loss_shrinks_nothing_and_is_made_up_for, set_up),
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
	    cmocka_unit_test_setup(it_does_not_warm_up_where_there_is_a_queue, set_up),
	    cmocka_unit_test_setup(a_short_path_needs_no_warm_up, set_up),
	    cmocka_unit_test_setup(lanes_warm_up_one_after_the_other, set_up),
	    cmocka_unit_test_setup(what_requests_taught_is_told_and_fades, set_up),
	    cmocka_unit_test_setup(acks_that_waited_together_teach_nothing, set_up),
	    cmocka_unit_test_setup(persistent_congestion_halves, set_up),
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
