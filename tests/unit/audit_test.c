/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/audit.c: lines appended, turned over, read again, and held back. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "base/file.h"
#include "control/audit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/trunkline-audit-XXXXXX", path[64];
static struct audit *audit;

static int setup(void **state)
{
	(void)state;
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/audit.log", directory);
	return audit_open(&audit, directory);
}

static int teardown(void **state)
{
	char old[80];

	(void)state;
	audit_close(audit);
	unlink(path);
	for (int i = 1; i <= AUDIT_FILES_KEPT; i++) {
		snprintf(old, sizeof old, "%s.%d", path, i);
		unlink(old);
	}
	rmdir(directory);
	return 0;
}

static uint64_t now_ms = UINT64_C(1700000000000);

static void put_by(const char *who, enum audit_outcome outcome, uint64_t revision, const char *what)
{
	audit_write(audit,
	    &(struct audit_entry){.outcome = outcome,
	        .who = who,
	        .from = "unix",
	        .role = outcome == AUDIT_STRANGER ? NULL : "admin",
	        .what = what,
	        .revision = revision,
	        .detail = outcome == AUDIT_DONE ? NULL : "no\nway"},
	    now_ms);
}

static void put(enum audit_outcome outcome, uint64_t revision, const char *what)
{
	put_by("uid 0 (root)", outcome, revision, what);
}

static size_t count(size_t limit)
{
	json_t *items = audit_read(audit, limit);
	size_t found = json_array_size(items);

	json_decref(items);
	return found;
}

