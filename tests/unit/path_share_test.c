/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of tunnel/path_share.c: what a lane makes of its siblings' records, honest ones and others. */
#include "tunnel/path_share.h"

#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <string.h>

enum { NOW_US = 100000000, RTT_US = 50000, SIBLINGS = 3 };

static struct path_share_record siblings[SIBLINGS], own;
static struct path_share_view view;

/* Three hungry siblings that deliver 1, 2 and 3 MB/s of 8. */
static int set_up(void **state)
{
	(void)state;
	own = (struct path_share_record){.told_us = NOW_US,
	    .order = 1,
	    .rate_Bps = 8000000,
	    .min_rtt_us = RTT_US,
	    .min_rtt_at_us = NOW_US - 1000000,
	    .probed_us = NOW_US - 5000000,
	    .is_rtt_proved = 1,
	    .is_hungry = 1};
	for (unsigned i = 0; i < SIBLINGS; i++) {
		siblings[i] = own;
		siblings[i].order = 2 + i;
		siblings[i].delivered_Bps = (1 + i) * 1000000;
		siblings[i].delivered_bytes = (1 + i) * 1000;
	}
	return 0;
}

static void look(void)
{
	path_share_look(&view, siblings, SIBLINGS, &own, NOW_US);
}

static void rates_and_lanes_are_added_up(void **state)
{
	(void)state;
	look();
	assert_int_equal(view.senders, 3);
	assert_int_equal(view.hungry, 3);
	assert_true(view.delivered_Bps == 6e6);
	assert_int_equal(view.delivered_bytes, 6000);
	assert_true(view.rate_Bps == 8e6);
	assert_true(path_share_part(&view, 8e6) == 2e6);
}

static void alone_it_has_all(void **state)
{
	(void)state;
	path_share_look(&view, siblings, 0, &own, NOW_US);
	assert_int_equal(view.senders, 0);
	assert_true(path_share_part(&view, 8e6) == 8e6);
}

/* Who wants less than its part leaves the rest to the others. */
static void what_is_not_wanted_is_left_to_the_hungry(void **state)
{
	(void)state;
	siblings[0].is_hungry = 0;
	look();
	assert_int_equal(view.hungry, 2);
	assert_true(view.limited_Bps == 1e6);
	assert_true(fabs(path_share_part(&view, 8e6) - 7e6 / 3) < 1);
}

static void one_that_knows_no_rate_is_new_before_those_behind_it(void **state)
{
	(void)state;
	siblings[1].rate_Bps = 0;
	look();
	assert_false(view.is_new_before);
	own.order = siblings[1].order + 1;
	look();
	assert_true(view.is_new_before);
	/* One with a flow does not warm up: others need not wait for it. */
	siblings[1].is_taken = 1;
	look();
	assert_false(view.is_new_before);
	siblings[1].is_taken = 0;
	siblings[1].rate_Bps = 1000000;
	look();
	assert_false(view.is_new_before);
}

/* Whatever a sibling says it delivers: an equal part is always mine. */
static void nobody_is_pushed_out_by_a_lie(void **state)
{
	(void)state;
	siblings[0].is_hungry = 0;
	siblings[0].delivered_Bps = UINT64_MAX;
	look();
	assert_true(path_share_part(&view, 8e6) == 2e6);
	assert_true(view.delivered_Bps < 2e12);
}

static void who_is_silent_does_not_count(void **state)
{
	(void)state;
	siblings[0].told_us = NOW_US - 250000 - 2 * RTT_US - 1;
	siblings[1].told_us = 0;
	look();
	assert_int_equal(view.senders, 1);
	siblings[0].told_us++;
	look();
	assert_int_equal(view.senders, 2);
}

static void records_of_nonsense_do_not_count(void **state)
{
	(void)state;
	siblings[0].told_us = UINT64_MAX;
	siblings[1].min_rtt_us = UINT64_MAX;
	siblings[2].min_rtt_us = 0;
	look();
	assert_int_equal(view.senders, 0);
	memset(siblings, 0xff, sizeof(siblings));
	look();
	assert_int_equal(view.senders, 0);
}

