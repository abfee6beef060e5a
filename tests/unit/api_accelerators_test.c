/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_accelerators.c: what can be made, changed and taken away, over HTTP. */
#include "config.h"

#include "control/api_routes.h"

#include "tests/unit/api_fixture.h"

static const char web[] =
    "{\"name\": \"web\", \"protocol\": \"tcp\", \"ports\": [\"443\", \"80\"], \"listen\": "
    "[\"tokyo\"], \"endpoint_groups\": [{\"region\": \"oslo\", \"backends\": [{\"host\": "
    "\"10.0.0.1\", \"weight\": 7}]}]}";

static unsigned create(const char *body)
{
	return api_ask("POST", "/v1/accelerators", "", body);
}

static unsigned patch(const char *header, const char *body)
{
	return api_ask("PATCH", "/v1/accelerators/web", header, body);
}

static void test_a_new_one_is_saved_and_shown(void **state)
{
	(void)state;
	assert_int_equal(create(web), 201);
	assert_true(api_has_header("Location: /v1/accelerators/web\r\n"));
	assert_true(api_has_header("ETag: \"3\"\r\n"));
	assert_int_equal(api_number("revision"), 3);
	assert_int_equal(api_get("/v1/accelerators/web"), 200);
	assert_string_equal(api_text("ports/0"), "80");
	assert_int_equal(api_number("endpoint_groups/0/backends/0/weight"), 7);
	assert_int_equal(json_array_size(api_at("nodes")), 2);
	assert_string_equal(api_text("nodes/0/state"), "down");
	assert_int_equal(api_get("/v1/accelerators"), 200);
	assert_int_equal(json_array_size(api_at("items")), 1);
	assert_string_equal(api_text("items/0/name"), "web");
}

/* What was acknowledged is on disk. */
static void test_it_is_there_after_opening_anew(void **state)
{
	char reason[REASON_BYTES];

	(void)state;
	assert_int_equal(create(web), 201);
	store_close(control.store);
	assert_int_equal(store_open(&control.store, store_path, reason), 0);
	assert_int_equal(store_load(control.store, &control.installation), 0);
	assert_int_equal(api_get("/v1/accelerators/web"), 200);
}

static void test_a_name_is_given_once(void **state)
{
	(void)state;
	assert_int_equal(create(web), 201);
	assert_int_equal(create(web), 409);
	assert_string_equal(api_text("field"), "name");
	assert_int_equal(control.installation.revision, 3);
}

static void test_what_is_wrong_is_named_by_its_field(void **state)
{
	static const struct {
		const char *body, *field;
		unsigned status;
	} wrong[] = {
	    {"{\"name\": \"a\"}", "", 400},
	    {"{\"name\": \"A b\", \"protocol\": \"tcp\", \"ports\": [\"1\"], \"listen\": "
	     "[\"tokyo\"], "
	     "\"endpoint_groups\": []}",
	        "name", 422},
	    {"{\"name\": \"a\", \"protocol\": \"tcp\", \"ports\": [\"1\"], \"listen\": [\"lima\"], "
	     "\"endpoint_groups\": [{\"region\": \"oslo\", \"backends\": [{\"host\": \"::1\"}]}]}",
	        "listen[0]", 422},
	    {"{\"name\": \"a\", \"protocol\": \"tcp\", \"ports\": [\"1\"], \"listen\": "
	     "[\"tokyo\"], "
	     "\"endpoint_groups\": [{\"region\": \"rome\", \"backends\": [{\"host\": \"::1\"}]}]}",
	        "endpoint_groups[0].region", 422},
	    {"{\"name\": \"a\", \"color\": 3}", "color", 400},
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(create(wrong[i].body), wrong[i].status);
		if (wrong[i].field[0])
			assert_string_equal(api_text("field"), wrong[i].field);
	}
	assert_int_equal(control.installation.accelerator_count, 0);
	assert_int_equal(control.installation.revision, 2);
}

static void test_a_patch_changes_what_it_names(void **state)
{
	(void)state;
	assert_int_equal(create(web), 201);
	assert_int_equal(patch("", "{\"tcp_idle_timeout_s\": 60}"), 200);
	assert_int_equal(api_number("tcp_idle_timeout_s"), 60);
	assert_int_equal(api_number("endpoint_groups/0/backends/0/weight"), 7);
	assert_int_equal(api_number("revision"), 4);
	assert_int_equal(patch("", "{\"tcp_idle_timeout_s\": null}"), 200);
	assert_int_equal(api_number("tcp_idle_timeout_s"), TCP_IDLE_TIMEOUT_DEFAULT_S);
	assert_int_equal(patch("", "{\"ports\": [\"8080\"]}"), 200);
	assert_int_equal(json_array_size(api_at("ports")), 1);
}

