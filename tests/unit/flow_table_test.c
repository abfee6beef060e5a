/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows are found by their ids, and only while they are there.
 */
#include "config.h"

#include "tunnel/flow_table.h"

#include "tests/unit/cmocka_all.h"
#include "tunnel/lane_private.h"

#include <stdlib.h>

enum { FLOWS = 1000 };

static void finds_what_is_there(void **state)
{
	struct flow *flows = calloc(FLOWS, sizeof(*flows));
	struct flow_table table = {0};
	uint32_t hint = 0;

	(void)state;
	assert_non_null(flows);
	assert_null(flow_table_find(&table, 0));
	for (uint64_t i = 0; i < FLOWS; i++) {
		flows[i].id = i * 16; /* all in few chains */
		assert_int_equal(flow_table_add(&table, &flows[i]), 0);
	}
	for (uint64_t i = 0; i < FLOWS; i++)
		assert_ptr_equal(flow_table_find(&table, i * 16), &flows[i]);
	assert_null(flow_table_find(&table, 1));
	for (uint64_t i = 0; i < FLOWS; i += 2)
		flow_table_remove(&table, &flows[i]);
	for (uint64_t i = 0; i < FLOWS; i++)
		assert_ptr_equal(flow_table_find(&table, i * 16), i & 1 ? &flows[i] : NULL);
	for (unsigned i = 0; i < FLOWS / 2; i++)
		flow_table_remove(&table, flow_table_any(&table, &hint));
	assert_null(flow_table_any(&table, &hint));
	assert_null(table.slots);
	free(flows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
