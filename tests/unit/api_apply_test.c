/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twin of control/api_apply.c and of what it is made of (plan, faults, state): many objects as one
 * change, judged as they will stand beside each other, or refused with all that is wrong.
 */
#include "config.h"

#include "tests/unit/api_fixture.h"

#define ACCELERATOR(name, port)                                                                    \
	"{\"kind\": \"Accelerator\", \"name\": \"" name                                            \
	"\", \"protocol\": \"tcp\", \"ports\": [\"" port                                           \
	"\"], \"listen\": [\"tokyo\"], \"endpoint_groups\": [{\"region\": \"oslo\","               \
	" \"backends\": [{\"host\": \"10.0.0.1\"}]}]}"
#define TUNNEL(congestion)                                                                         \
	"{\"kind\": \"Tunnel\", \"listener\": \"tyo-1\", \"endpoint\": \"osl-1\","                 \
	" \"congestion\": \"" congestion "\"}"

static unsigned apply(const char *items, const char *more)
{
	char body[16384];

	snprintf(body, sizeof body, "{\"items\": [%s]%s}", items, more);
	return api_ask("POST", "/v1/apply", "", body);
}

static void expect_action(size_t i, const char *name, const char *action)
{
	const json_t *change = json_array_get(json_object_get(answer.json, "changes"), i);

	assert_string_equal(json_string_value(json_object_get(change, "name")), name);
	assert_string_equal(json_string_value(json_object_get(change, "action")), action);
}

static void expect_fault(size_t i, const char *pointer, const char *part)
{
	const json_t *fault = json_array_get(json_object_get(answer.json, "errors"), i);
	const char *detail = json_string_value(json_object_get(fault, "detail"));

	assert_non_null(detail);
	assert_string_equal(json_string_value(json_object_get(fault, "pointer")), pointer);
	if (!strstr(detail, part))
		fail_msg("\"%s\" does not say \"%s\"", detail, part);
}

static size_t fault_count(void)
{
	return json_array_size(json_object_get(answer.json, "errors"));
}

static void one_revision_for_all(void **state)
{
	uint64_t before = control.installation.revision;

	(void)state;
	assert_int_equal(
	    apply(ACCELERATOR("web", "80") "," ACCELERATOR("api", "81") "," TUNNEL("cubic"), ""),
	    200);
	expect_action(0, "web", "created");
	expect_action(2, "tyo-1/osl-1", "created");
	assert_int_equal(control.installation.revision, before + 1);
	assert_int_equal(control.installation.accelerator_count, 2);
	assert_int_equal(control.installation.tunnel_setting_count, 1);
	/* The same again is no change, and no revision. */
	assert_int_equal(
	    apply(ACCELERATOR("web", "80") "," ACCELERATOR("api", "81") "," TUNNEL("cubic"), ""),
	    200);
	expect_action(0, "web", "unchanged");
	expect_action(2, "tyo-1/osl-1", "unchanged");
	assert_int_equal(control.installation.revision, before + 1);
	/* What is as by default needs no object. */
	assert_int_equal(apply(TUNNEL("bbr"), ""), 200);
	expect_action(0, "tyo-1/osl-1", "deleted");
	assert_int_equal(control.installation.tunnel_setting_count, 0);
	assert_int_equal(apply(TUNNEL("bbr"), ""), 200);
	expect_action(0, "tyo-1/osl-1", "unchanged");
}

static void a_dry_run_changes_nothing(void **state)
{
	uint64_t before = control.installation.revision;

	(void)state;
	assert_int_equal(apply(ACCELERATOR("web", "80"), ", \"dry_run\": true"), 200);
	expect_action(0, "web", "created");
	assert_int_equal(control.installation.revision, before);
	assert_int_equal(control.installation.accelerator_count, 0);
}

static void prune_deletes_what_is_not_stated(void **state)
{
	(void)state;
	assert_int_equal(
	    apply(ACCELERATOR("web", "80") "," ACCELERATOR("api", "81") "," TUNNEL("cubic"), ""),
	    200);
	assert_int_equal(apply(ACCELERATOR("api", "81"), ""), 200);
	assert_int_equal(control.installation.accelerator_count, 2);
	assert_int_equal(apply(ACCELERATOR("api", "81"), ", \"prune\": true"), 200);
	expect_action(0, "api", "unchanged");
	expect_action(1, "web", "deleted");
	expect_action(2, "tyo-1/osl-1", "deleted");
	assert_int_equal(control.installation.accelerator_count, 1);
	assert_int_equal(control.installation.tunnel_setting_count, 0);
}

/* A port may go from one to the other in one change, which no order of single ones allows. */
static void judged_as_it_will_be(void **state)
{
	(void)state;
	assert_int_equal(apply(ACCELERATOR("web", "80") "," ACCELERATOR("api", "81"), ""), 200);
	assert_int_equal(apply(ACCELERATOR("web", "81") "," ACCELERATOR("api", "80"), ""), 200);
	expect_action(0, "web", "updated");
	assert_int_equal(apply(ACCELERATOR("new", "80"), ", \"prune\": true"), 200);
	assert_int_equal(control.installation.accelerator_count, 1);
	assert_int_equal(apply(ACCELERATOR("a", "90") "," ACCELERATOR("b", "90"), ""), 422);
	assert_int_equal(fault_count(), 2);
	expect_fault(0, "/items/0/ports", "belongs to accelerator \"b\"");
	expect_fault(1, "/items/1/ports", "belongs to accelerator \"a\"");
}

