/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/restore.c: a backup takes the place of a database, whole or not at all. */
#include "config.h"

#include "control/restore.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "model/backup_file.h"
#include "tests/unit/control_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

static char directory[] = "/tmp/trunkline-restore-XXXXXX";
static char backup_path[64];

static int setup(void **state)
{
	(void)state;
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(backup_path, sizeof backup_path, "%s/backup", directory);
	control_begin(directory);
	control_add_node("osl-1", NODE_ENDPOINT, "oslo", 1);
	return 0;
}

static size_t names_with(const char *part)
{
	DIR *list = opendir(directory);
	struct dirent *entry;
	size_t count = 0;

	while ((entry = readdir(list)))
		count += strstr(entry->d_name, part) != NULL;
	closedir(list);
	return count;
}

static int teardown(void **state)
{
	char command[80];

	(void)state;
	control_end();
	snprintf(command, sizeof command, "rm -r %s", directory);
	return system(command);
}

/* As the API does it, to a file. */
static void back_up(void)
{
	struct backup_mark mark = {
	    .revision = control.installation.revision, .made_ms = 1700000000000};
	char block[4096];
	int copy, file = open(backup_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	assert_int_equal(store_copy(control.store, &copy), 0);
	assert_int_equal(backup_file_seal(copy, &mark), 0);
	assert_int_equal(lseek(copy, 0, SEEK_SET), 0);
	while ((n = read(copy, block, sizeof block)) > 0)
		assert_int_equal(write(file, block, (size_t)n), n);
	close(copy);
	close(file);
}

static void reopen(void)
{
	char reason[REASON_BYTES];

	if (store_open(&control.store, store_path, reason) < 0)
		fail_msg("%s", reason);
	control_load();
}

static void close_store(void)
{
	store_close(control.store);
	control.store = NULL;
}

static void test_it_is_as_it_was(void **state)
{
	(void)state;
	back_up();
	assert_int_equal(names_with(".copy"), 0);
	control_add_accelerator("later", 80, "tokyo", "oslo");
	control_add_node("tyo-1", NODE_LISTENER, "tokyo", 2);
	close_store();
	assert_int_equal(restore_state(directory, backup_path), 0);
	reopen();
	assert_int_equal(control.installation.revision, 1);
	assert_int_equal(control.installation.node_count, 1);
	assert_int_equal(control.installation.accelerator_count, 0);
	assert_int_equal(control.installation.restored_from_ms, 1700000000000);
	assert_int_equal(control.installation.nodes[0].door_secret[5], 1);
	assert_int_equal(names_with(".restored"), 0);
}

/* In the state directory. */
static void shell(const char *words)
{
	char command[512];

	snprintf(command, sizeof command, "cd %s && %s", directory, words);
	assert_int_equal(system(command), 0);
}

/* Of a control that was killed: its log must not be taken for the new database's, nor be lost. */
static void test_the_old_one_has_its_log_in_it(void **state)
{
	struct installation installation = {0};
	char old[300], reason[REASON_BYTES];
	struct store *store;

	(void)state;
	back_up();
	control_add_accelerator("later", 80, "tokyo", "oslo");
	shell("cp control.db kept && cp control.db-wal kept-wal");
	close_store();
	shell("mv kept control.db && mv kept-wal control.db-wal");
	assert_int_equal(restore_state(directory, backup_path), 0);
	reopen();
	assert_int_equal(control.installation.accelerator_count, 0);
	assert_int_equal(names_with(".replaced-"), 1);
	shell("mv control.db.replaced-* old.db");
	snprintf(old, sizeof old, "%s/old.db", directory);
	assert_int_equal(store_open(&store, old, reason), 0);
	assert_int_equal(store_load(store, &installation), 0);
	assert_int_equal(installation.accelerator_count, 1);
	installation_clear(&installation);
	store_close(store);
}

/* As when somebody deleted the database alone. */
static void test_a_log_without_database_is_put_aside(void **state)
{
	(void)state;
	back_up();
	control_add_accelerator("later", 80, "tokyo", "oslo");
	shell("cp control.db-wal kept-wal");
	close_store();
	shell("rm control.db && mv kept-wal control.db-wal");
	assert_int_equal(restore_state(directory, backup_path), 0);
	reopen();
	assert_int_equal(control.installation.accelerator_count, 0);
	assert_int_equal(names_with(".replaced-"), 1);
}

/* Nothing can be taken from it, and it is no reason not to restore. */
static void test_a_damaged_one_is_replaced_too(void **state)
{
	(void)state;
	back_up();
	close_store();
	shell("yes no database | head -c 20000 >control.db && echo no log >control.db-wal");
	assert_int_equal(restore_state(directory, backup_path), 0);
	reopen();
	assert_int_equal(control.installation.node_count, 1);
	shell("grep -q 'no database' control.db.replaced-*");
}

static void test_what_is_no_database_changes_nothing(void **state)
{
	struct backup_mark mark = {.revision = 1, .made_ms = 1};
	int file = open(backup_path, O_RDWR | O_CREAT, 0600);

	(void)state;
	assert_int_equal(write(file, "not a database, but whole", 25), 25);
	assert_int_equal(backup_file_seal(file, &mark), 0);
	close(file);
	close_store();
	assert_int_equal(restore_state(directory, backup_path), ERR_IO);
	assert_int_equal(restore_state(directory, "/nonexistent/backup"), ERR_IO);
	assert_int_equal(restore_state("/nonexistent", backup_path), ERR_IO);
	assert_int_equal(names_with(".restored"), 0);
	assert_int_equal(names_with(".replaced"), 0);
	reopen();
	assert_int_equal(control.installation.node_count, 1);
	assert_int_equal(control.installation.restored_from_ms, 0);
}

/* All secrets are in it. */
static void test_a_copy_that_was_left_is_removed(void **state)
{
	(void)state;
	shell("echo secrets >control.db.copy");
	close_store();
	reopen();
	assert_int_equal(names_with(".copy"), 0);
}

/* As one that was killed leaves it: another database's log beside what it had made so far. */
static void test_what_a_broken_one_left_is_not_taken_in(void **state)
{
	(void)state;
	back_up();
	control_add_accelerator("later", 80, "tokyo", "oslo");
	shell("cp control.db control.db.restored && cp control.db-wal control.db.restored-wal");
	close_store();
	assert_int_equal(restore_state(directory, backup_path), 0);
	reopen();
	assert_int_equal(control.installation.revision, 1);
	assert_int_equal(control.installation.accelerator_count, 0);
	assert_int_equal(control.installation.restored_from_ms, 1700000000000);
	assert_int_equal(names_with(".restored"), 0);
}

static void test_it_follows_no_link(void **state)
{
	(void)state;
	back_up();
	close_store();
	shell("echo another file >victim && ln -s victim control.db.restored");
	assert_int_equal(restore_state(directory, backup_path), 0);
	shell("grep -q 'another file' victim && test ! -L control.db");
	reopen();
	assert_int_equal(control.installation.node_count, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_it_is_as_it_was),
	    TEST(test_the_old_one_has_its_log_in_it),
	    TEST(test_a_log_without_database_is_put_aside),
	    TEST(test_a_damaged_one_is_replaced_too),
	    TEST(test_what_is_no_database_changes_nothing),
	    TEST(test_what_a_broken_one_left_is_not_taken_in),
	    TEST(test_it_follows_no_link),
	    TEST(test_a_copy_that_was_left_is_removed),
	};

	if (sodium_init() < 0 || keyed_hash_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
