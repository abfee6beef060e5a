/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/change.c: a change is on disk with its revision, or nothing of it is. */
#include "config.h"

#include "control/change.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "tests/unit/control_fixture.h"

static struct problem problem;

static int setup(void **state)
{
	(void)state;
	control_begin_alone();
	control_add_node("osl-1", NODE_ENDPOINT, "oslo", 1);
	problem = (struct problem){0};
	return 0;
}

static int see_node(void *context, const struct revision *revision, const json_t *objects)
{
	json_t *wanted = json_pack("[{s:s, s:s, s:{s:i}, s:n}]", "kind", "Node", "name", "osl-1",
	    "before", "a", 1, "after");

	assert_int_equal(revision->number, 2);
	assert_true(json_equal(objects, wanted));
	json_decref(wanted);
	++*(int *)context;
	return 0;
}

static void test_a_change_is_a_revision(void **state)
{
	int seen = 0;
	struct revision newest;
	struct change change;
	json_t *before = json_pack("{s:i}", "a", 1);

	(void)state;
	change_init(&change, "somebody", "node %s removed", "osl-1");
	assert_int_equal(change.drain_s, DRAIN_DEFAULT_S);
	change_note(&change, "Node", "osl-1", before, NULL);
	assert_int_equal(change_begin(&control, &change, &problem), 0);
	json_decref(before);
	assert_null(change.objects);
	assert_int_equal(change.revision.number, 2);
	assert_int_equal(control.installation.revision, 1); /* not before it is on disk */
	int result = store_delete_node(control.store, 1);
	assert_int_equal(change_end(&control, &change, result, &problem), 0);
	assert_int_equal(control.installation.revision, 2);
	assert_int_equal(control.installation.node_count, 0);
	assert_int_equal(store_list_revisions(control.store, &newest, 1), 1);
	assert_string_equal(newest.who, "somebody");
	assert_string_equal(newest.what, "node osl-1 removed");
	assert_true(newest.when_ms > UINT64_C(1700000000000));
	assert_int_equal(store_read_revisions(control.store, 2, 2, see_node, &seen), 0);
	assert_int_equal(seen, 1);
}

static void test_what_failed_between_leaves_nothing(void **state)
{
	struct change change;

	(void)state;
	change_init(&change, "somebody", "something");
	assert_int_equal(change_begin(&control, &change, &problem), 0);
	assert_int_equal(store_delete_node(control.store, 1), 0);
	assert_int_equal(change_end(&control, &change, ERR_IO, &problem), -1);
	assert_int_equal(problem.kind, PROBLEM_STORAGE);
	assert_true(problem.fix[0] != '\0');
	control_load();
	assert_int_equal(control.installation.revision, 1);
	assert_int_equal(control.installation.node_count, 1);
	/* And the next one can be made. */
	change_init(&change, "somebody", "something");
	assert_int_equal(change_begin(&control, &change, &problem), 0);
	assert_int_equal(change.revision.number, 2);
	assert_int_equal(change_end(&control, &change, 0, &problem), 0);
}

static void test_a_change_within_a_change_is_refused(void **state)
{
	struct change change, second;

	(void)state;
	change_init(&change, "somebody", "one");
	change_init(&second, "somebody", "two");
	assert_int_equal(change_begin(&control, &change, &problem), 0);
	assert_int_equal(change_begin(&control, &second, &problem), -1);
	assert_int_equal(problem.kind, PROBLEM_STORAGE);
	assert_int_equal(change_end(&control, &change, 0, &problem), 0);
	assert_int_equal(control.installation.revision, 2);
}

/* Held, a change is seen by whoever answers it, and otherwise as if it were not. */
static void test_a_held_change_is_saved_with_the_rest_or_not_at_all(void **state)
{
	struct change change, second;
	struct change_hold hold;

	(void)state;
	for (int result = -1; result <= 0; result++) {
		assert_int_equal(change_hold(&control, &hold, &problem), 0);
		change_init(&change, "somebody", "one");
		assert_int_equal(change_begin(&control, &change, &problem), 0);
		change_init(&second, "somebody", "two");
		assert_int_equal(change_begin(&control, &second, &problem), -1);
		assert_int_equal(store_delete_node(control.store, 1), 0);
		assert_int_equal(change_end(&control, &change, 0, &problem), 0);
		assert_int_equal(control.installation.node_count, 0);
		assert_int_equal(change_release(&control, result, &problem), result);
		assert_int_equal(control.installation.node_count, result == 0 ? 0 : 1);
		assert_int_equal(control.installation.revision, result == 0 ? 2 : 1);
	}
	control_load();
	assert_int_equal(control.installation.node_count, 0);
}

static void test_a_held_change_that_failed_is_not_saved(void **state)
{
	struct change_hold hold;
	struct change change;

	(void)state;
	assert_int_equal(change_hold(&control, &hold, &problem), 0);
	change_init(&change, "somebody", "one");
	assert_int_equal(change_begin(&control, &change, &problem), 0);
	assert_int_equal(change_end(&control, &change, ERR_IO, &problem), -1);
	/* Whoever goes on after that: */
	assert_int_equal(change_begin(&control, &change, &problem), -1);
	assert_int_equal(change_release(&control, 0, &problem), -1);
	assert_int_equal(problem.kind, PROBLEM_STORAGE);
	control_load();
	assert_int_equal(control.installation.revision, 1);
	change_init(&change, "somebody", "one");
	assert_int_equal(change_begin(&control, &change, &problem), 0);
	assert_int_equal(change_end(&control, &change, 0, &problem), 0);
}

/* A sentence longer than a revision's is cut, not overrun. */
static void test_a_long_name_is_cut(void **state)
{
	struct change change;
	char long_text[4 * WHAT_BYTES];

	(void)state;
	memset(long_text, 'x', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	change_init(&change, long_text, "%s", long_text);
	assert_int_equal(strlen(change.revision.who), WHO_BYTES - 1);
	assert_int_equal(strlen(change.revision.what), WHAT_BYTES - 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, control_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_change_is_a_revision),
	    TEST(test_what_failed_between_leaves_nothing),
	    TEST(test_a_change_within_a_change_is_refused),
	    TEST(test_a_held_change_is_saved_with_the_rest_or_not_at_all),
	    TEST(test_a_held_change_that_failed_is_not_saved),
	    TEST(test_a_long_name_is_cut),
	};

	if (sodium_init() < 0 || keyed_hash_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
