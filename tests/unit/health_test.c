/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every state and cause has its word, and what is none has no other's. */
#include "tests/unit/cmocka_all.h"

#include "model/health.h"

static void words(void **state)
{
	(void)state;
	assert_string_equal(health_state_text(HEALTH_UNKNOWN), "unknown");
	assert_string_equal(health_state_text(HEALTH_UNHEALTHY), "unhealthy");
	assert_string_equal(health_state_text((enum health_state)3), "?");
	for (int i = 0; i < HEALTH_CAUSE_COUNT; i++)
		assert_string_equal(health_cause_text((enum health_cause)i), health_cause_names[i]);
	assert_null(health_cause_names[HEALTH_CAUSE_COUNT]);
	assert_null(health_state_names[HEALTH_UNHEALTHY + 1]);
	assert_string_equal(health_cause_text(HEALTH_CAUSE_COUNT), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
