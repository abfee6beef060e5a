/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control's options: what is taken, and which addresses tokens tell. */
#include "tests/unit/cmocka_all.h"

#include "control/options.h"
#include "net/options.h"

#include <string.h>

static struct control_options options;

static int parse(const char *const *words)
{
	char *argv[16] = {"trunkline-control"};
	int argc = 1;

	while (words[argc - 1] && argc < 15) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	return control_options_parse(argc, argv, &options);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void defaults(void **state)
{
	char addresses[JOIN_ADDRESSES_MAX][NAME_BYTES], *path;
	size_t count;

	(void)state;
	assert_int_equal(PARSE("--state", "/x"), OPTIONS_RUN);
	assert_string_equal(options.nodes, "0.0.0.0:7400");
	count = control_options_join_addresses(&options, addresses);
	assert_in_range(count, 1, JOIN_ADDRESSES_MAX);
	assert_string_equal(addresses[count - 1], "127.0.0.1:7400");
	assert_null(control_options_api(&options, 1));
	control_options_clear(&options);
	assert_int_equal(
	    PARSE("--state", "/x", "--api", "unix:/a", "--api", "unix:b"), OPTIONS_RUN);
	path = control_options_api(&options, 1);
	assert_string_equal(path, "unix:b");
	free(path);
	assert_null(control_options_api(&options, 2));
	control_options_clear(&options);
}

static void told_addresses(void **state)
{
	char addresses[JOIN_ADDRESSES_MAX][NAME_BYTES];

	(void)state;
	assert_int_equal(PARSE("--state", "/x", "--nodes", "192.0.2.1:7"), OPTIONS_RUN);
	assert_int_equal(control_options_join_addresses(&options, addresses), 1);
	assert_string_equal(addresses[0], "192.0.2.1:7");
	control_options_clear(&options);
	assert_int_equal(
	    PARSE("--state", "/x", "--nodes", "[::]:7", "--advertise", "2001:db8::1"), OPTIONS_RUN);
	assert_int_equal(control_options_join_addresses(&options, addresses), 1);
	assert_string_equal(addresses[0], "[2001:db8::1]:7");
	control_options_clear(&options);
}

static void groups(void **state)
{
	struct api_group list[API_GROUPS_MAX];

	(void)state;
	assert_int_equal(
	    PARSE("--state", "/x", "--api-group", "root=viewer", "--api-group", "4711=operator"),
	    OPTIONS_RUN);
	assert_int_equal(control_options_groups(&options, list), 2);
	assert_int_equal(list[0].gid, 0);
	assert_int_equal(list[0].role, API_ROLE_VIEWER);
	assert_int_equal(list[1].gid, 4711);
	assert_int_equal(list[1].role, API_ROLE_OPERATOR);
	control_options_clear(&options);
}

static void refused(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--state", "/x", "--api-group", "root=cook"), EXIT_USAGE);
	assert_int_equal(PARSE("--state", "/x", "--api-group", "root=none"), EXIT_USAGE);
	assert_int_equal(PARSE("--state", "/x", "--api-group", "=viewer"), EXIT_USAGE);
	assert_int_equal(PARSE("--state", "/x", "--api-group", "no-such-group=viewer"), EXIT_USAGE);
	assert_int_equal(PARSE("--api", "unix:/a"), EXIT_USAGE);
	assert_int_equal(PARSE("--state", "/x", "--api", "127.0.0.1"), EXIT_USAGE);
	assert_int_equal(PARSE("--state", "/x", "--api", "name:80"), EXIT_USAGE);
	assert_int_equal(PARSE("--state", "/x", "--api-cert", "/c"), EXIT_USAGE);
	assert_int_equal(PARSE("--state", "/x", "--api-key", "/k"), EXIT_USAGE);
	assert_int_equal(PARSE("--state", "/x", "--api-rate", "0"), EXIT_USAGE);
	assert_int_equal(PARSE("--state", "/x", "--api", "unix:"), EXIT_USAGE);
	assert_int_equal(PARSE("--state", "/x", "--nodes", "192.0.2.1"), EXIT_USAGE);
	assert_int_equal(PARSE("--state", "/x", "--advertise", "a.name"), EXIT_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(told_addresses),
	    cmocka_unit_test(groups),
	    cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
