/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CUBIC's window by RFC 9438's formulas, HyStart++ by RFC 9406, and what must not change the window. */
#include "tunnel/cc_cubic.h"

#include "tunnel/path_limits.h"

#include <math.h>

#include "tests/unit/cmocka_all.h"

enum { PACKET_BYTES = 1000, RTT_US = 100000 };

struct fixture {
	_Alignas(16) uint8_t state[512];
	struct rtt rtt;
	uint64_t flows; /* that lose() tells of */
	uint64_t now_us;
	uint64_t next_number;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){.now_us = 1000000};
	assert_true(cc_cubic.state_bytes <= sizeof(f.state));
	cc_cubic.init(
	    f.state, &(struct cc_start){.now_us = f.now_us, .packet_bytes = PACKET_BYTES});
	rtt_init(&f.rtt, 0);
	rtt_update(&f.rtt, RTT_US, 0, 0, 0);
	*state = &f;
	return 0;
}

static double window_pkts(struct fixture *f)
{
	return (double)cc_cubic.window_bytes(f->state) / PACKET_BYTES;
}

static void acknowledge(
    struct fixture *f, uint64_t bytes, uint64_t used_bytes, uint64_t sample_us, uint64_t sent_us)
{
	struct cc_ack ack = {
	    .now_us = f->now_us,
	    .bytes = bytes,
	    .used_bytes = used_bytes,
	    .largest_number = f->next_number++,
	    .largest_sent_us = sent_us,
	    .next_number = f->next_number + 10,
	    .rtt_sample_us = sample_us,
	    .rtt = &f->rtt,
	};

	cc_cubic.on_ack(f->state, &ack);
}

/* One round trip in which the whole window is used and acknowledged, in ten ACKs. */
static void run_round(struct fixture *f, uint64_t sample_us)
{
	uint64_t window = cc_cubic.window_bytes(f->state);

	for (int i = 0; i < 10; i++) {
		f->now_us += RTT_US / 10;
		acknowledge(
		    f, window / 10, cc_cubic.window_bytes(f->state), sample_us, f->now_us - RTT_US);
	}
}

static void lose(struct fixture *f, uint64_t packets, uint64_t sent_us, bool persistent)
{
	struct cc_loss loss = {
	    .now_us = f->now_us,
	    .packets = packets,
	    .bytes = packets * PACKET_BYTES,
	    .used_bytes = cc_cubic.window_bytes(f->state),
	    .flows = f->flows,
	    .largest_sent_us = sent_us,
	    .is_persistent = persistent,
	};

	cc_cubic.on_loss(f->state, &loss);
}

static void slow_start_doubles(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(window_pkts(f), CC_INITIAL_WINDOW_PKTS);
	run_round(f, RTT_US);
	assert_int_equal(window_pkts(f), 2 * CC_INITIAL_WINDOW_PKTS);
	/* Paced at twice the window an RTT. */
	assert_int_equal(cc_cubic.pacing_rate_Bps(f->state, &f->rtt), 2 * 20000 * 10);
	assert_true(cc_cubic.is_starting(f->state));
	lose(f, 1, f->now_us, false);
	assert_false(cc_cubic.is_starting(f->state));
}

static void an_unused_window_does_not_grow(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 100; i++)
		acknowledge(f, PACKET_BYTES, 2 * PACKET_BYTES, RTT_US, f->now_us);
	assert_int_equal(window_pkts(f), CC_INITIAL_WINDOW_PKTS);
	run_round(f, RTT_US);
	lose(f, 1, f->now_us, false);
	for (int i = 0; i < 100; i++) {
		f->now_us += RTT_US;
		acknowledge(f, PACKET_BYTES, 2 * PACKET_BYTES, RTT_US, f->now_us);
	}
	assert_int_equal(cc_cubic.window_bytes(f->state), 14000);
}

/* The rise of the minimum RTT by more than an eighth ends slow start after five slower rounds. */
static void hystart_leaves_in_time(void **state)
{
	struct fixture *f = *state;
	double at_rise;

	run_round(f, RTT_US);
	run_round(f, RTT_US);
	at_rise = window_pkts(f);
	for (int i = 0; i < 12; i++)
		run_round(f, RTT_US + 20000);
	/* 2 x at the most before it notices, then 1.25 x for five rounds, then CUBIC. */
	assert_true(window_pkts(f) < at_rise * 2 * pow(1.25, 6) * 1.5);
	assert_int_equal(cc_cubic.pacing_rate_Bps(f->state, &f->rtt),
	    cc_cubic.window_bytes(f->state) * 125 / 100 * 10);
}

static void a_steady_rtt_does_not_stop_slow_start(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 8; i++)
		run_round(f, RTT_US + (uint64_t)(i % 2) * 3000);
	assert_true(window_pkts(f) > 10 * 200);
}

