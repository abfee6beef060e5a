/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is held against an accelerator beside others, and in which words. */
#include "tests/unit/installation_fixture.h"

#include "control/rules.h"

static struct problem problem;

static void keep_first(void *context, const struct problem *reported)
{
	(void)context;
	if (!problem.kind)
		problem = *reported;
}

/* The number of problems; the first is kept. */
static int check(const char *ports, const char *protocol, const char *listen, const char *region,
    const char *name)
{
	struct accelerator accelerator;
	char json[512];
	int result;

	snprintf(json, sizeof(json),
	    "{\"name\": \"%s\", \"protocol\": \"%s\", \"ports\": [\"%s\"], \"listen\": [\"%s\"], "
	    "\"endpoint_groups\": [{\"region\": \"%s\", \"backends\": [{\"host\": "
	    "\"10.0.0.9\"}]}]}",
	    name, protocol, ports, listen, region);
	accelerator = fixture_accelerator(json);
	problem = (struct problem){0};
	result = (int)rules_check_accelerator(&fixture, &accelerator, keep_first, NULL);
	accelerator_clear(&accelerator);
	return result;
}

static void good_ones(void **state)
{
	(void)state;
	assert_int_equal(check("81", "tcp", "tokyo", "oslo", "new"), 0);
	assert_int_equal(check("80", "udp", "tokyo", "oslo", "new"), 0);
	assert_int_equal(check("80", "tcp", "lima", "rome", "new"), 0);
	assert_int_equal(check("80", "tcp", "tokyo", "oslo", "web"), 0);
}

static void ports_that_are_taken(void **state)
{
	(void)state;
	assert_int_equal(check("70-90", "tcp+udp", "tokyo", "oslo", "new"), 1);
	assert_int_equal(problem.kind, PROBLEM_PORT_TAKEN);
	assert_string_equal(problem.detail, "tcp port 80 in tokyo belongs to accelerator \"web\"");
	assert_int_equal(check("5010", "udp", "lima", "oslo", "new"), 1);
	assert_non_null(strstr(problem.detail, "udp port 5010 in lima"));
}

static void unknown_regions(void **state)
{
	(void)state;
	assert_int_equal(check("81", "tcp", "tokio", "oslo", "new"), 1);
	assert_int_equal(problem.kind, PROBLEM_UNKNOWN_REGION);
	assert_string_equal(problem.field, "listen[0]");
	assert_string_equal(problem.fix, "did you mean \"tokyo\"?");
	assert_int_equal(check("81", "tcp", "tokyo", "frankfurt", "new"), 1);
	assert_int_equal(problem.kind, PROBLEM_NO_ENDPOINT);
	assert_string_equal(problem.field, "endpoint_groups[0].region");
	assert_string_equal(problem.fix, "regions with endpoints: oslo, rome");
	/* Everything is told, not only the first. */
	assert_int_equal(check("80", "tcp", "tokyo", "frankfurt", "new"), 2);
	/* An endpoint's region is none of a listener. */
	assert_int_equal(check("81", "tcp", "rome", "oslo", "new"), 1);
	assert_int_equal(problem.kind, PROBLEM_UNKNOWN_REGION);
}

static void nobody_there_yet(void **state)
{
	(void)state;
	fixture.node_count = 0;
	assert_int_equal(check("81", "tcp", "tokyo", "oslo", "new"), 2);
	assert_non_null(strstr(problem.fix, "trunkctl node token --role listener --region tokyo"));
}

#define RULES_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    RULES_TEST(good_ones),
	    RULES_TEST(ports_that_are_taken),
	    RULES_TEST(unknown_regions),
	    RULES_TEST(nobody_there_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
