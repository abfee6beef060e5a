/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loss detection by packets and by time, thresholds that adapt, timeouts, persistent congestion. */
#include "tunnel/loss.h"

#include "tunnel/path_limits.h"

#include "tests/unit/cmocka_all.h"

enum { RTT_US = 80000, PTO_MAX_US = 500000, ACK_DELAY_US = 5000 };

struct fixture {
	struct sentmap map;
	struct rtt rtt;
	struct loss loss;
	struct loss_result result;
	unsigned lost;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){0};
	sentmap_init(&f.map);
	rtt_init(&f.rtt, 0);
	for (int i = 0; i < 100; i++)
		rtt_update(&f.rtt, RTT_US, 0, 0, 0);
	loss_init(&f.loss, ACK_DELAY_US, PTO_MAX_US);
	f.loss.has_sample = true;
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sentmap_clear(&f->map);
	return 0;
}

static void send_packet(struct fixture *f, uint64_t now_us)
{
	sentmap_reserve(&f->map);
	sentmap_push(&f->map, now_us, 100, true, 0);
	loss_on_sent(&f->loss, true, now_us);
}

static void count_lost(void *context, uint64_t number, struct sent_packet *packet)
{
	struct fixture *f = context;

	assert_int_equal(packet->state, SENT_LOST);
	assert_ptr_equal(packet, sentmap_get(&f->map, number));
	f->lost++;
}

static void detect(struct fixture *f, uint64_t now_us)
{
	loss_detect(&f->loss, &f->map, &f->rtt, now_us, count_lost, f, &f->result);
}

static void acknowledge(struct fixture *f, uint64_t number, uint64_t now_us)
{
	sentmap_set_state(&f->map, sentmap_get(&f->map, number), SENT_ACKED);
	loss_on_ack(&f->loss, number);
	detect(f, now_us);
}

static void three_later_ones_make_a_loss(void **state)
{
	struct fixture *f = *state;

	for (uint64_t i = 0; i < 5; i++)
		send_packet(f, i + 1);
	acknowledge(f, 2, RTT_US);
	assert_int_equal(f->lost, 0);
	acknowledge(f, 3, RTT_US);
	assert_int_equal(f->lost, 1);
	acknowledge(f, 4, RTT_US);
	assert_int_equal(f->lost, 2);
	assert_int_equal(f->result.packets, 1);
	assert_int_equal(f->result.bytes, 100);
	assert_int_equal(f->result.largest_sent_us, 2);
	assert_int_equal(f->map.in_flight_pkts, 0);
	assert_int_equal(loss_timer_us(&f->loss, &f->map, &f->rtt), UINT64_MAX);
}

static void a_late_one_is_lost_by_time(void **state)
{
	struct fixture *f = *state;

	send_packet(f, 1000);
	send_packet(f, 2000);
	acknowledge(f, 1, 2000 + RTT_US);
	assert_int_equal(f->lost, 0);
	/* 9/8 of an RTT after it was sent. */
	assert_int_equal(loss_timer_us(&f->loss, &f->map, &f->rtt), 1000 + RTT_US * 9 / 8);
	assert_false(loss_pto_is_due(&f->loss, &f->map, &f->rtt, 1000 + RTT_US * 9 / 8));
	detect(f, 1000 + RTT_US * 9 / 8 - 1);
	assert_int_equal(f->lost, 0);
	detect(f, 1000 + RTT_US * 9 / 8);
	assert_int_equal(f->lost, 1);
}

static void timeouts_back_off_to_their_cap(void **state)
{
	struct fixture *f = *state;
	uint64_t pto_us = RTT_US + PTO_GRANULARITY_US + ACK_DELAY_US;

	assert_int_equal(loss_timer_us(&f->loss, &f->map, &f->rtt), UINT64_MAX);
	send_packet(f, 1000);
	assert_int_equal(loss_timer_us(&f->loss, &f->map, &f->rtt), 1000 + pto_us);
	assert_true(loss_pto_is_due(&f->loss, &f->map, &f->rtt, 1000 + pto_us));
	loss_on_pto(&f->loss, 1000);
	assert_int_equal(loss_timer_us(&f->loss, &f->map, &f->rtt), 1000 + 2 * pto_us);
	loss_on_pto(&f->loss, 1000);
	loss_on_pto(&f->loss, 1000);
	assert_int_equal(loss_timer_us(&f->loss, &f->map, &f->rtt), 1000 + PTO_MAX_US);
	for (int i = 0; i < 100; i++)
		loss_on_pto(&f->loss, 1000);
	assert_int_equal(loss_timer_us(&f->loss, &f->map, &f->rtt), 1000 + PTO_MAX_US);
	send_packet(f, 2000);
	acknowledge(f, 0, 3000);
	assert_int_equal(loss_timer_us(&f->loss, &f->map, &f->rtt), 2000 + pto_us);
}

