/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Problems as JSON, and which kind a decoding error is. */
#include "tests/unit/cmocka_all.h"

#include "control/problem.h"
#include "model/accelerator.h"

#include <string.h>

static void every_kind_has_words(void **state)
{
	(void)state;
	for (int kind = PROBLEM_BAD_REQUEST; kind <= PROBLEM_INTERNAL; kind++) {
		struct problem problem = {.kind = (enum problem_kind)kind, .detail = "what"};
		json_t *json = problem_to_json(&problem);
		const char *type = json_string_value(json_object_get(json, "type"));

		assert_int_equal(strncmp(type, "urn:trunkline:problem:", 22), 0);
		assert_in_range(problem_status(&problem), 400, 599);
		assert_int_equal(
		    json_integer_value(json_object_get(json, "status")), problem_status(&problem));
		assert_null(json_object_get(json, "field"));
		assert_null(json_object_get(json, "fix"));
		json_decref(json);
	}
}

static enum problem_kind kind_of(const char *text, const char *field)
{
	struct problem problem = {0};
	struct schema_errors errors;
	struct accelerator accelerator;

	assert_true(
	    schema_from_json_text(&accelerator_schema, text, strlen(text), 0, &accelerator, &errors)
	    < 0);
	assert_int_equal(problem_from_schema(&problem, &errors), -1);
	assert_string_equal(problem.field, field);
	assert_int_equal(json_array_size(problem.faults), errors.count);
	json_decref(problem.faults);
	return problem.kind;
}

static void shapes_and_values(void **state)
{
	(void)state;
	assert_int_equal(kind_of("{\"nam\": 1}", "nam"), PROBLEM_BAD_REQUEST);
	assert_int_equal(kind_of("{}", "name"), PROBLEM_BAD_REQUEST);
	assert_int_equal(kind_of("{\"name\": \"a b\"}", "name"), PROBLEM_INVALID);
	assert_int_equal(kind_of("{\"name\": 5}", "name"), PROBLEM_INVALID);
}

static void field_and_fix(void **state)
{
	struct problem problem = {0};
	json_t *json;

	(void)state;
	assert_int_equal(
	    problem_set(&problem, PROBLEM_PORT_TAKEN, "ports", "take %s", "port %d", 5), -1);
	json = problem_to_json(&problem);
	assert_string_equal(json_string_value(json_object_get(json, "field")), "ports");
	assert_string_equal(json_string_value(json_object_get(json, "fix")), "take %s");
	assert_string_equal(json_string_value(json_object_get(json, "detail")), "port 5");
	json_decref(json);
}

/* The first is what the problem says; all are in its faults, by pointers into the body. */
static void all_that_is_wrong_is_kept(void **state)
{
	const struct model_error second = {.field = "listen[1]", .reason = "no", .fix = "do"};
	struct problem problem = {0}, first = {0};
	const json_t *faults;
	json_t *json;

	(void)state;
	problem_set(&first, PROBLEM_NAME_TAKEN, "name", "", "taken");
	problem_add(&problem, &first);
	problem_add_model(&problem, &second);
	json = problem_to_json(&problem);
	assert_int_equal(json_integer_value(json_object_get(json, "status")), 409);
	assert_string_equal(json_string_value(json_object_get(json, "detail")), "taken");
	faults = json_object_get(json, "errors");
	assert_int_equal(json_array_size(faults), 2);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(faults, 0), "pointer")), "/name");
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(faults, 1), "pointer")), "/listen/1");
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(faults, 1), "fix")), "do");
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_has_words),
	    cmocka_unit_test(shapes_and_values),
	    cmocka_unit_test(field_and_fix),
	    cmocka_unit_test(all_that_is_wrong_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
