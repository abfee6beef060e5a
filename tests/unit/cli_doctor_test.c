/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/doctor.c: a line a finding, and the exit status. */
#include "config.h"

#include "cli/commands.h"

#include "tests/unit/cli_fixture.h"

#define DOCTOR(version, wrong, findings)                                                           \
	"{\"version\": \"" version "\", \"time\": \"2026-11-21T01:02:03.000Z\", \"nodes\": 3, "    \
	"\"checks\": [\"clock\", \"mtu\"], \"wrong\": " wrong ", \"findings\": [" findings "]}"
#define NOTICE                                                                                     \
	"{\"level\": \"notice\", \"check\": \"mtu\", \"node\": \"a\", \"detail\": \"small "        \
	"packets\", \"fix\": \"look\"}"
#define WRONG                                                                                      \
	"{\"level\": \"wrong\", \"check\": \"clock\", \"node\": \"a\", \"detail\": \"the clock "   \
	"of a\", \"fix\": \"set it\"}"

static void test_all_is_well(void **state)
{
	(void)state;
	cli_set(200, DOCTOR(PACKAGE_VERSION, "0", ""));
	assert_int_equal(cli_run("doctor"), EXIT_DONE);
	cli_assert_printed("All is well: clock,mtu, over 3 nodes.\n");
	assert_true(cli_was_asked("GET /v1/doctor "));
}

static void test_a_notice_is_no_failure(void **state)
{
	(void)state;
	cli_set(200, DOCTOR(PACKAGE_VERSION, "0", NOTICE));
	assert_int_equal(cli_run("doctor"), EXIT_DONE);
	cli_assert_printed("CHECK  LEVEL   FINDING        WHAT TO DO\n"
	                   "mtu    notice  small packets  look\n");
}

static void test_what_is_wrong_is(void **state)
{
	(void)state;
	cli_set(200, DOCTOR(PACKAGE_VERSION, "1", WRONG ", " NOTICE));
	assert_int_equal(cli_run("doctor"), EXIT_FAILED);
	cli_assert_printed("CHECK  LEVEL   FINDING         WHAT TO DO\n"
	                   "clock  wrong   the clock of a  set it\n"
	                   "mtu    notice  small packets   look\n");
}

static void test_this_trunkctl_may_be_the_old_one(void **state)
{
	(void)state;
	cli_set(200, DOCTOR("9.9", "0", ""));
	assert_int_equal(cli_run("doctor"), EXIT_FAILED);
	assert_non_null(
	    strstr(printed, "this trunkctl is of version " PACKAGE_VERSION ", control of 9.9"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_all_is_well),
	    CLI_TEST(test_a_notice_is_no_failure),
	    CLI_TEST(test_what_is_wrong_is),
	    CLI_TEST(test_this_trunkctl_may_be_the_old_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
