/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests whose program is started again as the keys process of what they test, as the daemons are,
 * with a state directory in /tmp for it.
 */
#ifndef TESTS_UNIT_KEYS_CHILD_H
#define TESTS_UNIT_KEYS_CHILD_H

#include "base/keyed_hash.h"
#include "net/identity.h"
#include "net/keys_process.h"
#include "net/process.h"
#include "tests/unit/cmocka_all.h"

#include <dirent.h>
#include <signal.h>
#include <sodium.h>
#include <unistd.h>

static char state_directory[] = "/tmp/trunkline-test-XXXXXX";

/* First in main(): does not return in the child. */
static inline void keys_child_begin(int argc, char **argv)
{
	struct process_start child;

	if (process_is_child(argc, argv, &child))
		_exit(keys_process_main(child.arguments[0]));
	signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0 || keyed_hash_init() < 0 || !mkdtemp(state_directory))
		abort();
}

static inline void keys_child_end(void)
{
	char path[sizeof state_directory + 64];
	DIR *directory = opendir(state_directory);
	const struct dirent *file;

	while ((file = readdir(directory))) {
		snprintf(path, sizeof path, "%s/%.40s", state_directory, file->d_name);
		unlink(path);
	}
	closedir(directory);
	rmdir(state_directory);
}

/* The one child that this process has. */
static inline pid_t keys_child_pid(void)
{
	char path[64];
	int pid = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	return pid;
}

#endif
