/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_rollout.c; how nodes come to apply a config is node_server_test's. */
#include "config.h"

#include "tests/unit/api_fixture.h"

static void nodes_that_never_came(void **state)
{
	(void)state;
	assert_int_equal(api_get("/v1/rollout"), 200);
	assert_int_equal(api_number("revision"), control.installation.revision);
	assert_true(json_is_false(api_at("done")));
	assert_int_equal(json_array_size(api_at("nodes")), 2);
	assert_string_equal(api_text("nodes/0/state"), "down");
	assert_int_equal(api_get("/v1/rollout?revision=1"), 200);
	assert_int_equal(api_number("revision"), 1);
	assert_int_equal(api_get("/v1/rollout?revision=99"), 404);
	assert_int_equal(api_get("/v1/rollout?revision=x"), 400);
	assert_int_equal(api_get("/v1/rollout?revision=-1"), 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(nodes_that_never_came),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
