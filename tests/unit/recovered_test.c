/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recovered numbers are told in ranges, a few times each, and the newest are kept. */
#include "config.h"

#include "tunnel/recovered.h"

#include "tests/unit/cmocka_all.h"

static void ranges_descend(void **state)
{
	struct recovered recovered = {0};
	struct ack_frame frame = {0};

	(void)state;
	assert_false(recovered_fill(&recovered, &frame));
	recovered_add(&recovered, 5);
	recovered_add(&recovered, 9);
	recovered_add(&recovered, 4);
	recovered_add(&recovered, 5);
	assert_true(recovered_fill(&recovered, &frame));
	assert_int_equal(frame.largest, 9);
	assert_int_equal(frame.range_count, 2);
	assert_int_equal(frame.ranges[0].first, 9);
	assert_int_equal(frame.ranges[1].first, 4);
	assert_int_equal(frame.ranges[1].last, 5);
}

static void each_is_told_a_few_times(void **state)
{
	struct recovered recovered = {0};
	struct ack_frame frame = {0};

	(void)state;
	recovered_add(&recovered, 1);
	for (int i = 0; i < RECOVERED_TELLS; i++) {
		assert_true(recovered_fill(&recovered, &frame));
		recovered_told(&recovered);
		if (i == 0)
			recovered_add(&recovered, 3);
	}
	assert_true(recovered_fill(&recovered, &frame));
	assert_int_equal(frame.range_count, 1);
	assert_int_equal(frame.largest, 3);
	recovered_told(&recovered);
	assert_false(recovered_fill(&recovered, &frame));
}

static void the_newest_are_kept(void **state)
{
	struct recovered recovered = {0};
	struct ack_frame frame = {0};

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		recovered_add(&recovered, 2 * i);
	assert_true(recovered_fill(&recovered, &frame));
	assert_int_equal(frame.range_count, RECOVERED_MAX);
	assert_int_equal(frame.largest, 198);
	assert_int_equal(frame.ranges[RECOVERED_MAX - 1].first, 200 - 2 * RECOVERED_MAX);
	recovered_add(&recovered, 0);
	assert_int_equal(recovered.count, RECOVERED_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ranges_descend),
	    cmocka_unit_test(each_is_told_a_few_times),
	    cmocka_unit_test(the_newest_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
