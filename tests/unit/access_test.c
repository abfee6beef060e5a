/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of listener/access.c: each accelerator by its own lists. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "listener/access.h"

static struct cidr_text home = {"192.0.2.0/24"}, away = {"198.51.100.0/24"};
static struct config_accelerator accelerators[] = {
    {.id = 3, .access = {.allow = &home, .allow_count = 1}},
    {.id = 5},
    {.id = 9, .access = {.deny = &home, .deny_count = 1}},
};
static const struct node_config config = {.accelerators = accelerators, .accelerator_count = 3};

static void by_accelerator(void **state)
{
	struct addr at_home, elsewhere;
	struct access *access;

	(void)state;
	assert_int_equal(addr_parse("192.0.2.1:80", 0, &at_home), 0);
	assert_int_equal(addr_parse("198.51.100.1:80", 0, &elsewhere), 0);
	assert_int_equal(access_new(&access, &config), 0);
	assert_true(access_allows(access, 3, &at_home));
	assert_false(access_allows(access, 3, &elsewhere));
	assert_true(access_allows(access, 5, &at_home));
	assert_false(access_allows(access, 9, &at_home));
	assert_true(access_allows(access, 9, &elsewhere));
	assert_true(access_allows(access, 4, &at_home)); /* there is none */
	access_free(access);
}

/* The lists are copied. */
static void the_config_may_go(void **state)
{
	struct access *access;
	struct addr user;

	(void)state;
	assert_int_equal(addr_parse("198.51.100.1", 0, &user), 0);
	accelerators[0].access.allow = &away;
	assert_int_equal(access_new(&access, &config), 0);
	away = home;
	assert_true(access_allows(access, 3, &user));
	access_free(access);
}

static void what_was_not_validated_is_refused(void **state)
{
	struct cidr_text wrong = {"here"};
	struct access *access;

	(void)state;
	accelerators[0].access.allow = &wrong;
	assert_int_equal(access_new(&access, &config), ERR_MALFORMED);
	assert_null(access);
	access_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_accelerator),
	    cmocka_unit_test(the_config_may_go),
	    cmocka_unit_test(what_was_not_validated_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
