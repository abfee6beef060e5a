/* SPDX-License-Identifier: GPL-2.0-or-later */
/* States that are told: once each, again when lost, the newest alone; many of them; no more than the cap. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "tunnel/health_told.h"

static struct health_told told;

static int clear(void **state)
{
	(void)state;
	health_told_clear(&told);
	return 0;
}

static void each_state_goes_once(void **state)
{
	const struct told_health *item;

	(void)state;
	assert_null(health_told_next(&told));
	assert_int_equal(health_told_set(&told, 9, 1), 0);
	assert_int_equal(health_told_set(&told, 3, 0), 0);
	assert_int_equal(told.pending, 2);
	item = health_told_next(&told);
	assert_int_equal(item->accelerator, 3);
	item = health_told_next(&told);
	assert_int_equal(item->accelerator, 9);
	assert_null(health_told_next(&told));
	assert_int_equal(health_told_set(&told, 9, 1), 0);
	assert_null(health_told_next(&told));
}

static void what_is_forgotten_makes_room(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 3 * HEALTH_TOLD_MAX; id++) {
		assert_int_equal(health_told_set(&told, id, 1), 0);
		if (id % 3)
			assert_int_equal(health_told_next(&told)->accelerator, id);
		health_told_forget(&told, id);
		assert_int_equal(told.count, 0);
		assert_int_equal(told.pending, 0);
	}
	for (uint32_t id = 1; id <= 5; id++)
		health_told_set(&told, id, 1);
	health_told_forget(&told, 2);
	health_told_forget(&told, 5);
	health_told_forget(&told, 77);
	assert_int_equal(told.count, 3);
	assert_int_equal(told.pending, 3);
	health_told_on_lost(&told, 2, 1);
	assert_int_equal(health_told_next(&told)->accelerator + health_told_next(&told)->accelerator
	                     + health_told_next(&told)->accelerator,
	    1 + 3 + 4);
	assert_null(health_told_next(&told));
}

static void lost_ones_go_again_unless_there_is_a_newer_one(void **state)
{
	uint64_t first;

	(void)state;
	health_told_set(&told, 9, 1);
	first = health_told_next(&told)->sequence;
	health_told_on_lost(&told, 9, first);
	assert_int_equal(health_told_next(&told)->sequence, first);
	health_told_set(&told, 9, 2);
	health_told_on_lost(&told, 9, first);
	assert_int_equal(told.pending, 1);
	const struct told_health *item = health_told_next(&told);
	assert_int_equal(item->state, 2);
	assert_true(item->sequence > first);
	health_told_on_lost(&told, 9, first);
	health_told_on_lost(&told, 10, first);
	assert_null(health_told_next(&told));
}

static void there_is_a_cap(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < HEALTH_TOLD_MAX; i++)
		assert_int_equal(health_told_set(&told, i * 7919u, 1), 0);
	assert_int_equal(health_told_set(&told, 5, 1), ERR_LIMIT);
	assert_int_equal(health_told_set(&told, 7919, 2), 0);
	for (size_t i = 0; i < HEALTH_TOLD_MAX; i++)
		assert_non_null(health_told_next(&told));
	assert_null(health_told_next(&told));
	for (size_t i = 1; i < told.count; i++)
		assert_true(told.items[i - 1].accelerator < told.items[i].accelerator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(each_state_goes_once, clear),
	    cmocka_unit_test_teardown(lost_ones_go_again_unless_there_is_a_newer_one, clear),
	    cmocka_unit_test_teardown(what_is_forgotten_makes_room, clear),
	    cmocka_unit_test_teardown(there_is_a_cap, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
