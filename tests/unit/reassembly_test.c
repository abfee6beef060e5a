/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments become datagrams in any order; incomplete ones go by age and number; ids count once.
 */
#include "config.h"

#include "tunnel/reassembly.h"

#include "base/rng.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static struct reassembly reassembly;
static struct budget budget;

static int set_up(void **state)
{
	(void)state;
	budget = (struct budget){.limit_bytes = 64 << 20};
	reassembly_init(&reassembly);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	reassembly_clear(&reassembly, &budget);
	assert_int_equal(budget.used_bytes, 0);
	return 0;
}

static struct partial *add(uint32_t id, size_t total, size_t offset, size_t length, uint64_t now_us)
{
	uint8_t data[2000];
	struct frame_datagram fragment = {
	    .flow = 1, .id = id, .total = total, .offset = offset, .length = length, .data = data};

	for (size_t i = 0; i < length; i++)
		data[i] = (uint8_t)((offset + i) * 3);
	return reassembly_add(&reassembly, &budget, &fragment, now_us);
}

static void any_order_and_overlap_will_do(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, test_seed());
	for (uint32_t id = 0; id < 100; id++) {
		size_t total = 2000 + rng_below(&rng, 20000);
		struct partial *whole = NULL;

		for (int step = 0; !whole; step++) {
			size_t offset = rng_below(&rng, total);
			size_t length = 1 + rng_below(&rng, 2000);

			assert_true(step < 100000);
			if (offset + length <= total)
				whole = add(id, total, offset, length, 0);
			if (!whole && step % 3 == 0)
				whole = add(id, total, 0, 500, 0);
			if (!whole && step % 3 == 1)
				whole = add(id, total, total - 500, 500, 0);
		}
		assert_int_equal(whole->total, total);
		for (size_t i = 0; i < total; i++)
			assert_int_equal(whole->data[i], (uint8_t)(i * 3));
		reassembly_release(&reassembly, whole, &budget);
	}
	assert_int_equal(reassembly.count, 0);
	assert_int_equal(reassembly.incomplete, 0);
}

static void contradictions_and_crumbs_are_dropped(void **state)
{
	(void)state;
	assert_null(add(1, 3000, 0, 1000, 0));
	assert_null(add(1, 2000, 1000, 1000, 0));
	assert_int_equal(reassembly.count, 1);
	for (size_t i = 0; i < REASSEMBLY_MAX_GAPS; i++)
		assert_null(add(2, 3000, 2 * i, 1, 0));
	assert_int_equal(reassembly.count, 2);
	assert_null(add(2, 3000, 2 * REASSEMBLY_MAX_GAPS, 1, 0));
	assert_int_equal(reassembly.count, 1);
	assert_int_equal(reassembly.incomplete, 1);
}

static void age_and_number_are_capped(void **state)
{
	(void)state;
	assert_true(reassembly_timer_us(&reassembly) == UINT64_MAX);
	for (uint32_t id = 0; id < 2 * REASSEMBLY_MAX_DATAGRAMS; id++)
		add(id, 3000, 0, 10, id);
	assert_int_equal(reassembly.count, REASSEMBLY_MAX_DATAGRAMS);
	assert_int_equal(reassembly.incomplete, REASSEMBLY_MAX_DATAGRAMS);
	assert_int_equal(
	    reassembly_timer_us(&reassembly), REASSEMBLY_MAX_DATAGRAMS + REASSEMBLY_AGE_US);
	reassembly_expire(&reassembly, &budget, REASSEMBLY_MAX_DATAGRAMS + REASSEMBLY_AGE_US);
	assert_int_equal(reassembly.count, REASSEMBLY_MAX_DATAGRAMS - 1);
	reassembly_expire(&reassembly, &budget, 10 * REASSEMBLY_AGE_US);
	assert_int_equal(reassembly.count, 0);
}

static void ids_count_once_and_wrap(void **state)
{
	struct datagram_ids ids = {0};
	uint32_t start = UINT32_MAX - 2000;

	(void)state;
	for (uint32_t i = 0; i < 5000; i += 2) {
		assert_false(datagram_ids_is_seen(&ids, start + i));
		datagram_ids_add(&ids, start + i);
		assert_true(datagram_ids_is_seen(&ids, start + i));
		assert_int_equal(datagram_ids_is_seen(&ids, start + i - 1), i >= 5000);
		assert_false(datagram_ids_is_seen(&ids, start + i + 1));
	}
	datagram_ids_add(&ids, start + 4999 - 10);
	assert_true(datagram_ids_is_seen(&ids, start + 4999 - 10));
	/* Too old to tell. */
	assert_true(datagram_ids_is_seen(&ids, start + 4998 - DATAGRAM_ID_WINDOW));
	datagram_ids_add(&ids, start + 4998 + 100000);
	assert_false(datagram_ids_is_seen(&ids, start + 4998 + 100000 - 1));
	assert_true(datagram_ids_is_seen(&ids, start + 4998));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(any_order_and_overlap_will_do, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        contradictions_and_crumbs_are_dropped, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(age_and_number_are_capped, set_up, tear_down),
	    cmocka_unit_test(ids_count_once_and_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