static void everything_that_is_wrong(void **state)
{
	uint64_t before = control.installation.revision;

	(void)state;
	assert_int_equal(
	    apply(
	        ACCELERATOR("good",
	            "80") ","
	                  "{\"kind\": \"Accelerator\", \"name\": \"b\", \"protocol\": \"tpc\", "
	                  "\"lisen\": 1,"
	                  " \"ports\": [\"81\", \"x\"], \"listen\": [\"tokio\"], "
	                  "\"endpoint_groups\":"
	                  " [{\"region\": \"oslo\", \"backends\": [{\"host\": \"h\"}]}]},"
	                  "{\"kind\": \"Tunnel\", \"listener\": \"tyo-2\", \"endpoint\": "
	                  "\"tyo-1\"},"
	                  "{\"kind\": \"Tunel\"}, {\"name\": \"x\"}, 5," ACCELERATOR("good", "82"),
	        ""),
	    422);
	assert_int_equal(fault_count(), 10);
	expect_fault(0, "/items/1/protocol", "did you mean 'tcp'?");
	expect_fault(1, "/items/1/lisen", "did you mean 'listen'?");
	assert_true(json_is_true(
	    json_object_get(json_array_get(json_object_get(answer.json, "errors"), 1), "at_key")));
	expect_fault(2, "/items/1/ports/1", "must be a port");
	expect_fault(3, "/items/1/listen/0", "no listener has joined in region \"tokio\"");
	expect_fault(4, "/items/2/listener", "there is no node \"tyo-2\"");
	expect_fault(5, "/items/2/endpoint", "node \"tyo-1\" is no endpoint");
	expect_fault(6, "/items/3/kind", "there is no kind \"Tunel\"");
	expect_fault(7, "/items/4", "kind: is required");
	expect_fault(8, "/items/5", "must be an object");
	expect_fault(9, "/items/6/name", "\"good\" stands twice");
	assert_int_equal(control.installation.revision, before);
	assert_int_equal(control.installation.accelerator_count, 0);
}

/* A fault's words are cut by bytes; a cut within a character may not lose the fault. */
static void what_is_cut_is_wrong_all_the_same(void **state)
{
	char kind[64], item[512];
	size_t length;

	(void)state;
	memset(kind, 'a', 63);
	kind[63] = '\0';
	snprintf(item, sizeof item, ACCELERATOR("good", "80") ",{\"kind\": \"%s\xc3\xa9\"}", kind);
	assert_int_equal(apply(item, ""), 422);
	assert_int_equal(fault_count(), 1);
	expect_fault(0, "/items/1/kind", "there is no kind \"aaaa");
	for (int shift = 0; shift < 2; shift++) {
		length = (size_t)snprintf(item, sizeof item,
		    ACCELERATOR("good", "80") ",{\"kind\": \"Accelerator\", \"%s",
		    shift ? "x" : "");
		for (int i = 0; i < 80; i++)
			length += (size_t)snprintf(item + length, sizeof item - length, "\xc3\xa9");
		snprintf(item + length, sizeof item - length, "\": 1}");
		assert_int_equal(apply(item, ""), 422);
		/* Alone it needs its answer too. */
		assert_int_equal(
		    api_ask("POST", "/v1/accelerators", "", strstr(item, ",{\"kind\"") + 1), 400);
		assert_string_equal(api_text("type"), "urn:trunkline:problem:bad-request");
	}
	assert_int_equal(control.installation.accelerator_count, 0);
}

static void the_request_itself(void **state)
{
	(void)state;
	assert_int_equal(api_ask("POST", "/v1/apply", "", "{}"), 400);
	assert_int_equal(api_ask("POST", "/v1/apply", "", "{\"items\": {}}"), 400);
	assert_int_equal(apply("", ", \"prun\": true"), 400);
	assert_int_equal(apply("", ", \"prune\": 1"), 422);
	assert_int_equal(apply("", ""), 200);
	assert_int_equal(
	    api_ask("POST", "/v1/apply", "If-Match: \"9999\"\r\n", "{\"items\": []}"), 412);
}

static void the_list_can_be_applied(void **state)
{
	char *items;

	(void)state;
	assert_int_equal(apply(ACCELERATOR("web", "80") "," TUNNEL("fixed:2000kbit"), ""), 200);
	assert_int_equal(api_ask("GET", "/v1/objects", "", ""), 200);
	assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 2);
	items = json_dumps(json_object_get(answer.json, "items"), 0);
	items[strlen(items) - 1] = '\0';
	assert_int_equal(apply(items + 1, ", \"prune\": true"), 200);
	expect_action(0, "web", "unchanged");
	expect_action(1, "tyo-1/osl-1", "unchanged");
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(one_revision_for_all),
	    API_TEST(a_dry_run_changes_nothing),
	    API_TEST(prune_deletes_what_is_not_stated),
	    API_TEST(judged_as_it_will_be),
	    API_TEST(everything_that_is_wrong),
	    API_TEST(what_is_cut_is_wrong_all_the_same),
	    API_TEST(the_request_itself),
	    API_TEST(the_list_can_be_applied),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
