/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_caller.c: what the kernel says of the other end of a socket pair. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "control/api_caller.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OTHER = 54321, TEAM = 54322, GUESTS = 54323 };

/* A socket whose other end a process of that user and groups connected; uid 0 stays as we are. */
static int connect_as(uid_t uid, gid_t gid, const gid_t *groups, size_t count, pid_t *child)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listening = socket(AF_UNIX, SOCK_STREAM, 0), accepted;
	socklen_t size = sizeof address;

	assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(listen(listening, 1), 0);
	*child = fork();
	if (*child == 0) {
		int client = socket(AF_UNIX, SOCK_STREAM, 0);

		if (setgroups(count, groups) < 0 || setresgid(gid, gid, gid) < 0
		    || setresuid(uid, uid, uid) < 0
		    || connect(client, (struct sockaddr *)&address, size) < 0)
			_exit(1);
		pause();
		_exit(0);
	}
	accepted = accept(listening, NULL, NULL);
	assert_true(accepted >= 0);
	close(listening);
	return accepted;
}

static struct api_caller caller_of(uid_t uid, gid_t gid, const gid_t *list, size_t count)
{
	static const struct api_group groups[] = {
	    {GUESTS, API_ROLE_VIEWER}, {TEAM, API_ROLE_OPERATOR}, {TEAM, API_ROLE_VIEWER}};
	struct api_caller caller;
	pid_t child;
	int descriptor = connect_as(uid, gid, list, count, &child);

	api_caller_from_socket(&caller, descriptor, groups, 3);
	close(descriptor);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return caller;
}

static void groups_give_roles(void **state)
{
	const gid_t none[] = {OTHER}, both[] = {OTHER, GUESTS, TEAM}, guests[] = {GUESTS};
	struct api_caller caller;

	(void)state;
	if (geteuid() != 0)
		skip(); /* another user's process cannot be made */
	caller = caller_of(OTHER, OTHER, none, 1);
	assert_int_equal(caller.role, API_ROLE_NONE);
	assert_string_equal(caller.who, "uid 54321 (?)");
	assert_string_equal(caller.from, "unix");
	assert_int_equal(caller_of(OTHER, OTHER, guests, 1).role, API_ROLE_VIEWER);
	assert_int_equal(caller_of(OTHER, GUESTS, none, 1).role, API_ROLE_VIEWER);
	assert_int_equal(caller_of(OTHER, OTHER, both, 3).role, API_ROLE_OPERATOR);
	assert_int_equal(caller_of(0, 0, none, 1).role, API_ROLE_ADMIN);
}

static void our_own_user_is_admin(void **state)
{
	struct api_caller caller;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	api_caller_from_socket(&caller, pair[0], NULL, 0);
	assert_int_equal(caller.role, API_ROLE_ADMIN);
	close(pair[0]);
	close(pair[1]);
	api_caller_from_socket(&caller, -1, NULL, 0);
	assert_int_equal(caller.role, API_ROLE_NONE);
	assert_string_equal(caller.who, "nobody");
}

static void words_of_groups(void **state)
{
	struct api_group group;

	(void)state;
	assert_int_equal(api_group_parse("root=admin", &group), 0);
	assert_int_equal(group.gid, 0);
	assert_int_equal(group.role, API_ROLE_ADMIN);
	assert_int_equal(api_group_parse("12=viewer", &group), 0);
	assert_int_equal(group.gid, 12);
	assert_int_equal(api_group_parse("root", &group), ERR_MALFORMED);
	assert_int_equal(api_group_parse("root=", &group), ERR_MALFORMED);
	assert_int_equal(api_group_parse("root=none", &group), ERR_MALFORMED);
	assert_int_equal(api_group_parse("=viewer", &group), ERR_MALFORMED);
	assert_int_equal(api_group_parse("no-such-group=viewer", &group), ERR_NOT_FOUND);
	assert_int_equal(api_group_parse("-1=viewer", &group), ERR_NOT_FOUND);
	assert_int_equal(api_group_parse("4294967295=viewer", &group), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(groups_give_roles),
	    cmocka_unit_test(our_own_user_is_admin),
	    cmocka_unit_test(words_of_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
