/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_tunnels.c: which tunnels there are, and what is set for one, over HTTP. */
#include "config.h"

#include "control/api_tunnels.h"

#include "tests/unit/api_fixture.h"

static const char tunnel[] = "/v1/tunnels/tyo-1/osl-1";

static void test_there_is_one_where_both_serve_an_accelerator(void **state)
{
	(void)state;
	assert_int_equal(api_get("/v1/tunnels"), 200);
	assert_int_equal(json_array_size(api_at("items")), 0);
	assert_int_equal(api_get(tunnel), 404);
	control_add_accelerator("web", 80, "tokyo", "oslo");
	assert_int_equal(api_get("/v1/tunnels"), 200);
	assert_int_equal(json_array_size(api_at("items")), 1);
	assert_string_equal(api_text("items/0/listener"), "tyo-1");
	assert_string_equal(api_text("items/0/endpoint"), "osl-1");
	assert_int_equal(api_get(tunnel), 200);
	assert_int_equal(api_get("/v1/tunnels/osl-1/tyo-1"), 404);
}

static void test_congestion_control_is_set_by_tunnel(void **state)
{
	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	assert_int_equal(api_get(tunnel), 200);
	assert_string_equal(api_text("congestion"), CONGESTION_DEFAULT);
	assert_int_equal(
	    api_ask("PATCH", tunnel, "", "{\"congestion\": \"fixed:200000kbit\"}"), 200);
	assert_string_equal(api_text("congestion"), "fixed:200mbit");
	assert_int_equal(control.installation.revision, 4);
	assert_int_equal(api_ask("PATCH", tunnel, "", "{\"congestion\": \"fixed:200mbit\"}"), 200);
	assert_int_equal(control.installation.revision, 4); /* it was so already */
	assert_int_equal(api_get("/v1/tunnels"), 200);
	assert_string_equal(api_text("items/0/congestion"), "fixed:200mbit");
}

static void test_settings_that_make_no_sense(void **state)
{
	static const char *const wrong[] = {"{}", "{\"congestion\": \"reno\"}",
	    "{\"congestion\": \"fixed\"}", "{\"congestion\": 7}", "{\"speed\": \"high\"}"};

	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		unsigned status = api_ask("PATCH", tunnel, "", wrong[i]);

		assert_true(status == 400 || status == 422);
	}
	assert_int_equal(api_ask("PATCH", "/v1/tunnels/a/b", "", "{\"congestion\": \"bbr\"}"), 404);
	assert_int_equal(control.installation.revision, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(test_there_is_one_where_both_serve_an_accelerator),
	    API_TEST(test_congestion_control_is_set_by_tunnel),
	    API_TEST(test_settings_that_make_no_sense),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
