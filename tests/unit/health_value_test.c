/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --health into the groups of an accelerator's body. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "cli/commands.h"
#include "cli/health_value.h"
#include "cli/value.h"

static struct invocation invocation;
static char error[VALUE_ERROR_BYTES];

static bool take(const char *first, const char *second, json_t *groups)
{
	char *words[] = {(char *)"trunkctl", (char *)"accelerator", (char *)"update", (char *)"web",
	    (char *)"--health", (char *)first, (char *)"--health", (char *)second};

	if (!command_parse(&trunkctl_commands, second ? 8 : 6, words, &invocation, error))
		fail_msg("%s", error);
	return health_take(&invocation, groups, error);
}

static json_t *two_groups(void)
{
	return json_pack("[{s:s}, {s:s}]", "region", "fra", "region", "iad");
}

static const char *kind_of(const json_t *groups, size_t i)
{
	const json_t *health = json_object_get(json_array_get(groups, i), "health");

	return json_string_value(json_object_get(health, "kind"));
}

static void all_groups_or_one(void **state)
{
	json_t *groups = two_groups();

	(void)state;
	assert_true(take("tcp,interval=2s", "iad=udp:send=ping", groups));
	assert_string_equal(kind_of(groups, 0), "tcp");
	assert_string_equal(kind_of(groups, 1), "udp");
	json_decref(groups);
}

static void what_is_wrong_is_told(void **state)
{
	json_t *groups = two_groups();

	(void)state;
	assert_false(take("nrt=tcp", NULL, groups));
	assert_string_equal(error, "--health \"nrt=tcp\": there is no backend in region \"nrt\"");
	assert_false(take("ping", NULL, groups));
	assert_non_null(strstr(error, "is no kind of health check; the kinds are"));
	assert_false(take("tcp,timeout=9s", NULL, NULL));
	assert_non_null(strstr(error, "longer than the interval"));
	assert_true(take("nrt=tcp", NULL, NULL)); /* the groups are not known yet */
	json_decref(groups);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_groups_or_one),
	    cmocka_unit_test(what_is_wrong_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
