/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/audit.c: the audit log as a table. */
#include "config.h"

#include "tests/unit/cli_fixture.h"

static void test_the_audit_log_is_a_table(void **state)
{
	(void)state;
	cli_set(200, "{\"items\": [{\"when\": \"2026-01-01T00:00:00Z\", \"who\": \"token ci\","
	             " \"from\": \"192.0.2.1:7\", \"role\": null, \"what\": \"DELETE /v1/nodes/a\","
	             " \"outcome\": \"refused\", \"status\": 403, \"detail\": \"may not\"}]}");
	assert_int_equal(cli_run("audit --limit 3"), EXIT_DONE);
	assert_true(cli_was_asked("GET /v1/audit?limit=3 HTTP/1.1\r\n"));
	assert_non_null(strstr(printed, "token ci"));
	assert_non_null(strstr(printed, "may not"));
	assert_int_equal(cli_run("audit --limit 0"), EXIT_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_the_audit_log_is_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
