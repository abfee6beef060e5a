/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line of history: bars, gaps, scale, length. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "cli/history.h"

static char line[HISTORY_LINE_BYTES];

static void assert_line(const char *json, bool is_utf8, const char *wanted)
{
	json_t *values = json_loads(json, 0, NULL);
	assert_non_null(values);
	assert_string_equal(history_line(values, is_utf8, line), wanted);
	json_decref(values);
}

static void bars_rise_with_values(void **state)
{
	(void)state;
	assert_line("[0,1000,2000,3000,4000,5000,6000,7000]", false, "_.-=+*%#");
	assert_line("[0,1000,2000,3000,4000,5000,6000,7000]", true, "▁▂▃▄▅▆▇█");
	assert_line("[150000,100000]", false, "#_");
}

static void gaps_are_spaces(void **state)
{
	(void)state;
	assert_line("[null,0,null,8000,null]", false, " _ # ");
	assert_line("[null,null]", false, "");
	assert_line("[]", false, "");
	assert_string_equal(history_line(NULL, false, line), "");
}

static void small_variation_is_small(void **state)
{
	(void)state;
	assert_line("[100000,100010,100000]", false, "___");
	assert_line("[100000,100500]", false, "_+");
}

static void only_the_last_minute_is_drawn(void **state)
{
	json_t *values = json_array();
	(void)state;
	for (int i = 0; i < 200; i++)
		json_array_append_new(values, json_integer(i * 1000));
	assert_int_equal(strlen(history_line(values, false, line)), HISTORY_SECONDS);
	assert_int_equal(strlen(history_line(values, true, line)), HISTORY_SECONDS * 3);
	json_decref(values);
}

static void range_skips_gaps(void **state)
{
	double least, greatest;
	json_t *values = json_loads("[null,5,3,null,9]", 0, NULL);
	(void)state;
	assert_true(history_range(values, &least, &greatest));
	assert_true(least > 2.9 && least < 3.1 && greatest > 8.9 && greatest < 9.1);
	json_decref(values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bars_rise_with_values),
	    cmocka_unit_test(gaps_are_spaces),
	    cmocka_unit_test(small_variation_is_small),
	    cmocka_unit_test(only_the_last_minute_is_drawn),
	    cmocka_unit_test(range_skips_gaps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
