/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The given rate stays what it is, with a window that never holds it back. */
#include "tunnel/cc_fixed.h"

#include "tunnel/path_limits.h"

#include "tests/unit/cmocka_all.h"

enum { PACKET_BYTES = 1000, RATE_BPS = 1250000, RTT_US = 100000 };

struct fixture {
	_Alignas(16) uint8_t state[64];
	struct rtt rtt;
};

static int set_up(void **state)
{
	static struct fixture f;
	struct cc_start start = {.packet_bytes = PACKET_BYTES, .rate_Bps = RATE_BPS};

	assert_true(cc_fixed.state_bytes <= sizeof(f.state));
	cc_fixed.init(f.state, &start);
	rtt_init(&f.rtt, 0);
	*state = &f;
	return 0;
}

static void acknowledge(struct fixture *f, uint64_t rtt_us)
{
	struct cc_ack ack = {.rtt = &f->rtt};

	rtt_update(&f->rtt, rtt_us, 0, 0, 0);
	cc_fixed.on_ack(f->state, &ack);
}

static void the_rate_holds_through_loss_and_marks(void **state)
{
	struct fixture *f = *state;
	uint64_t window;

	acknowledge(f, RTT_US);
	window = cc_fixed.window_bytes(f->state);
	cc_fixed.on_loss(
	    f->state, &(struct cc_loss){.packets = 100, .bytes = 100000, .is_persistent = true});
	cc_fixed.on_ecn(f->state, &(struct cc_ecn){.ce_pkts = 50});
	cc_fixed.on_spurious(f->state, 1, 2);
	assert_int_equal(cc_fixed.window_bytes(f->state), window);
	assert_int_equal(cc_fixed.pacing_rate_Bps(f->state, &f->rtt), RATE_BPS);
	assert_int_equal(cc_fixed.path_rate_Bps(f->state, &f->rtt), RATE_BPS);
}

static void the_window_leaves_room_for_more_than_two_round_trips(void **state)
{
	struct fixture *f = *state;

	acknowledge(f, RTT_US);
	assert_int_equal(
	    cc_fixed.window_bytes(f->state), (uint64_t)RATE_BPS * (2 * RTT_US + 50000) / 1000000);
}

static void the_window_has_bounds(void **state)
{
	struct fixture *f = *state;
	struct cc_start slow = {.packet_bytes = PACKET_BYTES, .rate_Bps = 100};

	acknowledge(f, UINT64_MAX / 4);
	assert_int_equal(
	    cc_fixed.window_bytes(f->state), (uint64_t)RATE_BPS * (2 * 2000000 + 50000) / 1000000);
	cc_fixed.init(f->state, &slow);
	assert_int_equal(cc_fixed.window_bytes(f->state), CC_INITIAL_WINDOW_PKTS * PACKET_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(the_rate_holds_through_loss_and_marks, set_up),
	    cmocka_unit_test_setup(the_window_leaves_room_for_more_than_two_round_trips, set_up),
	    cmocka_unit_test_setup(the_window_has_bounds, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