static void times_to_come_are_not_believed(void **state)
{
	(void)state;
	siblings[0].min_rtt_at_us = siblings[0].probed_us = siblings[0].rtt_probe_us = UINT64_MAX;
	siblings[0].loss_floor = NAN;
	siblings[1].loss_floor = 1;
	siblings[2].loss_floor = 0.5;
	look();
	assert_int_equal(view.senders, 3);
	assert_int_equal(view.min_rtt_at_us, NOW_US);
	assert_int_equal(view.rtt_probe_us, NOW_US);
	assert_int_equal(view.probed_us, NOW_US - 5000000);
	assert_true(view.loss_floor == 0);
	siblings[0].loss_floor = 1;
	look();
	assert_true(view.loss_floor > 0.1 && view.loss_floor < 0.2);
}

static void another_path_is_no_sibling(void **state)
{
	(void)state;
	siblings[0].min_rtt_us = RTT_US + RTT_US / 8 + 1;
	siblings[1].min_rtt_us = RTT_US - RTT_US / 8;
	look();
	assert_int_equal(view.senders, 2);
	/* But one that has only seen the queue so far is. */
	siblings[0].is_rtt_proved = 0;
	look();
	assert_int_equal(view.senders, 3);
	assert_int_equal(view.min_rtt_us, RTT_US - RTT_US / 8);
}

/* A rate that idle siblings remember is no one that somebody has now. */
static void idle_siblings_have_a_memory(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIBLINGS; i++)
		siblings[i].is_hungry = 0;
	siblings[1].rate_Bps = 7000000;
	siblings[1].confirmed_us = NOW_US - 5;
	siblings[2].rate_Bps = 0;
	siblings[2].confirmed_us = UINT64_MAX;
	look();
	assert_true(view.rate_Bps == 0);
	assert_true(view.known_Bps == 7e6);
	assert_int_equal(view.confirmed_us, NOW_US - 5);
	siblings[1].is_hungry = 1;
	look();
	assert_true(view.rate_Bps == 7e6);
}

/* By the time of the last probe, then by order. */
static void turns_go_round(void **state)
{
	(void)state;
	look();
	assert_int_equal(view.before, 0);
	own.order = 9;
	look();
	assert_int_equal(view.before, 3);
	siblings[0].probed_us++;
	look();
	assert_int_equal(view.before, 2);
	siblings[1].is_hungry = 0;
	look();
	assert_int_equal(view.before, 1);
}

static void a_probe_is_seen_and_what_it_found(void **state)
{
	(void)state;
	look();
	assert_false(view.is_probing || view.is_raising || view.is_probing_before);
	siblings[1].is_probing = siblings[1].is_raising = 1;
	siblings[1].rate_Bps = 9000000;
	look();
	assert_true(view.is_probing && view.is_raising && !view.is_probing_before);
	assert_true(view.probing_Bps == 9e6);
	siblings[1].probed_us = NOW_US - 6000000;
	look();
	assert_true(view.is_probing_before);
	siblings[2].probed_us = NOW_US - 10;
	siblings[2].rate_Bps = 7000000;
	look();
	assert_int_equal(view.probed_us, NOW_US - 10);
	assert_true(view.probed_Bps == 7e6);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(rates_and_lanes_are_added_up, set_up),
	    cmocka_unit_test_setup(alone_it_has_all, set_up),
	    cmocka_unit_test_setup(what_is_not_wanted_is_left_to_the_hungry, set_up),
	    cmocka_unit_test_setup(one_that_knows_no_rate_is_new_before_those_behind_it, set_up),
	    cmocka_unit_test_setup(nobody_is_pushed_out_by_a_lie, set_up),
	    cmocka_unit_test_setup(who_is_silent_does_not_count, set_up),
	    cmocka_unit_test_setup(records_of_nonsense_do_not_count, set_up),
	    cmocka_unit_test_setup(times_to_come_are_not_believed, set_up),
	    cmocka_unit_test_setup(another_path_is_no_sibling, set_up),
	    cmocka_unit_test_setup(idle_siblings_have_a_memory, set_up),
	    cmocka_unit_test_setup(turns_go_round, set_up),
	    cmocka_unit_test_setup(a_probe_is_seen_and_what_it_found, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
