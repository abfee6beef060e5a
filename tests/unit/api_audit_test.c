/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_audit.c: which requests are in the audit log, and what is said of them. */
#include "config.h"

#include "control/api_audit.h"

#include "control/audit.h"
#include "control/events.h"
#include "tests/unit/api_fixture.h"

static int setup(void **state)
{
	api_setup(state);
	return audit_open(&control.audit, api_directory);
}

static int teardown(void **state)
{
	char path[80];

	audit_close(control.audit);
	snprintf(path, sizeof path, "%s/audit.log", api_directory);
	unlink(path);
	return api_teardown(state);
}

static void test_changes_and_refusals(void **state)
{
	(void)state;
	assert_int_equal(api_get("/v1/nodes"), 200);
	assert_int_equal(api_get("/v1/nodes/none"), 404);
	assert_int_equal(
	    api_ask("POST", "/v1/tokens", "", "{\"name\": \"ci\", \"role\": \"viewer\"}"), 201);
	assert_int_equal(api_ask("DELETE", "/v1/tokens/none", "", ""), 404);
	assert_int_equal(api_ask("GET", "/v1/nodes", "Authorization: Bearer x\r\n", ""), 401);
	assert_int_equal(api_get("/v1/audit"), 200);
	assert_int_equal(json_array_size(api_at("items")), 3);
	assert_string_equal(api_text("items/0/what"), "GET /v1/nodes");
	assert_string_equal(api_text("items/0/outcome"), "refused");
	assert_int_equal(api_number("items/0/status"), 401);
	assert_string_equal(api_text("items/1/what"), "DELETE /v1/tokens/none");
	assert_string_equal(api_text("items/1/detail"), "there is no token \"none\"");
	assert_string_equal(api_text("items/2/outcome"), "done");
	assert_int_equal(api_number("items/2/revision"), control.installation.revision);
	assert_string_equal(api_text("items/2/role"), "admin");
	assert_null(strstr(answer.bytes, "tla1_"));
	assert_int_equal(api_get("/v1/audit?limit=1"), 200);
	assert_int_equal(json_array_size(api_at("items")), 1);
	assert_int_equal(api_get("/v1/audit?limit=1001"), 400);
}

/* The path is decoded: what is no UTF-8 would be no JSON, and unseen. */
static void test_no_path_hides_a_request(void **state)
{
	char path[1200] = "/v1/%ff", cut[1200] = "/v1/";

	(void)state;
	assert_int_equal(api_ask("DELETE", path, "", ""), 404);
	assert_int_equal(api_get("/v1/audit"), 200);
	assert_int_equal(json_array_size(api_at("items")), 1);
	assert_string_equal(api_text("items/0/what"), "DELETE \"/v1/\\xff\"");
	for (int i = 0; i < 150; i++)
		strcat(cut, i ? "%c3%a9" : "x");
	assert_int_equal(api_ask("DELETE", cut, "Authorization: Bearer x\r\n", ""), 401);
	assert_int_equal(api_get("/v1/audit"), 200);
	assert_int_equal(json_array_size(api_at("items")), 2);
	assert_int_equal(api_number("items/0/status"), 401);
}

/* However often: the log is of bounded size. */
static void test_what_changed_nothing_is_not_in_it(void **state)
{
	static const char role[] = "{\"name\": \"ci\", \"role\": \"viewer\"}";

	(void)state;
	assert_int_equal(
	    api_ask("POST", "/v1/apply", "", "{\"dry_run\": true, \"items\": []}"), 200);
	assert_int_equal(api_ask("POST", "/v1/apply", "", "{\"items\": []}"), 200);
	assert_int_equal(api_ask("PATCH", "/v1/nodes/osl-1", "", "{\"draining\": false}"), 200);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    api_ask("POST", "/v1/tokens", "Idempotency-Key: k\r\n", role), 201);
	assert_int_equal(api_get("/v1/audit"), 200);
	assert_int_equal(json_array_size(api_at("items")), 1);
	assert_string_equal(api_text("items/0/what"), "POST /v1/tokens");
}

static void on_told(struct event_reader *reader)
{
	(void)reader;
}

/* Each entry is an event, when it is in the log already. */
static void test_entries_are_events(void **state)
{
	struct event_reader reader = {.kinds = EVENT_BIT(EVENT_AUDIT),
	    .who = "",
	    .on_event = on_told,
	    .on_heartbeat = on_told};
	const char *text;
	uint64_t lost;

	(void)state;
	api_audit_tell(&control);
	events_join(control.events, &reader);
	assert_int_equal(api_ask("DELETE", "/v1/tokens/none", "", ""), 404);
	text = events_read(control.events, &reader, &lost);
	assert_non_null(text);
	assert_non_null(strstr(text, "event: audit\n"));
	assert_non_null(strstr(text, "\"what\":\"DELETE /v1/tokens/none\""));
	assert_null(events_read(control.events, &reader, &lost));
	events_leave(control.events, &reader);
}

#define AUDIT_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    AUDIT_TEST(test_changes_and_refusals),
	    AUDIT_TEST(test_no_path_hides_a_request),
	    AUDIT_TEST(test_entries_are_events),
	    AUDIT_TEST(test_what_changed_nothing_is_not_in_it),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
