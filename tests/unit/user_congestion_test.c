/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/user_congestion.c.  reno is in every Linux kernel, and allowed to everybody. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "net/user_congestion.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void what_the_kernel_has_is_taken(void **state)
{
	(void)state;
	assert_null(user_congestion_check("reno"));
}

static void what_it_has_not_is_refused_with_what_there_is(void **state)
{
	static const char *const names[] = {"", "nonesuch", "ren", "renoo", "reno ",
	    "a-name-that-is-longer-than-any-that-the-kernel-has"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *why = user_congestion_check(names[i]);

		if (!why)
			fail_msg("taken: %s", names[i]);
		assert_non_null(strstr(why, "reno"));
	}
}

/* A socket of anybody's takes it. */
static void the_default_can_be_set(void **state)
{
	const char *name = user_congestion_default();
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_true(descriptor >= 0);
	if (name[0])
		assert_int_equal(setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name,
		                     (socklen_t)strlen(name)),
		    0);
	close(descriptor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_the_kernel_has_is_taken),
	    cmocka_unit_test(what_it_has_not_is_refused_with_what_there_is),
	    cmocka_unit_test(the_default_can_be_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
