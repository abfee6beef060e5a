/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When repairs go: copies of thin traffic, a share of dense traffic, the end of a burst, and no more than is paid for. */
#include "config.h"

#include "tunnel/repair_control.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

enum { RTT_US = 110000, STEP_US = 100 };

struct traffic {
	struct repair_control control;
	struct repair_encoder encoder;
	uint64_t now_us, number;
	unsigned windows, copies;
	uint64_t last_us; /* of the last repair */
	uint64_t repair_bytes;
};

static struct budget budget = {.limit_bytes = 64 << 20};
static struct repair_memory plenty = {.budget = &budget};

static void begin(struct traffic *traffic, double loss)
{
	memset(traffic, 0, sizeof(*traffic));
	traffic->encoder.memory = &plenty;
	traffic->now_us = 5000000;
	repair_control_init(&traffic->control, traffic->now_us);
	repair_control_set_path(&traffic->control, loss, 1, RTT_US);
}

static void send_packet(struct traffic *traffic, enum flow_class class, unsigned budget_pct)
{
	uint8_t content[100] = {0};

	assert_int_equal(repair_encoder_add(&traffic->encoder, traffic->number++, content,
	                     sizeof(content), traffic->now_us),
	    0);
	repair_control_on_packet(&traffic->control, &traffic->encoder, class, traffic->now_us);
	repair_control_on_sent(&traffic->control, traffic->repair_bytes, budget_pct);
}

static void pass(struct traffic *traffic, uint64_t us)
{
	for (uint64_t end_us = traffic->now_us + us; traffic->now_us < end_us;
	     traffic->now_us += STEP_US) {
		struct repair_due due;

		if (repair_control_timer_us(&traffic->control) > traffic->now_us)
			continue;
		due = repair_control_due(&traffic->control, &traffic->encoder, traffic->now_us);
		if (due.kind == REPAIR_NONE)
			continue;
		traffic->windows += due.kind == REPAIR_WINDOW;
		traffic->copies += due.kind == REPAIR_COPY;
		traffic->last_us = traffic->now_us;
		repair_control_done(&traffic->control, &traffic->encoder, &due,
		    traffic->repair_bytes, traffic->now_us);
	}
}

static void thin_flows_go_three_times(void **state)
{
	struct traffic traffic;
	uint64_t sent_us;

	(void)state;
	begin(&traffic, 0.02);
	traffic.repair_bytes = 200;
	for (int i = 0; i < 600; i++) {
		send_packet(&traffic, CLASS_REALTIME, 30);
		pass(&traffic, 16600);
	}
	pass(&traffic, 100000);
	assert_int_equal(traffic.copies, 1200);
	assert_int_equal(traffic.windows, 0);
	/* 3 and 15 ms behind the packet, or 9, however many are lost in a row. */
	for (int i = 0; i < 3; i++) {
		uint64_t first_us = i == 2 ? 9000 : 3000;

		repair_control_set_path(
		    &traffic.control, i == 2 ? 0.005 : 0.02, i == 1 ? 1.5 : 1, RTT_US);
		traffic.copies = 0;
		sent_us = traffic.now_us;
		send_packet(&traffic, CLASS_REALTIME, 30);
		pass(&traffic, first_us);
		assert_int_equal(traffic.copies, 0);
		pass(&traffic, 500);
		assert_int_equal(traffic.copies, 1);
		pass(&traffic, 20000);
		assert_int_equal(traffic.copies, i == 2 ? 1 : 2);
		if (i < 2)
			assert_in_range(traffic.last_us, sent_us + 15000, sent_us + 15200);
		pass(&traffic, 100000);
	}
	repair_encoder_clear(&traffic.encoder);
}

static void dense_flows_get_a_share(void **state)
{
	const struct {
		uint64_t gap_us;
		unsigned least, most; /* repairs of a thousand packets */
	} cases[] = {{500, 90, 140}, {1700, 200, 280}, {3300, 280, 520}};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct traffic traffic;

		begin(&traffic, 0.02);
		traffic.repair_bytes = 200;
		for (int j = 0; j < 1000; j++) {
			send_packet(&traffic, CLASS_REALTIME, 30);
			pass(&traffic, cases[i].gap_us);
		}
		assert_in_range(traffic.windows, cases[i].least, cases[i].most);
		assert_in_range(traffic.copies, 0, 4); /* of the first packets */
		repair_encoder_clear(&traffic.encoder);
	}
}

/* A busy host sends the same packets several at once: that needs as many repairs. */
static void bursts_of_dense_flows_get_the_same_share(void **state)
{
	unsigned evenly = 0;

	(void)state;
	for (int burst = 1; burst <= 10; burst += 9) {
		struct traffic traffic;

		begin(&traffic, 0.1);
		traffic.repair_bytes = 200;
		for (int i = 0; i < 2000; i++) {
			send_packet(&traffic, CLASS_REALTIME, 50);
			if (i % 50 < burst)
				continue;
			pass(&traffic, i % 50 == burst ? 500 * (unsigned)burst : 500);
		}
		if (burst == 1)
			evenly = traffic.windows;
		assert_in_range(traffic.windows, evenly * 97 / 100, evenly * 103 / 100);
		repair_encoder_clear(&traffic.encoder);
	}
}

