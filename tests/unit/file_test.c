/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole files: caps, modes, replacement, and that a failed write leaves the old contents.
 */
#include "base/file.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "tests/unit/cmocka_all.h"

static char directory[] = "/tmp/file_test.XXXXXX";
static char path[64], temporary[72];

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/file", directory);
	snprintf(temporary, sizeof(temporary), "%s.tmp", path);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	unlink(temporary);
	return rmdir(directory);
}

static void assert_contents(const char *want)
{
	char *data;
	size_t length;

	assert_int_equal(file_read(path, 1000, &data, &length), 0);
	assert_int_equal(length, strlen(want));
	assert_string_equal(data, want);
	free(data);
}

static void writing_replaces(void **state)
{
	struct stat stat_buf;

	(void)state;
	assert_int_equal(file_write_atomic(path, "old contents", 12, 0644), 0);
	assert_contents("old contents");
	assert_int_equal(file_write_atomic(path, "new", 3, 0600), 0);
	assert_contents("new");
	assert_int_equal(stat(path, &stat_buf), 0);
	assert_int_equal(stat_buf.st_mode & 0777, 0600);
	assert_int_equal(access(temporary, F_OK), -1);
	assert_int_equal(file_write_atomic(path, NULL, 0, 0600), 0);
	assert_contents("");
}

static void reading_is_capped(void **state)
{
	char *data;
	size_t length;

	(void)state;
	assert_int_equal(file_write_atomic(path, "0123456789", 10, 0600), 0);
	assert_int_equal(file_read(path, 10, &data, &length), 0);
	free(data);
	assert_int_equal(file_read(path, 9, &data, &length), ERR_TOO_LARGE);
	assert_null(data);
	assert_int_equal(file_read(path, 0, &data, &length), ERR_TOO_LARGE);
	assert_int_equal(file_read("/nonexistent/file", 10, &data, &length), ERR_NOT_FOUND);
	assert_int_equal(file_read("/tmp", 10, &data, &length), ERR_IO);
	assert_int_equal(errno, EISDIR);
	/* A file without a size of its own. */
	assert_int_equal(file_read("/dev/zero", 100000, &data, &length), ERR_TOO_LARGE);
	assert_int_equal(file_read("/proc/self/maps", 1 << 20, &data, &length), 0);
	assert_true(length > 100);
	assert_int_equal(data[length], 0);
	free(data);
}

static void a_failed_write_leaves_the_old(void **state)
{
	struct rlimit before, none;
	static char big[100000];

	(void)state;
	assert_int_equal(file_write_atomic(path, "old", 3, 0600), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 1000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(file_write_atomic(path, big, sizeof(big), 0600), ERR_IO);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_contents("old");
	assert_int_equal(access(temporary, F_OK), -1);
	assert_int_equal(file_write_atomic("/nonexistent/x", "a", 1, 0600), ERR_IO);
	assert_int_equal(errno, ENOENT);
}

static void directories_are_made_once(void **state)
{
	char below[64];
	struct stat made;

	(void)state;
	snprintf(below, sizeof(below), "%s/below", directory);
	assert_int_equal(file_make_directory(below, 0700), 0);
	assert_int_equal(file_make_directory(below, 0700), 0);
	assert_int_equal(rmdir(below), 0);
	snprintf(below, sizeof(below), "%s/parent/below", directory);
	assert_int_equal(file_make_directory(below, 0700), 0);
	assert_int_equal(stat(below, &made), 0);
	assert_int_equal(made.st_mode & 0777, 0700);
	assert_int_equal(rmdir(below), 0);
	*strrchr(below, '/') = '\0';
	assert_int_equal(rmdir(below), 0);
	assert_int_equal(file_make_directory("", 0700), ERR_IO);
	assert_int_equal(file_make_directory(path, 0700), ERR_IO);
	assert_int_equal(errno, ENOTDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writing_replaces),
	    cmocka_unit_test(reading_is_capped),
	    cmocka_unit_test(a_failed_write_leaves_the_old),
	    cmocka_unit_test(directories_are_made_once),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
