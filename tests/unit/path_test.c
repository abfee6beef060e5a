/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A path tells the fate of every frame, keeps its window and counts, survives odd ACKs, and fills a
 * simulated line with little loss.
 */
#include "tunnel/path.h"

#include "base/err.h"
#include "base/rng.h"
#include "tunnel/cc_bbr.h"
#include "tunnel/cc_cubic.h"
#include "tunnel/cc_fixed.h"
#include "tunnel/received.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

enum { PACKET_BYTES = 1000, RTT_US = 50000, PACKETS_MAX = 400000 };

/* What became of the frame of each packet. */
static uint8_t acked[PACKETS_MAX], lost[PACKETS_MAX];

static void note_fate(void *context, const struct sent_frame *frame, bool is_lost)
{
	(void)context;
	if (is_lost) {
		assert_int_equal(acked[frame->offset], 0);
		lost[frame->offset]++;
	} else {
		acked[frame->offset]++;
	}
	assert_true(acked[frame->offset] <= 1 && lost[frame->offset] <= 1);
}

static int set_up(void **state)
{
	static const struct path_config config = {
	    .packet_bytes = PACKET_BYTES,
	    .packet_most_bytes = PACKET_BYTES,
	    .cc = &cc_cubic,
	    .max_ack_delay_us = 6000,
	    .pto_max_us = 500000,
	};
	static struct path path;

	memset(acked, 0, sizeof(acked));
	memset(lost, 0, sizeof(lost));
	assert_int_equal(path_init(&path, &config, 0), 0);
	*state = &path;
	return 0;
}

static int tear_down(void **state)
{
	path_clear(*state);
	return 0;
}

static uint64_t send_packet(struct path *path, uint64_t now_us)
{
	uint64_t number = path_packet_begin(path);
	struct sent_frame frame = {.offset = number, .length = 1};

	assert_true(number != PATH_NUMBER_NONE);
	assert_int_equal(path_packet_add(path, &frame), 0);
	path_packet_commit(path, PACKET_BYTES, true, false, now_us);
	return number;
}

static int acknowledge(struct path *path, uint64_t first, uint64_t last, uint64_t now_us)
{
	struct ack_frame ack = {.largest = last, .range_count = 1, .ranges = {{first, last}}};

	return path_on_ack(path, &ack, now_us, note_fate, NULL);
}

