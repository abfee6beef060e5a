/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lane figures: each is summed, and each has its key in a report. */
#include "tests/unit/cmocka_all.h"

#include "model/lane_figures.h"

static void each_is_summed(void **state)
{
	struct lane_figures sum = {0}, one;
	uint64_t n = 1;

	(void)state;
#define X(name) one.name = n++;
	LANE_FIGURES(X)
#undef X
	lane_figures_add(&sum, &one);
	lane_figures_add(&sum, &one);
	n = 1;
#define X(name) assert_int_equal(sum.name, 2 * n++);
	LANE_FIGURES(X)
#undef X
}

static void each_has_its_key(void **state)
{
	struct lane_figures one = {.packets_lost = 3, .datagrams_incomplete = 9}, again;
	json_t *json = schema_to_json(&lane_figures_schema, &one, 0);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(json, "packets_lost")), 3);
	assert_int_equal(json_object_size(json), lane_figures_schema.field_count);
	assert_int_equal(schema_from_json(&lane_figures_schema, json, 0, &again, NULL), 0);
	assert_memory_equal(&one, &again, sizeof(one));
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_is_summed),
	    cmocka_unit_test(each_has_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
