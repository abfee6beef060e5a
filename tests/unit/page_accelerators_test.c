/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/page_accelerators.c: places by id, a table that is full, and what a new worker finds. */
#include "config.h"

#include "net/page_accelerators.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static struct page_accelerators table;
static struct config_accelerator accelerators[PAGE_ACCELERATORS];
static struct node_config config;

static int set_up(void **state)
{
	(void)state;
	memset(&table, 0, sizeof table);
	memset(accelerators, 0, sizeof accelerators);
	config = (struct node_config){.accelerators = accelerators};
	return 0;
}

static struct page_accelerator *place(uint32_t id)
{
	return page_accelerator(&table, id, &config);
}

static void add_to_config(uint32_t id)
{
	accelerators[config.accelerator_count++].id = id;
}

static uint64_t sum(uint32_t id, enum accelerator_value value)
{
	return page_accelerators_value(&table, id, value);
}

static void test_each_has_its_place(void **state)
{
	(void)state;
	add_to_config(7);
	add_to_config(7 + PAGE_ACCELERATORS); /* the same place, were it free */
	accelerator_count(place(7), ACCELERATOR_tcp_opened);
	accelerator_add(place(7 + PAGE_ACCELERATORS), ACCELERATOR_tcp_opened, 5);
	accelerator_count(place(7), ACCELERATOR_tcp_opened);
	assert_ptr_not_equal(place(7), place(7 + PAGE_ACCELERATORS));
	assert_int_equal(sum(7, ACCELERATOR_tcp_opened), 2);
	assert_int_equal(sum(7 + PAGE_ACCELERATORS, ACCELERATOR_tcp_opened), 5);
	assert_int_equal(sum(8, ACCELERATOR_tcp_opened), 0);
	assert_int_equal(sum(0, ACCELERATOR_tcp_opened), 0);
}

/* What strangers ask for takes no place. */
static void test_none_that_is_not_in_the_config(void **state)
{
	(void)state;
	assert_ptr_equal(place(7), &table.others);
	assert_ptr_equal(place(0), &table.others);
	add_to_config(7);
	assert_ptr_not_equal(place(7), &table.others);
	config.accelerator_count = 0; /* its flows drain, and are counted as before */
	assert_ptr_not_equal(place(7), &table.others);
}

static void test_a_full_table_gives_up_those_that_are_gone(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < PAGE_ACCELERATORS; i++) {
		add_to_config(1000 + i);
		accelerator_add(place(1000 + i), ACCELERATOR_udp_opened, i);
	}
	assert_int_equal(sum(1000 + 17, ACCELERATOR_udp_opened), 17);
	assert_ptr_equal(place(9), &table.others);
	accelerators[17].id = 9;
	assert_ptr_not_equal(place(9), &table.others);
	assert_int_equal(sum(9, ACCELERATOR_udp_opened), 0);
	assert_int_equal(sum(1000 + 17, ACCELERATOR_udp_opened), 0);
	assert_int_equal(sum(1000 + 18, ACCELERATOR_udp_opened), 18);
	accelerator_count(place(9), ACCELERATOR_udp_opened);
	assert_int_equal(sum(9, ACCELERATOR_udp_opened), 1);
}

/* Each flow asks for its place, so it is near. */
static void test_a_place_that_is_given_up_is_the_nearest(void **state)
{
	enum { FIRST = 4 * PAGE_ACCELERATORS, NEW = 9 * PAGE_ACCELERATORS + 500 };

	(void)state;
	for (uint32_t i = 0; i < PAGE_ACCELERATORS; i++) {
		add_to_config(FIRST + i);
		place(FIRST + i);
	}
	accelerators[17].id = NEW;
	accelerators[503].id = accelerators[501].id = NEW + 1;
	assert_ptr_equal(place(NEW), &table.list[501]);
	assert_ptr_equal(place(NEW + 1), &table.list[503]);
}

static void test_a_new_worker_has_no_flows_and_all_counts(void **state)
{
	(void)state;
	add_to_config(3);
	accelerator_count(place(3), ACCELERATOR_tcp_flows);
	accelerator_count(place(3), ACCELERATOR_tcp_flows);
	accelerator_drop(place(3), ACCELERATOR_tcp_flows);
	accelerator_count(place(3), ACCELERATOR_tcp_opened);
	assert_int_equal(sum(3, ACCELERATOR_tcp_flows), 1);
	page_accelerators_clear(&table);
	assert_int_equal(sum(3, ACCELERATOR_tcp_flows), 0);
	assert_int_equal(sum(3, ACCELERATOR_tcp_opened), 1);
	accelerator_drop(place(3), ACCELERATOR_tcp_flows);
	assert_int_equal(sum(3, ACCELERATOR_tcp_flows), 0);
}

/* Prometheus takes a family once: its lines stand together, and the first has words. */
static void test_lines_of_a_metric_stand_together(void **state)
{
	(void)state;
	for (size_t i = 0; i < ACCELERATOR_VALUE_COUNT; i++) {
		const struct accelerator_value_description *value = &accelerator_values[i];
		bool is_first =
		    i == 0 || strcmp(value->metric, accelerator_values[i - 1].metric) != 0;

		assert_true(is_first == (value->help[0] != '\0'));
		for (size_t j = 0; is_first && j < i; j++)
			assert_string_not_equal(value->metric, accelerator_values[j].metric);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_each_has_its_place, set_up),
	    cmocka_unit_test_setup(test_none_that_is_not_in_the_config, set_up),
	    cmocka_unit_test_setup(test_a_full_table_gives_up_those_that_are_gone, set_up),
	    cmocka_unit_test_setup(test_a_place_that_is_given_up_is_the_nearest, set_up),
	    cmocka_unit_test_setup(test_a_new_worker_has_no_flows_and_all_counts, set_up),
	    cmocka_unit_test_setup(test_lines_of_a_metric_stand_together, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
