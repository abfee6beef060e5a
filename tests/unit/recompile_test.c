/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/recompile.c: a database of another version has one revision more, once. */
#include "config.h"

#include "control/recompile.h"

#include "base/keyed_hash.h"
#include "control/adopt.h"
#include "control/compile.h"
#include "tests/unit/control_fixture.h"

static int setup(void **state)
{
	(void)state;
	control_begin_alone();
	control_add_node("tyo-1", NODE_LISTENER, "tokyo", 2);
	return 0;
}

static void test_a_new_database_is_of_this_version(void **state)
{
	(void)state;
	assert_int_equal(control.installation.compile_format, COMPILE_FORMAT);
	recompile_if_other(&control);
	assert_int_equal(control.installation.revision, 1);
}

static void test_another_version_s_has_one_revision_more(void **state)
{
	static const uint64_t formats[] = {0, COMPILE_FORMAT + 1}; /* an upgrade, a downgrade */
	struct confirmation waits = {
	    .revision = 1, .back_to = 0, .deadline_ms = UINT64_C(1) << 50, .window_s = 3600};
	struct revision last;

	(void)state;
	assert_int_equal(store_put_confirmation(control.store, &waits), 0);
	for (uint64_t i = 0; i < 2; i++) {
		assert_int_equal(store_put_compile_format(control.store, formats[i]), 0);
		control_load();
		recompile_if_other(&control);
		assert_int_equal(control.installation.revision, 2 + i);
		control_load();
		assert_int_equal(control.installation.compile_format, COMPILE_FORMAT);
		recompile_if_other(&control);
		assert_int_equal(control.installation.revision, 2 + i);
	}
	assert_int_equal(control.installation.confirmation.revision, 1);
	assert_int_equal(store_list_revisions(control.store, &last, 1), 1);
	assert_string_equal(last.who, "control");
	assert_string_equal(last.what, "configs are made anew by version " PACKAGE_VERSION);
}

static void test_a_restored_one_waits_for_its_adoption(void **state)
{
	struct problem problem = {0};
	struct change change;

	(void)state;
	assert_int_equal(store_put_compile_format(control.store, 0), 0);
	assert_int_equal(store_mark_restored(control.store, 1700000000000), 0);
	control_load();
	recompile_if_other(&control);
	assert_int_equal(control.installation.revision, 1);
	assert_int_equal(adopt_run(&control, "somebody", &change, &problem), 0);
	assert_int_equal(control.installation.compile_format, COMPILE_FORMAT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, control_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_new_database_is_of_this_version),
	    TEST(test_another_version_s_has_one_revision_more),
	    TEST(test_a_restored_one_waits_for_its_adoption),
	};

	if (sodium_init() < 0 || keyed_hash_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