/* A window of 1,000 packets, cut to 700 out of slow start: W(t) = 0.4 (t - K)^3 + 1000, K = cbrt(300 / 0.4). */
static void avoidance_follows_the_cubic(void **state)
{
	struct fixture *f = *state;
	double k_s, cut_pkts;
	uint64_t start_us;

	while (window_pkts(f) < 1000)
		run_round(f, RTT_US);
	cut_pkts = window_pkts(f);
	lose(f, 1, f->now_us, false);
	assert_in_range(window_pkts(f), cut_pkts * 0.7 - 1, cut_pkts * 0.7 + 1);
	start_us = f->now_us;
	f->now_us += RTT_US;
	k_s = cbrt(cut_pkts * 0.3 / 0.4);
	while (f->now_us < start_us + 12000000) {
		double t_s, expected;

		run_round(f, RTT_US);
		t_s = (double)(f->now_us - start_us - RTT_US) / 1e6;
		expected = 0.4 * pow(t_s - k_s, 3) + cut_pkts;
		/* Within two per cent: the window follows its target a round trip behind. */
		assert_true(fabs(window_pkts(f) - expected) < expected * 0.02 + 2);
	}
	assert_true(window_pkts(f) > cut_pkts);
}

/* With a small window the line of two Renos is above the cubic: one packet a round trip, then two. */
static void the_friendly_region_is_renos(void **state)
{
	struct fixture *f = *state;
	double window;

	run_round(f, RTT_US);
	lose(f, 1, f->now_us, false);
	f->now_us += RTT_US;
	run_round(f, RTT_US);
	window = window_pkts(f);
	assert_true(window < 15.2);
	for (int i = 0; i < 4; i++)
		run_round(f, RTT_US);
	assert_true(window_pkts(f) > window + 4 * 0.8);
	assert_true(window_pkts(f) < window + 4 * 2.1);
}

static void idle_time_is_not_growth(void **state)
{
	struct fixture *f = *state;
	struct cc_sent sent = {0};
	double window;

	while (window_pkts(f) < 1000)
		run_round(f, RTT_US);
	lose(f, 1, f->now_us, false);
	for (int i = 0; i < 20; i++)
		run_round(f, RTT_US);
	window = window_pkts(f);
	f->now_us += 60000000;
	sent.now_us = f->now_us;
	cc_cubic.on_sent(f->state, &sent);
	run_round(f, RTT_US);
	assert_true(window_pkts(f) < window * 1.05);
}

/* Pings that are lost cost the window nothing below the initial one, and use brings it back. */
static void losses_of_an_idle_lane_are_forgiven(void **state)
{
	struct fixture *f = *state;
	struct cc_loss loss = {.packets = 1, .bytes = 50, .used_bytes = 50};
	double window;

	cc_cubic.on_loss(f->state, &loss);
	assert_int_equal(window_pkts(f), CC_INITIAL_WINDOW_PKTS);
	run_round(f, RTT_US);
	assert_int_equal(window_pkts(f), 2 * CC_INITIAL_WINDOW_PKTS);
	for (int i = 0; i < 5; i++)
		run_round(f, RTT_US);
	lose(f, 1, f->now_us, false);
	window = window_pkts(f);
	for (int i = 0; i < 100; i++) {
		f->now_us += 10 * RTT_US;
		loss.now_us = f->now_us;
		loss.largest_sent_us = f->now_us - RTT_US;
		cc_cubic.on_loss(f->state, &loss);
	}
	assert_int_equal(window_pkts(f), CC_INITIAL_WINDOW_PKTS);
	/* Nor does an outage. */
	f->now_us += 10 * RTT_US;
	loss.largest_sent_us = f->now_us - RTT_US;
	loss.is_persistent = true;
	cc_cubic.on_loss(f->state, &loss);
	assert_int_equal(window_pkts(f), CC_INITIAL_WINDOW_PKTS);
	for (int i = 0; i < 8; i++)
		run_round(f, RTT_US);
	assert_true(window_pkts(f) >= window);
}

static void one_round_of_losses_is_one_cut(void **state)
{
	struct fixture *f = *state;
	uint64_t sent_us;

	run_round(f, RTT_US);
	sent_us = f->now_us;
	lose(f, 3, sent_us, false);
	f->now_us += RTT_US / 2;
	lose(f, 5, sent_us, false);
	assert_int_equal(cc_cubic.window_bytes(f->state), 14000);
	/* Nor does what was sent before grow it. */
	acknowledge(f, 5000, 20000, RTT_US, sent_us);
	assert_int_equal(cc_cubic.window_bytes(f->state), 14000);
	lose(f, 1, sent_us + 1, false);
	assert_in_range(cc_cubic.window_bytes(f->state), 11899, 11900);
}

