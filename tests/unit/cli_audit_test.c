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

/* An entry after the first look; and then control takes the right away, which ends it. */
static void *add_later(void *context)
{
	(void)context;
	cli_wait_requests(2);
	cli_set(200, "{\"items\": [{\"what\": \"POST /v1/b\"}]}");
	cli_tell("event: audit\ndata: {}\n\n");
	cli_wait_requests(3);
	cli_set(403, "{\"detail\": \"no more\"}");
	cli_tell("event: audit\ndata: {}\n\n");
	return NULL;
}

/* Drawn anew when the events tell of an entry. */
static void test_new_entries_come_by_events(void **state)
{
	pthread_t thread;

	(void)state;
	server.events = "event: hello\ndata: {}\n\n";
	cli_set(200, "{\"items\": [{\"what\": \"POST /v1/a\"}]}");
	assert_int_equal(pthread_create(&thread, NULL, add_later, NULL), 0);
	assert_int_equal(cli_run("audit --limit 3 --watch"), EXIT_FAILED);
	pthread_join(thread, NULL);
	assert_non_null(strstr(printed, "POST /v1/a"));
	assert_non_null(strstr(printed, "POST /v1/b"));
	assert_int_equal(cli_requests(), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_the_audit_log_is_a_table),
	    CLI_TEST(test_new_entries_come_by_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
