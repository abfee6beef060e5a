/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twin of control/adopt.c: what a control that was set back goes on with.  (With nodes that are connected:
 * tests/e2e/test_backup.py.)
 */
#include "config.h"

#include "control/adopt.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "control/change.h"
#include "control/confirm.h"
#include "tests/unit/control_fixture.h"

static struct problem problem;

static int setup(void **state)
{
	(void)state;
	control_begin_alone();
	control_add_pair();
	problem = (struct problem){0};
	return 0;
}

static void test_without_need_there_is_nothing_to_adopt(void **state)
{
	struct config_number own = {control.installation.incarnation, 2}, newer = own;
	struct change change;

	(void)state;
	assert_false(adopt_is_ahead(&control, &own));
	assert_false(adopt_is_ahead(&control, &(struct config_number){0, 0}));
	newer.revision++;
	assert_true(adopt_is_ahead(&control, &newer));
	newer = (struct config_number){own.incarnation + 1, 0};
	assert_true(adopt_is_ahead(&control, &newer));
	assert_int_equal(adopt_run(&control, "somebody", &change, &problem), -1);
	assert_int_equal(problem.kind, PROBLEM_NOT_AHEAD);
	assert_int_equal(control.installation.revision, 2);
}

static int try_change(bool takes_away)
{
	struct change change;

	change_init(&change, "somebody", "something");
	change.takes_away = takes_away;
	if (change_begin(&control, &change, &problem) < 0)
		return -1;
	return change_end(&control, &change, 0, &problem);
}

static void test_a_restored_one_changes_nothing_before(void **state)
{
	uint64_t incarnation = control.installation.incarnation;
	struct change change;

	(void)state;
	assert_int_equal(store_mark_restored(control.store, 1700000000000), 0);
	control_load();
	assert_int_equal(control.installation.restored_from_ms, 1700000000000);
	assert_int_equal(try_change(false), -1);
	assert_int_equal(problem.kind, PROBLEM_RESTORED);
	assert_non_null(strstr(problem.detail, "2023-11-14T22:13:20Z"));
	assert_non_null(strstr(problem.fix, "trunkctl adopt"));
	assert_int_equal(try_change(true), 0);
	assert_int_equal(adopt_run(&control, "somebody", &change, &problem), 0);
	assert_int_equal(control.installation.incarnation, incarnation + 1);
	assert_int_equal(control.installation.revision, 4);
	assert_int_equal(control.installation.restored_from_ms, 0);
	assert_int_equal(try_change(false), 0);
}

/* It may have been confirmed since the backup: nobody's change is undone before he could say so. */
static void test_what_waited_begins_to_wait_anew(void **state)
{
	uint64_t now_ms = control_now_ms();
	struct confirmation waits = {2, 1, now_ms - 5000, 60};
	struct change change;

	(void)state;
	assert_int_equal(store_begin(control.store), 0);
	assert_int_equal(store_put_confirmation(control.store, &waits), 0);
	assert_int_equal(store_commit(control.store), 0);
	assert_int_equal(store_mark_restored(control.store, 1700000000000), 0);
	control_load();
	confirm_watch(&control);
	assert_false(ev_is_active(&control.confirm_due));
	assert_int_equal(adopt_run(&control, "somebody", &change, &problem), 0);
	assert_true(ev_is_active(&control.confirm_due));
	assert_int_equal(control.installation.confirmation.revision, 2);
	assert_int_equal(control.installation.confirmation.back_to, 1);
	assert_in_range(
	    control.installation.confirmation.deadline_ms, now_ms + 60000, now_ms + 90000);
	change_init(&change, "somebody", "confirmed");
	change.ends_confirmation = true;
	assert_int_equal(change_begin(&control, &change, &problem), 0);
	assert_int_equal(change_end(&control, &change, 0, &problem), 0);
	assert_false(ev_is_active(&control.confirm_due));
	assert_int_equal(control.installation.confirmation.revision, 0);
}

/* One that is unused in the backup may have been used since. */
static void test_join_tokens_end_with_it(void **state)
{
	uint8_t secret[JOIN_SECRET_BYTES], hash[32];
	struct change change;
	struct token token;

	(void)state;
	control_add_token(NODE_ENDPOINT, "oslo", 7);
	memset(secret, 7, sizeof secret);
	crypto_generichash(hash, sizeof hash, secret, sizeof secret, NULL, 0);
	assert_int_equal(store_find_token(control.store, hash, &token), 0);
	assert_int_equal(store_mark_restored(control.store, 1700000000000), 0);
	control_load();
	assert_int_equal(adopt_run(&control, "somebody", &change, &problem), 0);
	assert_int_equal(store_find_token(control.store, hash, &token), ERR_NOT_FOUND);
}

/* Ids of what was made after the backup may still be in use at nodes. */
static void test_numbers_go_on_above(void **state)
{
	struct revision revision = {.who = "somebody", .what = "adopted"};
	uint32_t before = control_add_accelerator("one", 80, "tokyo", "oslo");

	(void)state;
	assert_int_equal(store_begin(control.store), 0);
	assert_int_equal(store_adopt(control.store, 77, 500), 0);
	assert_int_equal(store_add_revision(control.store, &revision, NULL), 0);
	assert_int_equal(store_commit(control.store), 0);
	control_load();
	assert_int_equal(control.installation.incarnation, 77);
	assert_int_equal(control.installation.revision, 501);
	assert_true(control_add_accelerator("two", 81, "tokyo", "oslo") > before + 999);
	assert_int_equal(store_begin(control.store), 0);
	assert_int_equal(store_adopt(control.store, 78, 3), 0); /* never back */
	assert_int_equal(store_add_revision(control.store, &revision, NULL), 0);
	assert_int_equal(revision.number, 503);
	store_rollback(control.store);
	control_load();
	assert_int_equal(control.installation.incarnation, 77);
}

static void test_also_a_database_without_any_row(void **state)
{
	struct revision revision = {.who = "somebody", .what = "adopted"};
	char path[300], reason[REASON_BYTES];
	struct installation installation = {0};
	struct store *store;

	(void)state;
	snprintf(path, sizeof path, "%s/empty.db", control_directory);
	assert_int_equal(store_open(&store, path, reason), 0);
	assert_int_equal(store_begin(store), 0);
	assert_int_equal(store_adopt(store, 9, 500), 0);
	assert_int_equal(store_add_revision(store, &revision, NULL), 0);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(store_load(store, &installation), 0);
	assert_int_equal(installation.revision, 501);
	installation_clear(&installation);
	store_close(store);
	unlink(path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, control_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_without_need_there_is_nothing_to_adopt),
	    TEST(test_a_restored_one_changes_nothing_before),
	    TEST(test_what_waited_begins_to_wait_anew),
	    TEST(test_join_tokens_end_with_it),
	    TEST(test_numbers_go_on_above),
	    TEST(test_also_a_database_without_any_row),
	};

	if (sodium_init() < 0 || keyed_hash_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
