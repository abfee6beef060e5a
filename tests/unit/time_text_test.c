/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times as RFC 3339 writes them. */
#include "tests/unit/cmocka_all.h"

#include "control/time_text.h"
#include "model/limits.h"

static void known_times(void **state)
{
	char text[TIME_TEXT_BYTES];

	(void)state;
	assert_string_equal(time_format(0, text), "1970-01-01T00:00:00Z");
	assert_string_equal(time_format(1700000000999, text), "2023-11-14T22:13:20Z");
	assert_string_equal(time_format(951782400000, text), "2000-02-29T00:00:00Z");
	assert_string_equal(time_format(TIME_MAX_MS, text), "9999-12-31T23:59:59Z");
}

static void none_is_null(void **state)
{
	json_t *none = time_to_json(0), *some = time_to_json(1700000000000);

	(void)state;
	assert_true(json_is_null(none));
	assert_string_equal(json_string_value(some), "2023-11-14T22:13:20Z");
	json_decref(none);
	json_decref(some);
}

static void exact_times_have_milliseconds(void **state)
{
	json_t *none = time_to_json_exact(0), *some = time_to_json_exact(1700000000045);

	(void)state;
	assert_true(json_is_null(none));
	assert_string_equal(json_string_value(some), "2023-11-14T22:13:20.045Z");
	json_decref(none);
	json_decref(some);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_times),
	    cmocka_unit_test(none_is_null),
	    cmocka_unit_test(exact_times_have_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
