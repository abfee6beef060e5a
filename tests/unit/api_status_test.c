/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_status.c: what is counted, and the revisions. */
#include "config.h"

#include "control/api_routes.h"

#include "tests/unit/api_fixture.h"

static void test_nodes_and_tunnels_are_counted(void **state)
{
	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	assert_int_equal(api_get("/v1/status"), 200);
	assert_int_equal(api_number("nodes/down"), 2);
	assert_int_equal(api_number("nodes/up"), 0);
	assert_int_equal(api_number("accelerators"), 1);
	assert_int_equal(api_number("revision"), 3);
	assert_int_equal(api_number("tunnels/up"), 0);
	assert_int_equal(api_number("tunnels/unknown") + api_number("tunnels/down"), 1);
	assert_string_equal(api_text("nodes_address"), "192.0.2.9:7400");
	assert_string_equal(api_text("problems/0/check"), "reachability");
}

static void test_revisions_come_newest_first(void **state)
{
	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	assert_int_equal(api_get("/v1/revisions"), 200);
	assert_int_equal(json_array_size(api_at("items")), 3);
	assert_int_equal(api_number("items/0/revision"), 3);
	assert_string_equal(api_text("items/0/what"), "accelerator");
	assert_int_equal(api_number("items/2/revision"), 1);
	assert_int_equal(api_get("/v1/revisions?limit=2"), 200);
	assert_int_equal(json_array_size(api_at("items")), 2);
}

static void test_limits_that_are_none(void **state)
{
	static const char *const wrong[] = {
	    "0", "-1", "1001", "ten", "", "1x", "99999999999999999999"};
	char path[80];

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(path, sizeof path, "/v1/revisions?limit=%s", wrong[i]);
		assert_int_equal(api_get(path), 400);
		assert_string_equal(api_text("field"), "limit");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(test_nodes_and_tunnels_are_counted),
	    API_TEST(test_revisions_come_newest_first),
	    API_TEST(test_limits_that_are_none),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
