/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/attention.c: what is called a problem, as status shows it. */
#include "config.h"

#include "control/adopt.h"
#include "control/attention.h"

#include "tests/unit/api_fixture.h"

static bool has_problem(const char *detail)
{
	const json_t *list = api_at("problems");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (strcmp(json_string_value(json_object_get(item, "detail")), detail) == 0)
			return json_is_string(json_object_get(item, "fix"));
	}
	return false;
}

static void test_problems_say_what_to_do(void **state)
{
	uint32_t id = control_add_node("lim-1", NODE_LISTENER, "lima", 3);

	(void)state;
	control_add_accelerator("web", 80, "lima", "oslo");
	assert_int_equal(store_begin(control.store), 0);
	assert_int_equal(store_delete_node(control.store, id), 0);
	assert_int_equal(store_commit(control.store), 0);
	assert_int_equal(store_load(control.store, &control.installation), 0);
	assert_int_equal(api_get("/v1/status"), 200);
	assert_true(has_problem("endpoint osl-1 in oslo is down"));
	assert_true(has_problem("listener tyo-1 in tokyo is down"));
	assert_true(has_problem("accelerator web has no listener in lima"));
	assert_false(has_problem("accelerator web has no endpoint in oslo"));
}

/* A drain that was forgotten. */
static void test_a_region_that_only_drains_is_a_problem(void **state)
{
	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	assert_int_equal(api_ask("PATCH", "/v1/nodes/osl-1", "", "{\"draining\": true}"), 200);
	assert_int_equal(api_get("/v1/status"), 200);
	assert_true(has_problem("every endpoint of accelerator web in oslo is draining"));
	assert_false(has_problem("every listener of accelerator web in tokyo is draining"));
	control_add_node("osl-2", NODE_ENDPOINT, "oslo", 3);
	assert_int_equal(api_get("/v1/status"), 200);
	assert_false(has_problem("every endpoint of accelerator web in oslo is draining"));
}

/* The audit log knows of changes that the database has not; an adopt goes on above them. */
static void test_a_database_that_was_set_back_is_a_problem(void **state)
{
	static const char problem[] =
	    "control's database is of revision 2, and its audit log tells of "
	    "revision 9: it was set back";

	(void)state;
	control.audited_revision = 2;
	assert_int_equal(api_get("/v1/status"), 200);
	assert_false(has_problem(problem));
	assert_int_equal(api_ask("POST", "/v1/adopt", "", ""), 409);
	control.audited_revision = 9;
	assert_int_equal(api_get("/v1/status"), 200);
	assert_true(has_problem(problem));
	assert_int_equal(api_ask("POST", "/v1/adopt", "", ""), 200);
	assert_int_equal(control.installation.revision, 10);
	assert_int_equal(api_get("/v1/status"), 200);
	assert_false(has_problem(problem));
	control.audited_revision = 10 + 5 * ADOPT_REVISIONS_MAX;
	assert_int_equal(api_ask("POST", "/v1/adopt", "", ""), 200);
	assert_int_equal(control.installation.revision, 10 + 5 * ADOPT_REVISIONS_MAX + 1);
	assert_int_equal(api_ask("POST", "/v1/adopt", "", ""), 409);
	control.audited_revision = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(test_problems_say_what_to_do),
	    API_TEST(test_a_database_that_was_set_back_is_a_problem),
	    API_TEST(test_a_region_that_only_drains_is_a_problem),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