static void lines_are_read_newest_first(void **state)
{
	struct stat status;
	json_t *items, *first;

	(void)state;
	assert_int_equal(count(10), 0);
	put(AUDIT_DONE, 1, "POST /v1/a");
	put(AUDIT_REFUSED, 0, "POST /v1/b");
	items = audit_read(audit, 10);
	assert_int_equal(json_array_size(items), 2);
	first = json_array_get(items, 0);
	assert_string_equal(json_string_value(json_object_get(first, "what")), "POST /v1/b");
	assert_string_equal(json_string_value(json_object_get(first, "outcome")), "refused");
	assert_string_equal(json_string_value(json_object_get(first, "detail")), "no\nway");
	assert_null(json_object_get(first, "revision"));
	assert_int_equal(
	    json_integer_value(json_object_get(json_array_get(items, 1), "revision")), 1);
	json_decref(items);
	assert_int_equal(count(1), 1);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void it_goes_on_after_a_restart(void **state)
{
	(void)state;
	put(AUDIT_DONE, 1, "POST /v1/a");
	audit_close(audit);
	assert_int_equal(audit_open(&audit, directory), 0);
	put(AUDIT_DONE, 2, "POST /v1/a");
	assert_int_equal(count(10), 2);
}

static void it_knows_of_the_newest_revision(void **state)
{
	(void)state;
	assert_int_equal(audit_newest_revision(audit), 0);
	put(AUDIT_DONE, 7, "POST /v1/a");
	put(AUDIT_REFUSED, 0, "POST /v1/b");
	assert_int_equal(audit_newest_revision(audit), 7);
	put_by("control", AUDIT_DONE, 0, AUDIT_RESTORED " control.backup");
	put(AUDIT_REFUSED, 0, "POST /v1/b");
	assert_int_equal(audit_newest_revision(audit), 0);
	put(AUDIT_DONE, 4, AUDIT_ADOPTED);
	assert_int_equal(audit_newest_revision(audit), 4);
}

/* Whoever is refused, however often and in whatever words. */
static void nobody_hides_the_newest_revision(void **state)
{
	(void)state;
	put(AUDIT_DONE, 7, "POST /v1/a");
	for (int i = 0; i <= AUDIT_ENTRIES_MAX; i++, now_ms += 60000)
		put(AUDIT_REFUSED, 0, "POST /v1/b");
	assert_int_equal(count(2 * AUDIT_ENTRIES_MAX), AUDIT_ENTRIES_MAX + 2);
	assert_int_equal(audit_newest_revision(audit), 7);
	put_by("nobody", AUDIT_STRANGER, 0, AUDIT_RESTORED " /");
	put(AUDIT_REFUSED, 0, AUDIT_RESTORED " /");
	put(AUDIT_REFUSED, 0, AUDIT_ADOPTED);
	assert_int_equal(audit_newest_revision(audit), 7);
}

/* A database that was set back and goes on is below it, until an adoption goes on above it. */
static void later_changes_do_not_hide_it(void **state)
{
	(void)state;
	put(AUDIT_DONE, 9, "POST /v1/a");
	put(AUDIT_DONE, 4, "POST /v1/a");
	assert_int_equal(audit_newest_revision(audit), 9);
	put(AUDIT_DONE, 6, AUDIT_ADOPTED);
	put(AUDIT_DONE, 7, "POST /v1/a");
	assert_int_equal(audit_newest_revision(audit), 7);
	put(AUDIT_DONE, UINT64_MAX, "POST /v1/a");
	put(AUDIT_DONE, INT64_MAX, "POST /v1/a");
	assert_int_equal(audit_newest_revision(audit), 7);
}

/* As a crash leaves it. */
static void half_a_line_is_left_out(void **state)
{
	(void)state;
	audit_close(audit);
	assert_int_equal(
	    file_write_atomic(path, "{\"who\": \"x\"}\n{\"who\"\n{}\n[]\n{\"w", 30, 0600), 0);
	assert_int_equal(audit_open(&audit, directory), 0);
	assert_int_equal(count(10), 2);
}

static void old_parts_go(void **state)
{
	char what[200];
	struct stat status;
	size_t lines = 0;

	(void)state;
	memset(what, 'x', sizeof what - 1);
	what[sizeof what - 1] = '\0';
	for (; lines < 100000; lines++)
		put(AUDIT_DONE, lines + 1, what);
	assert_int_equal(count(AUDIT_ENTRIES_MAX), AUDIT_ENTRIES_MAX);
	for (int i = 0; i <= AUDIT_FILES_KEPT + 1; i++) {
		char part[80];

		snprintf(part, sizeof part, i ? "%s.%d" : "%s", path, i);
		assert_int_equal(stat(part, &status), i <= AUDIT_FILES_KEPT ? 0 : -1);
		if (i <= AUDIT_FILES_KEPT)
			assert_in_range(status.st_size, 1, AUDIT_FILE_BYTES_MAX);
	}
}

static void strangers_are_held_back_and_others_are_not(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		put(AUDIT_STRANGER, 0, "GET /v1/nodes");
		put(AUDIT_REFUSED, 0, "DELETE /v1/nodes/x");
	}
	for (int i = 0; i < 500; i++)
		put(AUDIT_DONE, 1, "POST /v1/a");
	assert_int_equal(
	    count(AUDIT_ENTRIES_MAX), 500 + AUDIT_STRANGERS_A_MINUTE + AUDIT_REFUSED_A_MINUTE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* The file may grow by ten bytes more: what of a line was written goes again. */
static void a_full_disk_tears_no_line(void **state)
{
	struct rlimit before, full;
	struct stat status;

	(void)state;
	put(AUDIT_DONE, 1, "POST /v1/a");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	full = (struct rlimit){(rlim_t)status.st_size + 10, before.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	put(AUDIT_DONE, 2, "POST /v1/b");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	put(AUDIT_DONE, 3, "POST /v1/c");
	assert_int_equal(count(10), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(lines_are_read_newest_first),
	    TEST(it_goes_on_after_a_restart),
	    TEST(it_knows_of_the_newest_revision),
	    TEST(nobody_hides_the_newest_revision),
	    TEST(later_changes_do_not_hide_it),
	    TEST(half_a_line_is_left_out),
	    TEST(old_parts_go),
	    TEST(a_full_disk_tears_no_line),
	    TEST(strangers_are_held_back_and_others_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