/* Of datagrams that come together each is a packet, unless more come than a window holds: 9,600 a second. */
static void datagrams_go_alone_while_a_window_holds_them(void **state)
{
	const struct {
		unsigned at_once, each_us;
		bool is_alone;
	} cases[] = {{1, 500, true}, {40, 10000, true}, {REPAIR_WINDOW_PKTS - 1, 20000, true},
	    {1, 80, false}, {25, 2000, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct repair_control control;
		uint64_t now_us = 5000000;
		unsigned alone = 0, asked = 0;

		repair_control_init(&control, now_us);
		repair_control_set_path(&control, 0.02, 1, RTT_US);
		for (; now_us < 7000000; now_us += cases[i].each_us)
			for (unsigned j = 0; j < cases[i].at_once; j++) {
				bool is_alone = repair_control_goes_alone(&control, now_us);

				asked += now_us >= 6000000;
				alone += now_us >= 6000000 && is_alone;
			}
		assert_int_equal(alone, cases[i].is_alone ? asked : 0);
	}
}

static void the_end_of_a_burst_is_repaired(void **state)
{
	struct traffic traffic;

	(void)state;
	begin(&traffic, 0.02);
	traffic.repair_bytes = 1200;
	for (int i = 0; i < 17; i++)
		send_packet(&traffic, CLASS_INTERACTIVE, 30);
	pass(&traffic, REPAIR_FLUSH_US);
	assert_int_equal(traffic.windows, 0);
	pass(&traffic, 50000);
	assert_int_equal(traffic.windows, 4);
	/* A request: once 2 ms later, once more. */
	send_packet(&traffic, CLASS_INTERACTIVE, 30);
	pass(&traffic, 3000);
	assert_int_equal(traffic.windows, 5);
	pass(&traffic, 50000);
	assert_int_equal(traffic.windows, 6);
	/* The end of a bulk transfer: one. */
	send_packet(&traffic, CLASS_BULK, 30);
	pass(&traffic, 50000);
	assert_int_equal(traffic.windows, 7);
	assert_true(repair_control_timer_us(&traffic.control) == UINT64_MAX);
	repair_encoder_clear(&traffic.encoder);
}

static void no_loss_no_repair(void **state)
{
	struct traffic traffic;

	(void)state;
	begin(&traffic, 0);
	for (int i = 0; i < 1000; i++) {
		send_packet(&traffic, i % 2 ? CLASS_REALTIME : CLASS_INTERACTIVE, 30);
		pass(&traffic, (uint64_t)(i % 50) * 1000);
	}
	pass(&traffic, 100000);
	assert_int_equal(traffic.windows + traffic.copies, 0);
	repair_encoder_clear(&traffic.encoder);
}

/* At 30 % loss far more would be wanted than the thin allowance and the budget let go. */
static void budgets_hold(void **state)
{
	struct traffic traffic;
	unsigned least;

	(void)state;
	begin(&traffic, 0.3);
	traffic.repair_bytes = 1000;
	for (int i = 0; i < 10000; i++) {
		send_packet(&traffic, CLASS_REALTIME, 0);
		pass(&traffic, 1000);
	}
	least = traffic.windows + traffic.copies;
	assert_in_range(least, 10 * REPAIR_THIN_BPS / 1000 * 9 / 10,
	    (10 * REPAIR_THIN_BPS + REPAIR_THIN_BURST_BYTES) / 1000 + 2);
	for (int i = 0; i < 10000; i++) {
		send_packet(&traffic, CLASS_REALTIME, 20);
		pass(&traffic, 1000);
	}
	assert_in_range(traffic.windows + traffic.copies - least,
	    2000 + 10 * REPAIR_THIN_BPS / 1000 * 9 / 10, 2000 + 10 * REPAIR_THIN_BPS / 1000 + 20);
	repair_encoder_clear(&traffic.encoder);
}

/* One percent of small packets is less than a byte of each, but not of all. */
static void small_packets_pay_their_share(void **state)
{
	struct traffic traffic;

	(void)state;
	begin(&traffic, 0.3);
	for (int i = 0; i < 1000; i++)
		repair_control_on_sent(&traffic.control, 90, 1);
	assert_int_equal(traffic.control.share_bytes, 900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(thin_flows_go_three_times),
	    cmocka_unit_test(dense_flows_get_a_share),
	    cmocka_unit_test(bursts_of_dense_flows_get_the_same_share),
	    cmocka_unit_test(datagrams_go_alone_while_a_window_holds_them),
	    cmocka_unit_test(the_end_of_a_burst_is_repaired),
	    cmocka_unit_test(no_loss_no_repair),
	    cmocka_unit_test(budgets_hold),
	    cmocka_unit_test(small_packets_pay_their_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