static void frames_come_back_acknowledged(void **state)
{
	struct path *path = *state;

	path->ecn_is_on = false;
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(send_packet(path, i), i);
	assert_int_equal(path_send_room(path, 10), 0);
	assert_int_equal(path_pacing_timer_us(path, 10), UINT64_MAX);
	assert_int_equal(acknowledge(path, 0, 4, RTT_US), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(acked[i], i < 5);
	assert_int_equal(path->rtt.latest_us, RTT_US - 4);
	assert_int_equal(path->rtt.samples, 1);
	assert_int_equal(path->sent.in_flight_bytes, 5000);
	/* Again: nothing new. */
	assert_int_equal(acknowledge(path, 0, 4, RTT_US + 1), 0);
	assert_int_equal(path->rtt.samples, 1);
	assert_int_equal(acknowledge(path, 0, 9, RTT_US + 2), 0);
	assert_int_equal(path->sent.in_flight_bytes, 0);
	assert_int_equal(path->sent.first, 10);
	assert_int_equal(path_timer_us(path), UINT64_MAX);
}

static uint64_t send_while_urgent(struct path *path, uint64_t *now_us, uint64_t until_us)
{
	uint64_t count = 0;

	for (; *now_us < until_us; *now_us += 100)
		while (path_urgent_room(path, *now_us) >= PACKET_BYTES) {
			send_packet(path, *now_us);
			count++;
		}
	return count;
}

/* Beyond the window, at the starting rate; with 1.5 round trips of it in flight, and no more. */
static void urgent_packets_do_not_wait_for_a_window(void **state)
{
	const uint64_t most = UINT64_C(3) * START_RATE_BPS * RTT_US / 2000000 / PACKET_BYTES;
	struct path *path = *state;
	uint64_t now_us = RTT_US;

	send_packet(path, 0);
	acknowledge(path, 0, 0, now_us);
	assert_in_range(send_while_urgent(path, &now_us, RTT_US + 30000), 30, 45);
	assert_int_equal(path_send_room(path, now_us), 0);
	assert_int_equal(path_pacing_timer_us(path, now_us), UINT64_MAX);
	assert_in_range(path_urgent_timer_us(path, now_us), now_us, now_us + 1000);
	send_while_urgent(path, &now_us, RTT_US + 200000);
	assert_int_equal(path->sent.in_flight_bytes / PACKET_BYTES, most);
	assert_int_equal(path_urgent_timer_us(path, now_us), UINT64_MAX);
}

static void a_path_that_has_shown_its_rate_has_no_urgent_room(void **state)
{
	struct path *path = *state;
	uint64_t number;

	assert_true(path_is_starting(path));
	for (uint64_t i = 0; i < 10; i++)
		send_packet(path, i);
	acknowledge(path, 5, 9, RTT_US);
	assert_false(path_is_starting(path));
	while (path_send_room(path, RTT_US) > 0)
		number = send_packet(path, RTT_US);
	assert_true(number > 9);
	assert_int_equal(path_urgent_room(path, RTT_US), 0);
	assert_int_equal(path_urgent_timer_us(path, RTT_US), path_pacing_timer_us(path, RTT_US));
}

static void an_abandoned_packet_leaves_nothing(void **state)
{
	struct path *path = *state;
	struct sent_frame frame = {.offset = 99};

	assert_int_equal(path_packet_begin(path), 0);
	path_packet_add(path, &frame);
	path_packet_abandon(path);
	assert_int_equal(send_packet(path, 1), 0);
	acknowledge(path, 0, 0, RTT_US);
	assert_int_equal(acked[0], 1);
	assert_int_equal(acked[99], 0);
}

static void false_acks_change_nothing(void **state)
{
	struct path *path = *state;
	struct ack_frame ack = {.largest = 1, .range_count = 1, .ranges = {{0, 1}}};

	for (uint64_t i = 0; i < 10; i++)
		send_packet(path, i);
	assert_int_equal(acknowledge(path, 0, 10, RTT_US), ERR_MALFORMED);
	assert_int_equal(acknowledge(path, 5, 4, RTT_US), ERR_MALFORMED);
	ack.largest = 2;
	assert_int_equal(path_on_ack(path, &ack, 1, note_fate, NULL), ERR_MALFORMED);
	ack.range_count = 0;
	assert_int_equal(path_on_ack(path, &ack, 1, note_fate, NULL), ERR_MALFORMED);
	/* Overlapping, touching, ascending, past the end of numbers. */
	ack.range_count = 2;
	ack.largest = 5;
	ack.ranges[0] = (struct ack_range){3, 5};
	ack.ranges[1] = (struct ack_range){1, 3};
	assert_int_equal(path_on_ack(path, &ack, 1, note_fate, NULL), ERR_MALFORMED);
	ack.ranges[1] = (struct ack_range){1, 2};
	assert_int_equal(path_on_ack(path, &ack, 1, note_fate, NULL), ERR_MALFORMED);
	ack.ranges[1] = (struct ack_range){7, 8};
	assert_int_equal(path_on_ack(path, &ack, 1, note_fate, NULL), ERR_MALFORMED);
	ack.ranges[1] = (struct ack_range){0, UINT64_MAX};
	assert_int_equal(path_on_ack(path, &ack, 1, note_fate, NULL), ERR_MALFORMED);
	assert_int_equal(path->sent.in_flight_pkts, 10);
	ack.ranges[1] = (struct ack_range){0, 1};
	assert_int_equal(path_on_ack(path, &ack, 1, note_fate, NULL), 0);
	/* Five arrived, and number 2 is lost. */
	assert_int_equal(path->sent.in_flight_pkts, 4);
}

static void a_timeout_hands_frames_to_the_probes(void **state)
{
	struct path *path = *state;
	uint64_t due_us;

	for (uint64_t i = 0; i < 5; i++)
		send_packet(path, i);
	due_us = path_timer_us(path);
	assert_int_equal(path_on_timer(path, due_us - 1, note_fate, NULL), 0);
	assert_int_equal(path_on_timer(path, due_us, note_fate, NULL), 2);
	assert_int_equal(lost[0] + lost[1], 2);
	assert_int_equal(lost[2], 0);
	assert_int_equal(path->sent.in_flight_pkts, 5);
	assert_int_equal(path->counters.packets_lost, 0);
	/* The next takes the next packets; it is no further, since one PTO is above the cap. */
	assert_int_equal(path_timer_us(path) - due_us, path_pto_us(path));
	due_us = path_timer_us(path);
	assert_int_equal(path_on_timer(path, due_us, note_fate, NULL), 2);
	assert_int_equal(lost[2] + lost[3], 2);
	/* A probe arrives: the rest is lost by the rules, and told once. */
	send_packet(path, due_us);
	send_packet(path, due_us);
	acknowledge(path, 6, 6, due_us + RTT_US);
	assert_int_equal(path->counters.packets_lost, 5);
	assert_int_equal(lost[4], 1);
	assert_int_equal(path->loss.pto_count, 0);
}

/* As a ping: it asks, and bears nothing. */
static void send_plain(struct path *path, uint64_t now_us)
{
	assert_true(path_packet_begin(path) != PATH_NUMBER_NONE);
	path_packet_commit(path, 40, true, false, now_us);
}

static void probes_are_not_spent_on_what_bears_nothing(void **state)
{
	struct path *path = *state;
	uint64_t bearing;

	for (uint64_t i = 0; i < 3; i++)
		send_plain(path, i);
	bearing = send_packet(path, 3);
	path_packet_bears(path);
	send_plain(path, 100000);
	assert_int_equal(path_timer_us(path), 3 + path_pto_us(path));
	assert_int_equal(path_on_timer(path, path_timer_us(path), note_fate, NULL), 2);
	assert_int_equal(lost[bearing], 1);
}

/* The window was cut for packets that arrive after all. */
static void late_acks_undo_the_cut(void **state)
{
	struct path *path = *state;
	uint64_t window;

	path->ecn_is_on = false;
	for (uint64_t i = 0; i < 10; i++)
		send_packet(path, i);
	acknowledge(path, 0, 9, RTT_US);
	for (uint64_t i = 10; i < 30; i++)
		send_packet(path, RTT_US + i);
	window = path_window_bytes(path);
	acknowledge(path, 14, 29, 2 * RTT_US + 30);
	assert_true(path_window_bytes(path) < window);
	assert_int_equal(path->counters.packets_lost, 4);
	assert_int_equal(lost[13], 1);
	acknowledge(path, 10, 29, 2 * RTT_US + 35);
	assert_int_equal(path->counters.packets_spurious, 4);
	assert_true(path_window_bytes(path) >= window);
	assert_int_equal(acked[13], 1);
	assert_true(path->loss.packet_threshold > 3);
}

static void marks_are_checked(void **state)
{
	struct path *path = *state;
	struct ack_frame ack = {.largest = 1, .range_count = 1, .ranges = {{0, 1}}};
	uint64_t window;

	assert_int_equal(path_ecn(path), 2);
	for (uint64_t i = 0; i < 8; i++)
		send_packet(path, i);
	ack.has_ecn = true;
	ack.ecn_ect0 = 2;
	path_on_ack(path, &ack, RTT_US, note_fate, NULL);
	assert_int_equal(path_ecn(path), 2);
	window = path_window_bytes(path);
	ack.largest = ack.ranges[0].last = 3;
	ack.ecn_ect0 = 3;
	ack.ecn_ce = 1;
	path_on_ack(path, &ack, RTT_US, note_fate, NULL);
	assert_true(path_window_bytes(path) < window);
	assert_int_equal(path->counters.ecn_marks, 1);
	/* Now they vanish. */
	ack.largest = ack.ranges[0].last = 5;
	path_on_ack(path, &ack, RTT_US, note_fate, NULL);
	assert_int_equal(path_ecn(path), 0);
}

static void who_only_receives_keeps_little(void **state)
{
	struct path *path = *state;

	for (uint64_t i = 0; i < 1000000; i++) {
		assert_true(path_packet_begin(path) == i);
		path_packet_commit(path, 60, false, true, i * 1000);
	}
	assert_true(path->sent.packet_capacity <= 8192);
	assert_int_equal(path->sent.in_flight_bytes, 0);
	assert_int_equal(path_timer_us(path), UINT64_MAX);
}

/*
 * A line of fixed rate, delay and queue, with random loss, driven packet by packet: arrivals wait
 * in `arrives_us`, acknowledgements go back through struct received.
 */
struct line {
	uint64_t rate_Bps, delay_us, queue_bytes;
	double loss;
	uint64_t busy_until_us;
	uint64_t arrives_us[PACKETS_MAX]; /* 0: dropped */
	uint64_t sent, arrived, dropped;
};

static struct line line;

static void line_send(struct rng *rng, uint64_t number, uint64_t now_us)
{
	uint64_t backlog_us = line.busy_until_us > now_us ? line.busy_until_us - now_us : 0;

	line.sent = number + 1;
	line.arrives_us[number] = 0;
	if (backlog_us * line.rate_Bps / 1000000 > line.queue_bytes) {
		line.dropped++;
		return;
	}
	line.busy_until_us = now_us + backlog_us + PACKET_BYTES * 1000000 / line.rate_Bps;
	if (rng_uniform(rng) >= line.loss)
		line.arrives_us[number] = line.busy_until_us + line.delay_us;
}

/* Acknowledges what arrived by now, as of one delay ago. */
static void line_acknowledge(struct path *path, struct received *received, uint64_t now_us)
{
	struct ack_frame ack;
	bool any = false;

	while (line.arrived < line.sent) {
		uint64_t at_us = line.arrives_us[line.arrived];

		if (at_us && at_us + line.delay_us > now_us)
			break;
		if (at_us)
			received_add(received, line.arrived, PACKET_BYTES, 0, at_us);
		any |= at_us != 0;
		line.arrived++;
	}
	if (!any || !received_fill_ack(received, &ack, now_us - line.delay_us))
		return;
	received_ack_sent(received, now_us);
	assert_int_equal(path_on_ack(path, &ack, now_us, note_fate, NULL), 0);
}

/* Bytes a second delivered in the last half of `duration_us`. */
static uint64_t run_line(struct path *path, uint64_t duration_us)
{
	static struct received received;
	struct rng rng;
	uint64_t half_acked = 0;

	rng_seed(&rng, test_seed());
	received_init(&received);
	line.busy_until_us = line.sent = line.arrived = line.dropped = 0;
	for (uint64_t now_us = 1000; now_us < duration_us; now_us += 500) {
		size_t room;

		line_acknowledge(path, &received, now_us);
		if (path_timer_us(path) <= now_us) {
			unsigned probes = path_on_timer(path, now_us, note_fate, NULL);

			while (probes-- > 0)
				line_send(&rng, send_packet(path, now_us), now_us);
		}
		for (room = path_send_room(path, now_us);
		     room >= PACKET_BYTES && line.sent < PACKETS_MAX - 2; room -= PACKET_BYTES)
			line_send(&rng, send_packet(path, now_us), now_us);
		if (now_us < duration_us / 2)
			half_acked = path->counters.packets_acked;
	}
	return (path->counters.packets_acked - half_acked) * PACKET_BYTES * 1000000
	       / (duration_us / 2);
}

static void a_clean_line_is_filled(void **state)
{
	struct path *path = *state;

	line.rate_Bps = 2500000;
	line.delay_us = RTT_US / 2;
	line.queue_bytes = 125000;
	line.loss = 0;
	assert_in_range(run_line(path, 40000000), line.rate_Bps * 90 / 100, line.rate_Bps);
	assert_true(line.dropped < line.sent / 100);
	for (uint64_t i = 0; i + 1000 < line.sent; i++)
		assert_true(acked[i] || lost[i]);
}

static void loss_slows_but_does_not_stop(void **state)
{
	struct path *path = *state;

	line.rate_Bps = 2500000;
	line.delay_us = RTT_US / 2;
	line.queue_bytes = 125000;
	line.loss = 0.01;
	/* Mathis' formula gives a window of about 12 packets for Reno, CUBIC's region is above. */
	assert_in_range(run_line(path, 40000000), 200000, line.rate_Bps);
	assert_true(path->counters.packets_spurious <= path->counters.packets_lost / 50);
}

/* Numbers, RTT and what is in flight stay; the new one starts from what was learned. */
static void the_controller_changes_while_packets_are_in_flight(void **state)
{
	struct path *path = *state;

	send_packet(path, 0);
	assert_int_equal(acknowledge(path, 0, 0, RTT_US), 0);
	for (uint64_t i = 1; i < 6; i++)
		assert_int_equal(send_packet(path, RTT_US), i);
	assert_int_equal(path_set_congestion(path, &cc_fixed, 5000000, RTT_US), 0);
	assert_int_equal(path_pacing_rate_Bps(path), 5000000);
	assert_int_equal(path->sent.in_flight_bytes, 5 * PACKET_BYTES);
	assert_int_equal(acknowledge(path, 1, 3, 2 * RTT_US), 0);
	assert_int_equal(path_set_congestion(path, &cc_cubic, 0, 2 * RTT_US), 0);
	assert_int_equal(path_window_bytes(path), 5000000 / (1000000 / RTT_US));
	assert_int_equal(acknowledge(path, 1, 5, 2 * RTT_US), 0);
	assert_int_equal(path->rtt.min_us, RTT_US);
	assert_int_equal(path->sent.in_flight_bytes, 0);
}

static struct path_share_record last_told;
static unsigned looks;

static unsigned count_looks(void *context, struct path_share_record *records, unsigned most)
{
	(void)context;
	(void)records;
	(void)most;
	looks++;
	return 0;
}

static void keep_told(void *context, const struct path_share_record *record)
{
	(void)context;
	last_told = *record;
}

/* The others move one by one, and until then they know the old path. */
static void on_another_path_siblings_are_not_asked_for_a_while(void **state)
{
	const struct path_config config = {.packet_bytes = PACKET_BYTES,
	    .packet_most_bytes = PACKET_BYTES,
	    .cc = &cc_bbr,
	    .max_ack_delay_us = 6000,
	    .pto_max_us = 500000,
	    .siblings = {.read = count_looks, .tell = keep_told}};
	const uint64_t quiet_us = PATH_SHARE_FRESH_US + 2 * RTT_US;
	struct path path;
	uint64_t now_us = 1000000;

	(void)state;
	assert_int_equal(path_init(&path, &config, now_us), 0);
	send_packet(&path, now_us);
	now_us += RTT_US;
	acknowledge(&path, 0, 0, now_us);
	assert_int_equal(last_told.min_rtt_us, RTT_US);
	looks = 0;
	path_on_moved(&path, true, now_us);
	assert_int_equal(last_told.told_us, 0);
	for (uint64_t number = 1; number < 4; number++) {
		uint64_t sent_us = now_us + quiet_us * number / 4;

		send_packet(&path, sent_us);
		acknowledge(&path, number, number, sent_us + RTT_US / 4);
	}
	assert_int_equal(looks, 0);
	send_packet(&path, now_us + quiet_us);
	acknowledge(&path, 4, 4, now_us + quiet_us + RTT_US);
	assert_int_equal(looks, 1);
	path_clear(&path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(frames_come_back_acknowledged, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        urgent_packets_do_not_wait_for_a_window, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_path_that_has_shown_its_rate_has_no_urgent_room, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_abandoned_packet_leaves_nothing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(false_acks_change_nothing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_timeout_hands_frames_to_the_probes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        probes_are_not_spent_on_what_bears_nothing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(late_acks_undo_the_cut, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(marks_are_checked, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(who_only_receives_keeps_little, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        the_controller_changes_while_packets_are_in_flight, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        on_another_path_siblings_are_not_asked_for_a_while, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_clean_line_is_filled, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(loss_slows_but_does_not_stop, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
