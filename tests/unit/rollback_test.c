/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/rollback.c, beside api_revisions_test: what is no longer kept, and no change at all. */
#include "config.h"

#include "control/rollback.h"

#include "base/keyed_hash.h"
#include "tests/unit/control_fixture.h"

static int setup(void **state)
{
	(void)state;
	control_begin_alone();
	control_add_node("osl-1", NODE_ENDPOINT, "oslo", 1);
	return 0;
}

static void no_such_revision(void **state)
{
	struct problem problem = {0};
	struct plan plan;

	(void)state;
	assert_int_equal(rollback_plan(&control, 99, &plan, &problem), -1);
	assert_int_equal(problem.kind, PROBLEM_NOT_FOUND);
	plan_clear(&plan);
}

/* It is written down that somebody went back, even when all was so already. */
static void nothing_to_change(void **state)
{
	struct problem problem = {0};
	struct change change;
	uint64_t before = control.installation.revision;

	(void)state;
	change_init(&change, "test", "back");
	assert_int_equal(rollback_run(&control, before, &change, &problem), 0);
	assert_int_equal(control.installation.revision, before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(no_such_revision, setup, control_teardown),
	    cmocka_unit_test_setup_teardown(nothing_to_change, setup, control_teardown),
	};

	if (sodium_init() < 0 || keyed_hash_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
