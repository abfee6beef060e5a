/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/process.c: which command lines are a child's, and whom a peer's message is believed to be. */
#include "config.h"

#include "net/process.h"

#include "base/err.h"
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 12 };

static char copy[256];
static char *words[WORDS_MAX];

static int split(const char *line)
{
	int count = 0;

	snprintf(copy, sizeof copy, "%s", line);
	for (char *w = strtok(copy, " "); w && count < WORDS_MAX; w = strtok(NULL, " "))
		words[count++] = w;
	return count;
}

/* In a child, whose descriptor 3 is a channel or is not: its exit status. */
static int in_child(bool has_channel, int (*work)(void))
{
	int status, pair[2];
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		close(PROCESS_CHANNEL_DESCRIPTOR);
		if (has_channel && ipc_pair(pair) == 0)
			dup2(pair[0], PROCESS_CHANNEL_DESCRIPTOR);
		_exit(work());
	}
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int parse_worker(void)
{
	struct process_start start;
	int count = split("listener:-worker --role worker --index 12 -- --bind 127.0.0.1");
	char name[16];

	if (!process_is_child(count, words, &start))
		return 1;
	if (start.role != PROCESS_WORKER || start.index != 12 || strcmp(start.name, "worker-12"))
		return 2;
	if (start.argument_count != 2 || strcmp(start.arguments[0], "--bind"))
		return 3;
	prctl(PR_GET_NAME, name);
	if (strcmp(name, "tl-worker-12"))
		return 4;
	/* Main decides when to end, so Ctrl-C is main's alone. */
	raise(SIGINT);
	raise(SIGTERM);
	raise(SIGPIPE);
	return 0;
}

static void test_a_worker_knows_itself(void **state)
{
	(void)state;
	assert_int_equal(in_child(true, parse_worker), 0);
}

static int parse_keys(void)
{
	struct process_start start;
	int count = split("x --role keys --index 0 -- /var/lib/x");

	if (!process_is_child(count, words, &start) || start.role != PROCESS_KEYS)
		return 1;
	return strcmp(start.name, "keys") || start.argument_count != 1;
}

static void test_keys_know_themselves(void **state)
{
	(void)state;
	assert_int_equal(in_child(true, parse_keys), 0);
}

/* Typed by hand: no supervisor is behind it, so it must not go on as a child. */
static int parse_typed(void)
{
	static const char *const lines[] = {"x --role worker --index 0 --", "x --role keys",
	    "x --role worker --index 0", "x --role king --index 0 --"};
	struct process_start start;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		int count = split(lines[i]);

		if (!process_is_child(count, words, &start) || start.role != PROCESS_MAIN)
			return 1 + (int)i;
	}
	return 0;
}

static void test_hidden_arguments_without_a_supervisor_are_usage(void **state)
{
	(void)state;
	assert_int_equal(in_child(false, parse_typed), 0);
}

/* A descriptor that is there, but of another kind. */
static int parse_with_a_file(void)
{
	struct process_start start;
	int count = split("x --role worker --index 0 --");
	int file = open("/dev/null", O_RDONLY);

	dup2(file, PROCESS_CHANNEL_DESCRIPTOR);
	return !process_is_child(count, words, &start) || start.role != PROCESS_MAIN;
}

static void test_a_file_is_no_channel(void **state)
{
	(void)state;
	assert_int_equal(in_child(false, parse_with_a_file), 0);
}

static void test_a_daemon_is_no_child(void **state)
{
	static const char *const lines[] = {"x", "x --state /y", "x --index 0 --role worker"};
	struct process_start start;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_false(process_is_child(split(lines[i]), words, &start));
}

static void test_roles_have_names(void **state)
{
	(void)state;
	assert_string_equal(process_role_name(PROCESS_KEYS), "keys");
	assert_string_equal(process_role_name(PROCESS_WORKER), "worker");
}

static void test_a_peer_is_taken_once_and_only_whole(void **state)
{
	struct process_peer peer, said = {PROCESS_WORKER, 3};
	struct ipc_message message = {.data = (const uint8_t *)&said,
	    .length_bytes = sizeof said,
	    .descriptors = {42},
	    .descriptor_count = 1};
	int descriptor = -1;

	(void)state;
	assert_int_equal(process_peer_take(&message, &peer, &descriptor), 0);
	assert_int_equal(descriptor, 42);
	assert_int_equal(message.descriptors[0], -1); /* ours now: nobody closes it */
	assert_int_equal(peer.role, PROCESS_WORKER);
	assert_int_equal(peer.index, 3);
	message.descriptors[0] = 42;
	message.length_bytes--;
	assert_int_equal(process_peer_take(&message, &peer, &descriptor), ERR_MALFORMED);
	message.length_bytes++;
	message.descriptor_count = 0;
	assert_int_equal(process_peer_take(&message, &peer, &descriptor), ERR_MALFORMED);
	message.descriptor_count = 1;
	said.role = PROCESS_MAIN;
	assert_int_equal(process_peer_take(&message, &peer, &descriptor), ERR_MALFORMED);
	said.role = 77;
	assert_int_equal(process_peer_take(&message, &peer, &descriptor), ERR_MALFORMED);
	assert_int_equal(message.descriptors[0], 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_worker_knows_itself),
	    cmocka_unit_test(test_keys_know_themselves),
	    cmocka_unit_test(test_hidden_arguments_without_a_supervisor_are_usage),
	    cmocka_unit_test(test_a_file_is_no_channel),
	    cmocka_unit_test(test_a_daemon_is_no_child),
	    cmocka_unit_test(test_roles_have_names),
	    cmocka_unit_test(test_a_peer_is_taken_once_and_only_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
