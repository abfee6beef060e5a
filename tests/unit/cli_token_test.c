/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/token.c: what the commands ask of control, and what they print. */
#include "config.h"

#include "tests/unit/cli_fixture.h"

static void test_a_token_is_made(void **state)
{
	(void)state;
	cli_set(201, "{\"token\": \"tla1_x\", \"expires\": \"2027-01-01T00:00:00Z\"}");
	assert_int_equal(cli_run("token create --name ci --role viewer --ttl 2d"), EXIT_DONE);
	assert_string_equal(printed, "tla1_x\n");
	assert_true(cli_was_asked("POST /v1/tokens HTTP/1.1\r\n"));
	assert_true(cli_was_asked("{\"name\":\"ci\",\"role\":\"viewer\",\"ttl_s\":172800}"));
}

static void test_usage(void **state)
{
	(void)state;
	assert_int_equal(cli_run("token create --name ci --role cook"), EXIT_USAGE);
	assert_int_equal(cli_run("token create --name c/i --role viewer"), EXIT_USAGE);
	assert_int_equal(cli_run("token create --name ci --role viewer --ttl 0"), EXIT_USAGE);
	assert_int_equal(cli_run("token revoke ../x"), EXIT_USAGE);
	assert_int_equal(server.requests, 0);
}

static void test_the_list(void **state)
{
	(void)state;
	cli_set(200, "{\"items\": [{\"name\": \"ci\", \"role\": \"viewer\", \"state\": \"expired\","
	             " \"created\": \"2026-01-01T00:00:00Z\", \"created_by\": \"uid 0 (root)\","
	             " \"expires\": \"2026-02-01T00:00:00Z\", \"used\": null}]}");
	assert_int_equal(cli_run("token list"), EXIT_DONE);
	assert_non_null(strstr(printed, "ci"));
	assert_non_null(strstr(printed, "expired"));
	assert_non_null(strstr(printed, "uid 0 (root)"));
}

static void test_revoking(void **state)
{
	(void)state;
	cli_set(200, "{\"revision\": 9}");
	assert_int_equal(cli_run("token revoke ci"), EXIT_DONE);
	assert_string_equal(printed, "token ci revoked (revision 9)\n");
	assert_true(cli_was_asked("DELETE /v1/tokens/ci HTTP/1.1\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_a_token_is_made),
	    CLI_TEST(test_usage),
	    CLI_TEST(test_the_list),
	    CLI_TEST(test_revoking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