static void pings_do_not_put_off_the_timeout(void **state)
{
	struct fixture *f = *state;
	uint64_t pto_us = RTT_US + PTO_GRANULARITY_US + ACK_DELAY_US, probed_us = 200000 + pto_us;

	send_packet(f, 1000);
	loss_on_bearing(&f->loss, 0);
	send_packet(f, 60000);
	assert_int_equal(loss_timer_us(&f->loss, &f->map, &f->rtt), 1000 + pto_us);
	/* With the ping alone in flight it is the ping's. */
	acknowledge(f, 0, 1000 + RTT_US);
	assert_int_equal(loss_timer_us(&f->loss, &f->map, &f->rtt), 60000 + pto_us);
	send_packet(f, 200000);
	loss_on_bearing(&f->loss, 2);
	send_packet(f, 250000);
	assert_int_equal(loss_timer_us(&f->loss, &f->map, &f->rtt), probed_us);
	/* Probes that are mere pings: the next is not due at once, nor put off by them. */
	loss_on_pto(&f->loss, probed_us);
	assert_int_equal(loss_timer_us(&f->loss, &f->map, &f->rtt), probed_us + 2 * pto_us);
	send_packet(f, probed_us + 100000);
	assert_int_equal(loss_timer_us(&f->loss, &f->map, &f->rtt), probed_us + 2 * pto_us);
}

static void spurious_losses_raise_the_thresholds(void **state)
{
	struct fixture *f = *state;
	uint64_t now_us = 1000000;

	loss_on_spurious(&f->loss, 10, &f->rtt, now_us);
	assert_int_equal(f->loss.packet_threshold, 11);
	assert_int_equal(f->loss.reorder_eighths, 2);
	/* In time one step an RTT, in packets at once. */
	loss_on_spurious(&f->loss, 1000, &f->rtt, now_us + 1);
	assert_int_equal(f->loss.packet_threshold, LOSS_PACKET_THRESHOLD_MAX);
	assert_int_equal(f->loss.reorder_eighths, 2);
	send_packet(f, now_us);
	for (uint64_t i = 1; i < 20; i++)
		send_packet(f, now_us + i);
	acknowledge(f, 19, now_us + RTT_US);
	assert_int_equal(f->lost, 0);
	assert_int_equal(f->loss.loss_time_us, now_us + RTT_US * 10 / 8);
	/* And back, step by step. */
	for (int i = 0; i < 200; i++) {
		now_us += LOSS_THRESHOLD_HOLD_RTTS * RTT_US;
		detect(f, now_us);
	}
	assert_int_equal(f->loss.packet_threshold, LOSS_PACKET_THRESHOLD);
	assert_int_equal(f->loss.reorder_eighths, LOSS_REORDER_EIGHTHS);
}

/* Losses over more than three PTO, nothing acknowledged between: RFC 9002 section 7.6. */
static void long_losses_are_persistent(void **state)
{
	struct fixture *f = *state;
	uint64_t pto_us = RTT_US + PTO_GRANULARITY_US + ACK_DELAY_US;

	send_packet(f, 1000);
	send_packet(f, 1000 + 3 * pto_us + 1);
	for (int i = 0; i < 3; i++)
		send_packet(f, 1000 + 3 * pto_us + 2);
	acknowledge(f, 4, 1000 + 3 * pto_us + RTT_US);
	assert_int_equal(f->result.packets, 2);
	assert_true(f->result.is_persistent);
}

static void an_acknowledged_one_breaks_persistence(void **state)
{
	struct fixture *f = *state;
	uint64_t pto_us = RTT_US + PTO_GRANULARITY_US + ACK_DELAY_US;

	send_packet(f, 1000);
	send_packet(f, 1000 + pto_us);
	for (int i = 0; i < 4; i++)
		send_packet(f, 1000 + 3 * pto_us + 1);
	sentmap_set_state(&f->map, sentmap_get(&f->map, 1), SENT_ACKED);
	acknowledge(f, 5, 1000 + 3 * pto_us + RTT_US);
	assert_int_equal(f->result.packets, 2);
	assert_false(f->result.is_persistent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(three_later_ones_make_a_loss, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_late_one_is_lost_by_time, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(timeouts_back_off_to_their_cap, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(pings_do_not_put_off_the_timeout, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        spurious_losses_raise_the_thresholds, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(long_losses_are_persistent, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        an_acknowledged_one_breaks_persistence, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
