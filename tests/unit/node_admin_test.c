/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/node_admin.c: its option. What it answers is shown by tests/e2e/test_metrics.py. */
#include "config.h"

#include "net/node_admin.h"

#include "base/err.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static void expect(const char *text, const char *address)
{
	char got[ADDR_TEXT_BYTES];
	struct addr addr;

	assert_int_equal(node_admin_parse(text, &addr), 0);
	assert_string_equal(addr_format(&addr, got, sizeof(got)), address);
	assert_null(node_admin_check(text));
}

static void test_a_port_alone_is_of_this_machine(void **state)
{
	(void)state;
	expect("9402", "127.0.0.1:9402");
	expect("192.0.2.1:9402", "192.0.2.1:9402");
	expect("[::1]:9402", "[::1]:9402");
}

static void test_what_is_none(void **state)
{
	static const char *const wrong[] = {
	    "", "0", "65536", "99999999999999999999", "127.0.0.1", "localhost:80", "::1", "80x"};
	struct addr addr;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(node_admin_parse(wrong[i], &addr), ERR_MALFORMED);
		assert_non_null(node_admin_check(wrong[i]));
	}
}

static void test_others_reach_it_only_when_that_is_said(void **state)
{
	static const char *const remote[] = {"0.0.0.0:80", "[::]:80", "192.0.2.1:80"};

	(void)state;
	for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++) {
		assert_non_null(strstr(node_admin_check_remote(remote[i], false), "admin-remote"));
		assert_null(node_admin_check_remote(remote[i], true));
	}
	assert_null(node_admin_check_remote("80", false));
	assert_null(node_admin_check_remote("127.1.2.3:80", false));
	assert_null(node_admin_check_remote("[::1]:80", false));
	assert_null(node_admin_check_remote(NULL, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_port_alone_is_of_this_machine),
	    cmocka_unit_test(test_what_is_none),
	    cmocka_unit_test(test_others_reach_it_only_when_that_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
