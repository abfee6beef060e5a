/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every reason has a name of its own.
 */
#include "config.h"

#include "tunnel/reason.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static void names_are_there_and_differ(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REASON_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(reason_name(i), reason_name(j));
	assert_string_equal(reason_name(REASON_BACKEND_REFUSED), "backend-refused");
	assert_string_equal(reason_name(REASON_COUNT), "unknown");
	assert_string_equal(reason_name(UINT64_MAX), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_there_and_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