static void test_labels_find_it(void **state)
{
	(void)state;
	assert_int_equal(create(web), 201);
	assert_int_equal(json_object_size(api_at("labels")), 0);
	assert_int_equal(
	    patch("", "{\"labels\": {\"env\": \"prod\"}, \"comment\": \"spare\"}"), 200);
	assert_string_equal(api_text("labels/env"), "prod");
	assert_string_equal(api_text("comment"), "spare");
	assert_int_equal(api_get("/v1/accelerators?label=env=prod,tier!=web"), 200);
	assert_int_equal(json_array_size(api_at("items")), 1);
	assert_int_equal(api_get("/v1/accelerators?label=env!=prod"), 200);
	assert_int_equal(json_array_size(api_at("items")), 0);
	assert_int_equal(api_get("/v1/accelerators?label=env"), 400);
	assert_string_equal(api_text("field"), "label");
	assert_int_equal(patch("", "{\"labels\": {\"env\": \"a b\"}}"), 422);
	assert_string_equal(api_text("field"), "labels.env");
	assert_int_equal(patch("", "{\"labels\": null, \"comment\": null}"), 200);
	assert_int_equal(json_object_size(api_at("labels")), 0);
	assert_null(api_at("comment"));
}

/* The same again is no revision, so that scripts may apply what they like. */
static void test_a_patch_that_changes_nothing_is_no_revision(void **state)
{
	(void)state;
	assert_int_equal(create(web), 201);
	assert_int_equal(patch("", "{\"protocol\": \"tcp\"}"), 200);
	assert_int_equal(api_number("revision"), 3);
	assert_int_equal(control.installation.revision, 3);
	assert_int_equal(patch("", "{}"), 400);
	assert_int_equal(patch("", "{\"name\": \"other\"}"), 400);
	assert_int_equal(
	    api_ask("PATCH", "/v1/accelerators/none", "", "{\"ports\": [\"1\"]}"), 404);
}

static void test_whoever_saw_an_older_one_is_told(void **state)
{
	(void)state;
	assert_int_equal(create(web), 201);
	assert_int_equal(patch("If-Match: \"2\"\r\n", "{\"ports\": [\"81\"]}"), 412);
	assert_non_null(strstr(api_text("detail"), "revision \"3\""));
	assert_int_equal(patch("If-Match: \"3\"\r\n", "{\"ports\": [\"81\"]}"), 200);
	assert_int_equal(api_ask("DELETE", "/v1/accelerators/web", "If-Match: \"3\"\r\n", ""), 412);
	assert_int_equal(api_ask("DELETE", "/v1/accelerators/web", "If-Match: *\r\n", ""), 200);
}

static void test_a_bad_patch_leaves_it_as_it_was(void **state)
{
	(void)state;
	assert_int_equal(create(web), 201);
	assert_int_equal(patch("", "{\"listen\": [\"lima\"]}"), 422);
	assert_int_equal(patch("", "{\"listen\": null}"), 400);
	assert_int_equal(api_get("/v1/accelerators/web"), 200);
	assert_string_equal(api_text("listen/0"), "tokyo");
	assert_int_equal(api_number("revision"), 3);
}

static void test_a_deleted_one_is_gone(void **state)
{
	(void)state;
	assert_int_equal(create(web), 201);
	assert_int_equal(api_ask("DELETE", "/v1/accelerators/web", "", ""), 200);
	assert_int_equal(api_number("revision"), 4);
	assert_int_equal(api_get("/v1/accelerators/web"), 404);
	assert_int_equal(api_ask("DELETE", "/v1/accelerators/web", "", ""), 404);
	assert_int_equal(create(web), 201);
}

static void test_a_port_is_given_once(void **state)
{
	static const char other[] =
	    "{\"name\": \"other\", \"protocol\": \"tcp\", \"ports\": [\"400-500\"], \"listen\": "
	    "[\"tokyo\"], \"endpoint_groups\": [{\"region\": \"oslo\", \"backends\": [{\"host\": "
	    "\"::1\"}]}]}";

	(void)state;
	assert_int_equal(create(web), 201);
	assert_int_equal(create(other), 409);
	assert_non_null(strstr(api_text("detail"), "web"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(test_a_new_one_is_saved_and_shown),
	    API_TEST(test_it_is_there_after_opening_anew),
	    API_TEST(test_a_name_is_given_once),
	    API_TEST(test_what_is_wrong_is_named_by_its_field),
	    API_TEST(test_a_patch_changes_what_it_names),
	    API_TEST(test_labels_find_it),
	    API_TEST(test_a_patch_that_changes_nothing_is_no_revision),
	    API_TEST(test_whoever_saw_an_older_one_is_told),
	    API_TEST(test_a_bad_patch_leaves_it_as_it_was),
	    API_TEST(test_a_deleted_one_is_gone),
	    API_TEST(test_a_port_is_given_once),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
