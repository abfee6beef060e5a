/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/backup.c: a backup is whole, private and in place, or the one before stays. */
#include "config.h"

#include "model/backup_file.h"
#include "tests/unit/cli_fixture.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

static char path[64], beside[80], command[80];

static int setup(void **state)
{
	snprintf(path, sizeof path, "/tmp/trunkctl-backup.%d", getpid());
	snprintf(beside, sizeof beside, "%s.tmp", path);
	snprintf(command, sizeof command, "backup %s", path);
	return cli_setup(state);
}

static int teardown(void **state)
{
	unlink(path);
	return cli_teardown(state);
}

/* The bytes of a backup without NULs. */
static void make(char *text, size_t size)
{
	struct backup_mark mark = {.revision = 12, .made_ms = 34};
	FILE *file = tmpfile();

	fputs("the database", file);
	fflush(file);
	assert_int_equal(backup_file_seal(fileno(file), &mark), 0);
	text[pread(fileno(file), text, size - 1, 0)] = '\0';
	fclose(file);
}

static size_t size_of_backup(void)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	return (size_t)status.st_size;
}

static void test_whole_or_as_before(void **state)
{
	char text[1024];

	(void)state;
	make(text, sizeof text);
	cli_set(200, text);
	assert_int_equal(cli_run(command), EXIT_DONE);
	assert_non_null(strstr(printed, "revision 12 in "));
	assert_int_equal(size_of_backup(), strlen(text));

	text[3] ^= 1;
	cli_set(200, text);
	assert_int_equal(cli_run(command), EXIT_FAILED);
	cli_set(403, "{}");
	assert_int_equal(cli_run(command), EXIT_FAILED);
	assert_int_equal(size_of_backup(), strlen(text));
	assert_int_equal(access(beside, F_OK), -1);
	assert_int_equal(cli_run("backup /nonexistent/folder/file"), EXIT_FAILED);
}

/* What stands there is no file: it stays, and control is not asked. */
static void assert_refused(mode_t kind)
{
	unsigned before = cli_requests();
	struct stat status;

	assert_int_equal(cli_run(command), EXIT_FAILED);
	assert_int_equal(cli_requests(), before);
	assert_int_equal(lstat(path, &status), 0);
	assert_int_equal(status.st_mode & S_IFMT, kind);
	assert_int_equal(unlink(path), 0);
}

static void test_only_a_file_is_replaced(void **state)
{
	char text[1024];

	(void)state;
	make(text, sizeof text);
	cli_set(200, text);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(S_IFIFO);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_refused(S_IFLNK);
	assert_int_equal(cli_run("backup -"), EXIT_USAGE);
}

static void test_who_is_adopted_is_told(void **state)
{
	(void)state;
	cli_set(200,
	    "{\"revision\": 9, \"incarnation\": 3, \"nodes\": ["
	    "{\"node\": \"a\", \"role\": \"listener\", \"revision\": 8, \"was_ahead\": true},"
	    "{\"node\": \"b\", \"role\": \"endpoint\", \"revision\": 5, \"was_ahead\": "
	    "false}]}");
	assert_int_equal(cli_run("adopt"), EXIT_DONE);
	assert_true(cli_was_asked("POST /v1/adopt HTTP/1.1\r\n"));
	assert_non_null(strstr(printed, "listener a gives up its config of revision 8\n"));
	assert_null(strstr(printed, "endpoint b"));
	assert_non_null(strstr(printed, "from revision 9 on\n"));
	cli_set(409, "{\"detail\": \"there is nothing to adopt\"}");
	assert_int_equal(cli_run("adopt"), EXIT_FAILED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_whole_or_as_before),
	    TEST(test_only_a_file_is_replaced),
	    TEST(test_who_is_adopted_is_told),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
