/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/node_traces.c: where the files lie, whose they are, and what stands in the way. */
#include "config.h"

#include "net/node_traces.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/node-traces-XXXXXX";

static int setup(void **state)
{
	(void)state;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void a_file_is_its_owners_and_goes_on(void **state)
{
	struct stat status;
	int descriptor;

	(void)state;
	for (int round = 1; round <= 2; round++) {
		descriptor = node_traces_open(folder, "far-1", 3);
		assert_true(descriptor >= 0);
		assert_int_equal(write(descriptor, "line\n", 5), 5);
		close(descriptor);
		assert_int_equal(stat(in_folder("traces/far-1-worker-3.jsonl"), &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
		assert_int_equal(status.st_size, 5 * round);
	}
	assert_int_equal(stat(in_folder("traces"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
}

static void a_link_is_not_followed(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_folder("traces"), 0700), 0);
	assert_int_equal(symlink("elsewhere", in_folder("traces/far-1-worker-0.jsonl")), 0);
	assert_int_equal(node_traces_open(folder, "far-1", 0), -1);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	static char state_path[5000];

	(void)state;
	memset(state_path, 'a', sizeof(state_path) - 1);
	assert_int_equal(node_traces_open(state_path, "far-1", 0), -1);
}

int main(void)
{
#define FOLDER_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
	    FOLDER_TEST(a_file_is_its_owners_and_goes_on),
	    FOLDER_TEST(a_link_is_not_followed),
	    FOLDER_TEST(a_path_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
