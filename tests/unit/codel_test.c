/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CoDel: short waits are let be, a standing queue is thinned out more and more often.
 */
#include "config.h"

#include "tunnel/codel.h"

#include "tests/unit/cmocka_all.h"
#include "tunnel/limits.h"

#define START_US  UINT64_C(1000000)
#define PACKET_US UINT64_C(1000)
#define LONG_US   (CODEL_TARGET_US + 1000)
#define SHORT_US  (CODEL_TARGET_US - 1)

/* Packets leave each millisecond after so long a wait; how many of them are dropped. */
static unsigned run(
    struct codel *codel, uint64_t waited_us, bool is_last, uint64_t *now_us, uint64_t us)
{
	unsigned drops = 0;

	for (uint64_t end_us = *now_us + us; *now_us < end_us; *now_us += PACKET_US)
		drops += codel_drops(codel, waited_us, is_last, *now_us);
	return drops;
}

static void short_waits_and_short_queues_lose_nothing(void **state)
{
	struct codel codel = {0};
	uint64_t now_us = START_US;

	(void)state;
	assert_int_equal(run(&codel, SHORT_US, false, &now_us, 2000000), 0);
	assert_int_equal(run(&codel, LONG_US, true, &now_us, 2000000), 0);
	assert_int_equal(run(&codel, LONG_US, false, &now_us, CODEL_INTERVAL_US), 0);
	assert_int_equal(run(&codel, SHORT_US, false, &now_us, PACKET_US), 0);
	assert_int_equal(run(&codel, LONG_US, false, &now_us, CODEL_INTERVAL_US), 0);
}

/* RFC 8289 section 5: after n drops the next comes an interval over the root of n later. */
static void a_standing_queue_is_thinned_out(void **state)
{
	struct codel codel = {0};
	uint64_t now_us = START_US, last_us = 0;
	const uint64_t gaps_us[] = {100000, 70710, 57735, 50000, 44721};
	unsigned drops = 0;

	(void)state;
	for (; drops <= 5; now_us += PACKET_US) {
		if (!codel_drops(&codel, LONG_US, false, now_us))
			continue;
		if (drops == 0)
			assert_int_equal(now_us, START_US + CODEL_INTERVAL_US);
		else
			assert_in_range(now_us - last_us, gaps_us[drops - 1] - 2 * PACKET_US,
			    gaps_us[drops - 1] + 2 * PACKET_US);
		last_us = now_us;
		drops++;
	}
	assert_in_range(run(&codel, LONG_US, false, &now_us, 1000000), 30, 60);
}

/* It goes on where it was when the queue is long again soon, and begins anew later. */
static void it_remembers_for_a_while(void **state)
{
	struct codel codel = {0};
	uint64_t now_us = START_US;
	unsigned soon, late;

	(void)state;
	run(&codel, LONG_US, false, &now_us, 2000000);
	run(&codel, SHORT_US, false, &now_us, 50000);
	soon = run(&codel, LONG_US, false, &now_us, 400000);
	run(&codel, SHORT_US, false, &now_us, 10000000);
	late = run(&codel, LONG_US, false, &now_us, 400000);
	assert_in_range(late, 4, 7);
	assert_in_range(soon, 2 * late, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(short_waits_and_short_queues_lose_nothing),
	    cmocka_unit_test(a_standing_queue_is_thinned_out),
	    cmocka_unit_test(it_remembers_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
