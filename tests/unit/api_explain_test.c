/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_explain.c: what may be asked, what is wrong with it, and an answer that comes later. */
#include "config.h"

#include "control/api_routes.h"
#include "control/audit.h"
#include "control/explain.h"

#include "tests/unit/api_fixture.h"

/* An answer whose length is not known at first comes in chunks (RFC 9112 section 7.1), here in one. */
static unsigned ask(const char *body)
{
	unsigned status = api_ask("POST", "/v1/explain/flow", "", body);
	const char *json = strchr(answer.bytes, '{');

	if (!answer.json && json)
		answer.json = json_loads(json, JSON_DISABLE_EOF_CHECK, NULL);
	return status;
}

static int setup_explain(void **state)
{
	int result = api_setup(state);

	control.explains = explains_new(&control);
	assert_non_null(control.explains);
	control_add_accelerator("web", 80, "tokyo", "oslo");
	return result;
}

static int teardown_explain(void **state)
{
	struct explains *explains = control.explains;
	int result = api_teardown(state);

	explains_free(explains);
	return result;
}

/* No node is connected in this fixture. */
static void test_the_answer_comes_when_time_is_over(void **state)
{
	(void)state;
	assert_int_equal(ask("{\"user\": \"192.0.2.1:4000\", \"to\": \"web\"}"), 200);
	assert_string_equal(api_text("verdict"), "no-listener");
	assert_string_equal(api_text("user"), "192.0.2.1:4000");
	assert_string_equal(api_text("accelerator"), "web");
	assert_string_equal(api_text("protocol"), "tcp");
	assert_true(json_is_null(api_at("listener")));
	assert_non_null(strstr(answer.bytes, "Content-Type: application/json\r\n"));
	assert_int_equal(ask("{\"user\": \"[2001:db8::1]:4000\", \"to\": \"80\"}"), 200);
	assert_string_equal(api_text("accelerator"), "web");
	assert_int_equal(api_number("port"), 80);
}

static void test_what_is_wrong_is_told_without_the_address(void **state)
{
	static const struct {
		const char *body;
		unsigned status;
		const char *field;
	} wrong[] = {
	    {"{\"to\": \"web\"}", 400, "user"},
	    {"{\"user\": \"192.0.2.1\"}", 422, "user"},
	    {"{\"user\": \"192.0.2.1:0\"}", 422, "user"},
	    {"{\"user\": \"192.0.2.1:5\", \"to\": \"nothing\"}", 404, "to"},
	    {"{\"user\": \"192.0.2.1:5\", \"to\": \"81\"}", 404, "to"},
	    {"{\"user\": \"192.0.2.1:5\", \"to\": \"99999999999\"}", 404, "to"},
	    {"{\"user\": \"192.0.2.1:5\", \"to\": \"80\", \"protocol\": \"udp\"}", 404, "to"},
	    {"{\"user\": \"192.0.2.1:5\", \"to\": \"web\", \"protocol\": \"udp\"}", 422,
	        "protocol"},
	    {"{\"user\": \"192.0.2.1:5\", \"protocol\": \"tcp+udp\"}", 422, "protocol"},
	    {"{\"user\": \"192.0.2.1:5\", \"at\": \"osl-1\"}", 404, "at"},
	    {"{\"user\": \"192.0.2.1:5\", \"at\": \"x y\"}", 422, "at"},
	    {"{\"user\": \"192.0.2.1:5\", \"x\": 1}", 400, "x"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		if (ask(wrong[i].body) != wrong[i].status)
			fail_msg("%s: %u", wrong[i].body, answer.status);
		assert_string_equal(api_text("field"), wrong[i].field);
		assert_null(strstr(api_text("detail"), "192.0.2.1"));
	}
}

/* Of a body that is cut the caller is told where, with its words. */
static void test_no_log_has_the_address(void **state)
{
	char path[sizeof api_directory + 16];
	json_t *entries;

	(void)state;
	assert_int_equal(audit_open(&control.audit, api_directory), 0);
	assert_int_equal(ask("{\"user\": \"203.0.113.9:4711"), 400);
	assert_int_equal(ask("{\"user\": 203.0.113.9:4711}"), 400);
	assert_int_equal(api_ask("POST", "/v1/apply", "", "{\"items\": ["), 400);
	entries = audit_read(control.audit, 10);
	assert_int_equal(json_array_size(entries), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(entries, 0), "what")),
	    "POST /v1/apply");
	json_decref(entries);
	audit_close(control.audit);
	snprintf(path, sizeof path, "%s/audit.log", api_directory);
	unlink(path);
}

#define EXPLAIN_TEST(f) cmocka_unit_test_setup_teardown(f, setup_explain, teardown_explain)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    EXPLAIN_TEST(test_the_answer_comes_when_time_is_over),
	    EXPLAIN_TEST(test_what_is_wrong_is_told_without_the_address),
	    EXPLAIN_TEST(test_no_log_has_the_address),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
