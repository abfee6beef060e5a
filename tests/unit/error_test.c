/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of model/error.c: what is wrong, where, and what to do, within its bounds. */
#include "config.h"

#include "model/error.h"

#include "base/err.h"
#include "model/accelerator.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static void test_an_error_has_all_its_parts(void **state)
{
	struct model_error error;

	(void)state;
	assert_int_equal(
	    model_error_set(&error, "ports[1]", "choose another", "port %d is %s", 80, "taken"),
	    ERR_INVALID);
	assert_string_equal(error.field, "ports[1]");
	assert_string_equal(error.fix, "choose another");
	assert_string_equal(error.reason, "port 80 is taken");
}

static void test_what_is_too_long_is_cut(void **state)
{
	struct model_error error;
	char text[4096];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	model_error_set(&error, text, text, "%s", text);
	assert_int_equal(strlen(error.field), sizeof error.field - 1);
	assert_int_equal(strlen(error.fix), sizeof error.fix - 1);
	assert_int_equal(strlen(error.reason), sizeof error.reason - 1);
}

static void test_the_first_error_of_decoding_is_taken(void **state)
{
	static const char json[] =
	    "{\"name\": \"web\", \"protocol\": \"tcp\", \"ports\": [\"80\"], "
	    "\"listen\": [\"tokyo\"], \"endpoint_groups\": [{\"region\": 7}]}";
	struct accelerator accelerator;
	struct schema_errors errors;
	struct model_error error;

	(void)state;
	assert_true(
	    schema_from_json_text(&accelerator_schema, json, strlen(json), 0, &accelerator, &errors)
	    < 0);
	model_error_from_schema(&error, &errors);
	assert_string_equal(error.field, "endpoint_groups[0].region");
	assert_true(strlen(error.reason) > 0);
	assert_string_equal(error.fix, "");
	errors.count = 0;
	model_error_from_schema(&error, &errors);
	assert_string_equal(error.field, "");
	assert_string_equal(error.reason, "not understood");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_error_has_all_its_parts),
	    cmocka_unit_test(test_what_is_too_long_is_cut),
	    cmocka_unit_test(test_the_first_error_of_decoding_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
