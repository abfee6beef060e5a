/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/faults.c: one list out of what each layer has to say. */
#include "config.h"

#include "control/faults.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static json_t *faults;

static int setup(void **state)
{
	(void)state;
	faults = json_array();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(faults);
	return 0;
}

static void expect(size_t i, const char *json)
{
	json_t *wanted = json_loads(json, 0, NULL);

	assert_non_null(wanted);
	assert_true(json_equal(json_array_get(faults, i), wanted));
	json_decref(wanted);
}

static void each_layer_has_a_pointer(void **state)
{
	struct schema_errors errors = {0};
	struct model_error error;
	struct problem problem = {0};

	(void)state;
	schema_errors_add(&errors, 0, 0, "a.b[2]", "must be %d", 1);
	schema_errors_add(&errors, 0, 0, "a/x~y", "unknown key");
	errors.list[1].is_about_key = true;
	faults_add_schema(faults, "/items/3", &errors);
	model_error_set(&error, "ports", "choose", "twice");
	faults_add_model(faults, "/items/3", &error);
	problem_set(&problem, PROBLEM_INVALID, "", "", "everything");
	faults_add_problem(faults, "/items/4", &problem);
	expect(0, "{\"pointer\": \"/items/3/a/b/2\", \"detail\": \"a.b[2]: must be 1\"}");
	expect(1, "{\"pointer\": \"/items/3/a~1x~0y\", \"detail\": \"a/x~y: unknown key\","
	          " \"at_key\": true}");
	expect(2, "{\"pointer\": \"/items/3/ports\", \"detail\": \"twice\", \"fix\": \"choose\"}");
	expect(3, "{\"pointer\": \"/items/4\", \"detail\": \"everything\"}");
}

/* By a caller that cut it within a character. */
static void a_cut_text_is_no_lost_fault(void **state)
{
	(void)state;
	faults_add(faults, "/caf\xc3", false, "write \xe2\x82", "no \"caf\xc3\"");
	expect(0, "{\"pointer\": \"/caf\", \"detail\": \"no \\\"caf?\\\"\","
	          " \"fix\": \"write \"}");
}

static void there_is_a_most(void **state)
{
	(void)state;
	for (int i = 0; i < FAULTS_MAX + 10; i++)
		faults_add(faults, "/x", false, "", "number %d", i);
	assert_int_equal(json_array_size(faults), FAULTS_MAX);
}

#define FAULTS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FAULTS_TEST(each_layer_has_a_pointer),
	    FAULTS_TEST(a_cut_text_is_no_lost_fault),
	    FAULTS_TEST(there_is_a_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
