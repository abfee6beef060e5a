/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/lane_congestion.c: kinds, and a lane's part of a fixed rate. */
#include "tests/unit/cmocka_all.h"

#include "model/limits.h"
#include "net/lane_congestion.h"

static struct lane_congestion_share share(const char *text, unsigned lanes)
{
	struct congestion congestion;

	assert_int_equal(congestion_parse(text, &congestion), 0);
	return lane_congestion_share(&congestion, lanes);
}

static void kinds(void **state)
{
	(void)state;
	assert_int_equal(share("bbr", 1).kind, LANE_BBR);
	assert_int_equal(share("bbr", 4).rate_Bps, 0);
	assert_int_equal(share("cubic", 1).kind, LANE_CUBIC);
	assert_int_equal(share("fixed:1mbit", 1).kind, LANE_FIXED);
}

/* 104 Mbit/s of IPv6 packets of 1,248 bytes are 12.5 MB/s of their payload of 1,200. */
static void the_lanes_together_fit_the_line(void **state)
{
	(void)state;
	assert_int_equal(share("fixed:104mbit", 1).rate_Bps, 12500000);
	assert_int_equal(share("fixed:104mbit", 4).rate_Bps, 3125000);
	assert_true(share("fixed:64kbit", SLOTS_MAX).rate_Bps > 0);
	assert_int_equal(share("fixed:400gbit", 1).rate_Bps, 48076923076);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kinds),
	    cmocka_unit_test(the_lanes_together_fit_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
