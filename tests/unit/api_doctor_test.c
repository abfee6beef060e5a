/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_doctor.c: all findings in one answer, those that are wrong first. */
#include "config.h"

#include "control/api_routes.h"

#include "tests/unit/api_fixture.h"

static void report_black_hole(void)
{
	struct lane_measurement *lane = calloc(1, sizeof *lane);
	struct tunnel_measurement said = {.listener = "tyo-1",
	    .endpoint = "osl-1",
	    .state = TUNNEL_UP,
	    .lane_total = 1,
	    .lanes = lane,
	    .lane_count = 1,
	    .figures = {.mtu_black_holes = 2}};
	struct message_report report = {.tunnels = &said, .tunnel_count = 1};

	assert_int_equal(
	    tunnels_report(control.tunnels, &control.installation,
	        installation_node(&control.installation, "tyo-1"), &report, control_steady_ms()),
	    0);
}

/* What control says of its own machine is own_machine_test's, and other on each. */
static void drop_own_findings(void)
{
	json_t *findings = json_object_get(answer.json, "findings");

	for (size_t i = json_array_size(findings); i-- > 0;)
		if (json_is_null(json_object_get(json_array_get(findings, i), "node")))
			json_array_remove(findings, i);
}

static void test_what_is_wrong_comes_first(void **state)
{
	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	report_black_hole();
	assert_int_equal(api_get("/v1/doctor"), 200);
	drop_own_findings();
	assert_int_equal(api_number("nodes"), 2);
	assert_int_equal(api_number("wrong"), 2);
	assert_int_equal(json_array_size(api_at("findings")), 3);
	assert_string_equal(api_text("findings/0/detail"), "endpoint osl-1 in oslo is down");
	assert_string_equal(api_text("findings/0/node"), "osl-1");
	assert_string_equal(api_text("findings/1/detail"), "listener tyo-1 in tokyo is down");
	assert_string_equal(api_text("findings/2/check"), "mtu");
	assert_string_equal(api_text("findings/2/level"), "notice");
	assert_string_equal(api_text("version"), PACKAGE_VERSION);
}

static void test_control_looks_at_itself(void **state)
{
	const json_t *findings;
	json_t *finding;
	size_t i;
	bool is_found = false;

	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	control.state_directory = "/dev/shm";
	assert_int_equal(api_get("/v1/doctor"), 200);
	control.state_directory = NULL;
	findings = api_at("findings");
	json_array_foreach(findings, i, finding)
	{
		const char *detail = json_string_value(json_object_get(finding, "detail"));

		is_found = is_found || strstr(detail, "/dev/shm, lies in memory");
	}
	assert_true(is_found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(test_what_is_wrong_comes_first),
	    API_TEST(test_control_looks_at_itself),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
