/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_health.c.  Control has no keys process here, so it is never ready. */
#include "config.h"

#include "control/audit.h"

#include "tests/unit/api_fixture.h"

#include <fcntl.h>

static bool has_reason(const char *text)
{
	const json_t *list = api_at("reasons");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strstr(json_string_value(json_array_get(list, i)), text))
			return true;
	return false;
}

static void test_alive(void **state)
{
	(void)state;
	assert_int_equal(api_get("/healthz"), 200);
	assert_string_equal(api_text("status"), "ok");
	assert_int_equal(api_ask("POST", "/healthz", "", ""), 405);
	assert_true(api_has_header("Allow: GET"));
	assert_int_equal(api_get("/healthzz"), 404);
}

static void test_each_reason_is_told(void **state)
{
	char path[sizeof api_directory + 16];

	(void)state;
	assert_int_equal(api_get("/readyz"), 503);
	assert_true(json_is_false(api_at("ready")));
	assert_true(has_reason("keys process"));
	assert_true(has_reason("audit log"));
	assert_int_equal(json_array_size(api_at("reasons")), 2);
	control.installation.restored_from_ms = 5;
	assert_int_equal(api_get("/readyz"), 503);
	assert_true(has_reason("trunkctl adopt"));
	control.installation.restored_from_ms = 0;
	assert_int_equal(audit_open(&control.audit, api_directory), 0);
	assert_int_equal(api_get("/readyz"), 503);
	assert_false(has_reason("audit log"));
	audit_close(control.audit);
	snprintf(path, sizeof path, "%s/audit.log", api_directory);
	unlink(path);
}

static void write_entry(void)
{
	audit_write(control.audit,
	    &(struct audit_entry){
	        .outcome = AUDIT_DONE, .who = "somebody", .from = "here", .what = "something"},
	    1700000000000);
}

/* When it was full, and the next one could not be made. */
static void test_a_lost_audit_log_is_told(void **state)
{
	char path[sizeof api_directory + 16], away[sizeof api_directory + 8];

	(void)state;
	snprintf(path, sizeof path, "%s/audit.log", api_directory);
	snprintf(away, sizeof away, "%s-away", api_directory);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(truncate(path, AUDIT_FILE_BYTES_MAX), 0);
	assert_int_equal(audit_open(&control.audit, api_directory), 0);
	assert_int_equal(rename(api_directory, away), 0);
	write_entry();
	assert_int_equal(rename(away, api_directory), 0);
	assert_int_equal(api_get("/readyz"), 503);
	assert_true(has_reason("audit log"));
	write_entry();
	assert_int_equal(api_get("/readyz"), 503);
	assert_false(has_reason("audit log"));
	audit_close(control.audit);
	unlink(path);
	strcat(path, ".1");
	unlink(path);
}

static void test_metrics_are_text(void **state)
{
	(void)state;
	assert_int_equal(api_get("/metrics"), 200);
	assert_true(api_has_header("Content-Type: text/plain; version=0.0.4; charset=utf-8"));
	assert_non_null(strstr(answer.bytes, "\r\n\r\n# HELP "));
	assert_non_null(strstr(answer.bytes, "\ntrunkline_metrics_series_left_out 0\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(test_alive),
	    API_TEST(test_each_reason_is_told),
	    API_TEST(test_a_lost_audit_log_is_told),
	    API_TEST(test_metrics_are_text),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