static void lose_often(struct fixture *f, uint64_t flows)
{
	f->flows = flows;
	for (int i = 0; i < 50; i++) {
		lose(f, 1, f->now_us, false);
		f->now_us += RTT_US;
	}
}

/* Single losses leave each stream that is sending the window that it would begin with alone. */
static void the_window_has_a_floor(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 5; i++)
		run_round(f, RTT_US);
	lose_often(f, 1000);
	assert_int_equal(window_pkts(f), CC_FLOOR_FLOWS_MAX * CC_INITIAL_WINDOW_PKTS);
	lose_often(f, 3);
	assert_int_equal(window_pkts(f), 3 * CC_INITIAL_WINDOW_PKTS);
	lose_often(f, 0);
	assert_int_equal(window_pkts(f), CC_INITIAL_WINDOW_PKTS);
	lose(f, 1, f->now_us, true);
	assert_int_equal(window_pkts(f), CC_MIN_WINDOW_PKTS);
	lose_often(f, 8); /* which does not grow it */
	assert_int_equal(window_pkts(f), CC_MIN_WINDOW_PKTS);
}

static void persistent_congestion_starts_over(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 4; i++)
		run_round(f, RTT_US);
	lose(f, 100, f->now_us, true);
	assert_int_equal(window_pkts(f), CC_MIN_WINDOW_PKTS);
	f->now_us += RTT_US;
	for (int i = 0; i < 3; i++) {
		f->now_us += 2 * RTT_US;
		acknowledge(f, cc_cubic.window_bytes(f->state), cc_cubic.window_bytes(f->state),
		    RTT_US, f->now_us - RTT_US);
	}
	assert_int_equal(window_pkts(f), 8 * CC_MIN_WINDOW_PKTS);
}

/* All losses of a cut proved spurious: it is undone, not earlier and not twice. */
static void spurious_losses_undo_the_cut(void **state)
{
	struct fixture *f = *state;
	uint64_t sent_us;

	run_round(f, RTT_US);
	sent_us = f->now_us;
	lose(f, 2, sent_us, false);
	lose(f, 1, sent_us, false);
	assert_int_equal(window_pkts(f), 14);
	cc_cubic.on_spurious(f->state, sent_us, f->now_us);
	cc_cubic.on_spurious(f->state, sent_us, f->now_us);
	assert_int_equal(window_pkts(f), 14);
	cc_cubic.on_spurious(f->state, sent_us, f->now_us);
	assert_int_equal(window_pkts(f), 20);
	cc_cubic.on_spurious(f->state, sent_us, f->now_us);
	assert_int_equal(window_pkts(f), 20);
}

static void a_mark_cuts_once_a_round(void **state)
{
	struct fixture *f = *state;
	struct cc_ecn ecn = {.now_us = f->now_us, .ce_pkts = 1, .largest_sent_us = f->now_us - 1};

	cc_cubic.on_ecn(f->state, &ecn);
	cc_cubic.on_ecn(f->state, &ecn);
	assert_int_equal(cc_cubic.window_bytes(f->state), 7000);
	ecn.largest_sent_us = f->now_us + 1;
	cc_cubic.on_ecn(f->state, &ecn);
	assert_true(window_pkts(f) < 6);
}

static void fast_convergence_gives_room(void **state)
{
	struct fixture *f = *state;

	while (window_pkts(f) < 1000)
		run_round(f, RTT_US);
	lose(f, 1, f->now_us, false);
	f->now_us += RTT_US;
	lose(f, 1, f->now_us, false);
	for (int i = 0; i < 60; i++)
		run_round(f, RTT_US);
	/* The plateau is at 0.925 of the second peak, which was 0.7 of the first. */
	assert_true(window_pkts(f) < 1280 * 0.75);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(slow_start_doubles, set_up),
	    cmocka_unit_test_setup(an_unused_window_does_not_grow, set_up),
	    cmocka_unit_test_setup(hystart_leaves_in_time, set_up),
	    cmocka_unit_test_setup(a_steady_rtt_does_not_stop_slow_start, set_up),
	    cmocka_unit_test_setup(avoidance_follows_the_cubic, set_up),
	    cmocka_unit_test_setup(the_friendly_region_is_renos, set_up),
	    cmocka_unit_test_setup(idle_time_is_not_growth, set_up),
	    cmocka_unit_test_setup(losses_of_an_idle_lane_are_forgiven, set_up),
	    cmocka_unit_test_setup(one_round_of_losses_is_one_cut, set_up),
	    cmocka_unit_test_setup(the_window_has_a_floor, set_up),
	    cmocka_unit_test_setup(persistent_congestion_starts_over, set_up),
	    cmocka_unit_test_setup(spurious_losses_undo_the_cut, set_up),
	    cmocka_unit_test_setup(a_mark_cuts_once_a_round, set_up),
	    cmocka_unit_test_setup(fast_convergence_gives_room, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
