/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/confirm.c, beside api_revisions_test: the clock may jump, the wait does not. */
#include "config.h"

#include "control/confirm.h"

#include "base/keyed_hash.h"
#include "tests/unit/control_fixture.h"

static int setup(void **state)
{
	(void)state;
	control_begin_alone();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	confirm_stop(&control);
	control_end_alone();
	return 0;
}

static long long seconds_left(uint64_t deadline_ms, uint64_t window_s)
{
	json_t *json;
	long long left;

	confirm_stop(&control);
	control.installation.confirmation = (struct confirmation){7, 6, deadline_ms, window_s};
	confirm_watch(&control);
	json = confirm_to_json(&control);
	left = json_integer_value(json_object_get(json, "seconds_left"));
	json_decref(json);
	return left;
}

static void how_long_it_waits(void **state)
{
	uint64_t now_ms = control_now_ms();

	(void)state;
	assert_in_range(seconds_left(now_ms + 60000, 60), 58, 60);
	/* Set back by an hour while control was down: no longer than it was said to be. */
	assert_in_range(seconds_left(now_ms + 3660000, 60), 58, 60);
	assert_int_equal(seconds_left(now_ms - 1, 60), 0);
}

static void nothing_waits(void **state)
{
	json_t *json;

	(void)state;
	confirm_watch(&control);
	assert_false(ev_is_active(&control.confirm_due));
	json = confirm_to_json(&control);
	assert_true(json_is_null(json));
	json_decref(json);
}

#define CONFIRM_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CONFIRM_TEST(how_long_it_waits),
	    CONFIRM_TEST(nothing_waits),
	};

	if (sodium_init() < 0 || keyed_hash_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
