/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/rate_limit.c: bursts, rates, and many clients in a table that does not grow. */
#include "tests/unit/cmocka_all.h"

#include "base/keyed_hash.h"
#include "control/rate_limit.h"

#include <string.h>

static const struct rate rate = {.per_second = 10, .burst = 5};
static struct rate_limits limits;

static int setup(void **state)
{
	(void)state;
	memset(&limits, 0, sizeof(limits));
	return 0;
}

static uint64_t take(uint32_t client, uint64_t now_ms)
{
	return rate_limit_take(&limits, &client, sizeof(client), &rate, now_ms);
}

static void a_burst_and_then_the_rate(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(take(1, 1000), 0);
	assert_int_equal(take(1, 1000), 100);
	assert_int_equal(take(1, 1040), 60);
	assert_int_equal(take(1, 1099), 1);
	assert_int_equal(take(1, 1100), 0);
	assert_int_equal(take(1, 1100), 100);
	for (int i = 0; i < 5; i++)
		assert_int_equal(take(1, 10000), 0);
	assert_int_equal(take(1, 10000), 100);
}

static void clients_do_not_share(void **state)
{
	(void)state;
	while (take(1, 1000) == 0)
		;
	assert_int_equal(take(2, 1000), 0);
	assert_true(take(1, 1000) > 0);
}

/* Over a long time nobody gets more than his rate and one burst. */
static void never_more_than_the_rate(void **state)
{
	unsigned taken = 0;

	(void)state;
	for (uint64_t now_ms = 0; now_ms < 60000; now_ms += 7)
		taken += take(1, now_ms) == 0;
	assert_in_range(taken, 600 - 60, 600 + 5);
}

/* The one that was refused is the least full of its neighbours and is the last to be forgotten. */
static void a_crowd_does_not_free_the_greedy(void **state)
{
	unsigned again = 0;

	(void)state;
	for (uint64_t round = 0; round < 50; round++) {
		while (take(0, 1000 + round) == 0)
			again++;
		for (uint32_t client = 1; client < 200; client++)
			take(client, 1000 + round);
	}
	assert_in_range(again, 5, 6);
	for (uint32_t client = 0; client < 100000; client++)
		take(client, 2000);
	assert_int_equal(take(100001, 2000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_burst_and_then_the_rate, setup),
	    cmocka_unit_test_setup(clients_do_not_share, setup),
	    cmocka_unit_test_setup(never_more_than_the_rate, setup),
	    cmocka_unit_test_setup(a_crowd_does_not_free_the_greedy, setup),
	};

	if (keyed_hash_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
