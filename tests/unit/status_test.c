/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/status.c: the installation at a glance. */
#include "config.h"

#include "cli/commands.h"

#include "tests/unit/cli_fixture.h"

#define STATUS                                                                                     \
	"\"version\": \"0.1\", \"started\": \"2020-02-03T04:05:06Z\", \"nodes_address\": "         \
	"\"192.0.2.9:7400\", \"pin\": \"abc\", \"revision\": 12, \"nodes\": {\"up\": 2, "          \
	"\"down\": 1}, "                                                                           \
	"\"accelerators\": 1, \"tunnels\": {\"up\": 1, \"partial\": 0, \"down\": 0}"

static void test_all_is_well(void **state)
{
	(void)state;
	cli_set(200, "{" STATUS ", \"problems\": []}");
	assert_int_equal(cli_run("status"), EXIT_DONE);
	cli_assert_printed("version           0.1\n"
	                   "started           2020-02-03 04:05\n"
	                   "nodes connect to  192.0.2.9:7400\n"
	                   "pin               abc\n"
	                   "revision          12\n"
	                   "nodes             2 up, 1 down\n"
	                   "accelerators      1\n"
	                   "tunnels           1 up\n"
	                   "problems          none\n");
	assert_true(cli_was_asked("GET /v1/status "));
}

static void test_problems_come_with_what_to_do(void **state)
{
	(void)state;
	cli_set(200, "{" STATUS ", \"problems\": [{\"detail\": \"node x is down\", \"fix\": "
	             "\"start it\"}, {\"detail\": \"y\", \"fix\": null}]}");
	assert_int_equal(cli_run("status"), EXIT_DONE);
	assert_null(strstr(printed, "problems"));
	cli_assert_printed("version           0.1\n"
	                   "started           2020-02-03 04:05\n"
	                   "nodes connect to  192.0.2.9:7400\n"
	                   "pin               abc\n"
	                   "revision          12\n"
	                   "nodes             2 up, 1 down\n"
	                   "accelerators      1\n"
	                   "tunnels           1 up\n"
	                   "\n"
	                   "NEEDS ATTENTION  WHAT TO DO\n"
	                   "node x is down   start it\n"
	                   "y                -\n");
}

static void test_nothing_joined_yet(void **state)
{
	(void)state;
	cli_set(200, "{\"nodes\": {\"up\": 0, \"down\": 0}, \"tunnels\": {}, \"problems\": []}");
	assert_int_equal(cli_run("status"), EXIT_DONE);
	assert_non_null(strstr(printed, "nodes             none\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_all_is_well),
	    CLI_TEST(test_problems_come_with_what_to_do),
	    CLI_TEST(test_nothing_joined_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
