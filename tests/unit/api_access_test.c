/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_access.c: who is let in, who is not, and how often each may ask. */
#include "tests/unit/cmocka_all.h"

#include "base/keyed_hash.h"
#include "control/api_access.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 10, BURST = RATE * API_RATE_BURST_S, EXPIRES_MS = 5000 };

static struct api_access *access;
static struct api_caller caller;
static struct problem problem;
static char bearer[128];
static uint64_t steady_ms, unix_ms;

static int setup(void **state)
{
	char text[API_TOKEN_TEXT_BYTES];

	(void)state;
	access = api_access_new(RATE);
	access->tokens.tokens = calloc(1, sizeof(struct api_token));
	access->tokens.count = 1;
	access->tokens.tokens[0] = (struct api_token){
	    .id = 7, .name = "ci", .role = API_ROLE_OPERATOR, .expires_ms = EXPIRES_MS};
	api_token_make(text, access->tokens.tokens[0].hash);
	snprintf(bearer, sizeof(bearer), "Bearer %s", text);
	steady_ms = unix_ms = 1000;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	api_access_free(access);
	return 0;
}

static int admit(const char *from, const char *authorization)
{
	struct addr addr = {0};

	problem = (struct problem){0};
	if (from) {
		assert_int_equal(addr_parse(from, 4711, &addr), 0);
		api_caller_from_addr(&caller, &addr);
	} else {
		caller = (struct api_caller){
		    .role = API_ROLE_VIEWER, .who = "uid 5 (ann)", .from = "unix", .uid = 5};
	}
	return api_access_admit(access, &caller, authorization, steady_ms, unix_ms, &problem);
}

static void a_token_says_who_asks(void **state)
{
	(void)state;
	assert_int_equal(admit("192.0.2.1", bearer), 0);
	assert_string_equal(caller.who, "token ci");
	assert_string_equal(caller.from, "192.0.2.1:4711");
	assert_int_equal(caller.role, API_ROLE_OPERATOR);
	assert_int_equal(access->tokens.tokens[0].used_ms, unix_ms);
	memcpy(bearer, "bEARER", 6); /* RFC 9110: schemes have no case */
	assert_int_equal(admit("192.0.2.1", bearer), 0);
	assert_int_equal(admit(NULL, bearer), 0);
	assert_string_equal(caller.who, "token ci");
}

static void expect_none(const char *from, const char *authorization, const char *words)
{
	assert_int_equal(admit(from, authorization), -1);
	assert_int_equal(problem.kind, PROBLEM_UNAUTHENTICATED);
	assert_non_null(strstr(problem.detail, words));
	assert_true(problem.fix[0] != '\0');
	assert_int_equal(caller.role, from ? API_ROLE_NONE : API_ROLE_VIEWER);
}

static void without_a_right_token_nobody_is_known(void **state)
{
	(void)state;
	expect_none("192.0.2.1", NULL, "must bear a token");
	expect_none("192.0.2.1", "", "wrong, or revoked");
	expect_none("192.0.2.1", "Basic cm9vdDpyb290", "wrong, or revoked");
	expect_none("192.0.2.1", bearer + strlen("Bearer "), "wrong, or revoked");
	bearer[20] ^= 1;
	expect_none("192.0.2.1", bearer, "wrong, or revoked");
	expect_none(NULL, bearer, "wrong, or revoked"); /* not the user's own role instead */
	bearer[20] ^= 1;
	unix_ms = EXPIRES_MS - 1;
	assert_int_equal(admit("192.0.2.1", bearer), 0);
	unix_ms = EXPIRES_MS;
	expect_none("192.0.2.1", bearer, "\"ci\" has expired at 1970-01-01T00:00:05");
}

static void a_local_user_needs_none(void **state)
{
	(void)state;
	assert_int_equal(admit(NULL, NULL), 0);
	assert_int_equal(caller.role, API_ROLE_VIEWER);
}

static unsigned count(const char *from, const char *authorization)
{
	unsigned admitted = 0;

	while (admit(from, authorization) == 0)
		admitted++;
	assert_int_equal(problem.kind, PROBLEM_TOO_MANY);
	assert_int_equal(problem.retry_after_s, 1);
	return admitted;
}

static void each_has_a_rate(void **state)
{
	(void)state;
	assert_int_equal(count("192.0.2.1", bearer), BURST); /* the token's */
	assert_int_equal(admit("192.0.2.2", bearer), -1);
	assert_non_null(strstr(problem.detail, "from this token"));
	assert_int_equal(count(NULL, NULL), BURST * API_RATE_LOCAL_FACTOR);
	assert_non_null(strstr(problem.detail, "from this user"));
	steady_ms += 100;
	assert_int_equal(admit("192.0.2.2", bearer), 0);
	assert_int_equal(admit("192.0.2.2", bearer), -1);
}

/* Somebody's whole /64 is one, and a neighbour's is another. */
static void ipv6_is_limited_by_network(void **state)
{
	(void)state;
	for (int i = 0; i < BURST; i++) {
		char from[64];

		snprintf(from, sizeof(from), "2001:db8:0:1::%x", i + 1);
		admit(from, NULL);
	}
	assert_int_equal(admit("2001:db8:0:1::ffff", NULL), -1);
	assert_non_null(strstr(problem.detail, "from this address"));
	expect_none("2001:db8:0:2::1", NULL, "must bear");
}

/* Guessing gets slower and slower answers, and shuts nobody else out. */
static void failures_have_a_rate_of_their_own(void **state)
{
	(void)state;
	for (int i = 0; i < API_FAILURES_BURST; i++)
		expect_none("192.0.2.1", "Bearer x", "wrong");
	assert_int_equal(admit("192.0.2.1", "Bearer x"), -1);
	assert_int_equal(problem.kind, PROBLEM_TOO_MANY);
	assert_in_range(problem.retry_after_s, 1, 2);
	assert_int_equal(admit("192.0.2.1", bearer), 0);
	expect_none("192.0.2.2", "Bearer x", "wrong");
	steady_ms += 1000;
	expect_none("192.0.2.1", "Bearer x", "wrong");
	assert_int_equal(admit("192.0.2.1", "Bearer x"), -1);
	assert_int_equal(problem.kind, PROBLEM_TOO_MANY);
}

/* All that an address may ask is spent by somebody without a token. */
static void a_neighbour_shuts_nobody_out(void **state)
{
	(void)state;
	for (int i = 0; i < BURST; i++)
		admit("192.0.2.1", NULL);
	assert_int_equal(admit("192.0.2.1", NULL), -1);
	assert_non_null(strstr(problem.detail, "from this address"));
	assert_int_equal(count("192.0.2.1", bearer), BURST);
	assert_non_null(strstr(problem.detail, "from this token"));
}

static void what_goes_on_ends_with_its_token(void **state)
{
	(void)state;
	assert_int_equal(admit("192.0.2.1", bearer), 0);
	assert_true(api_access_is_good(access, &caller, EXPIRES_MS - 1));
	assert_false(api_access_is_good(access, &caller, EXPIRES_MS));
	api_token_list_clear(&access->tokens);
	assert_false(api_access_is_good(access, &caller, unix_ms));
	assert_int_equal(admit(NULL, NULL), 0);
	assert_true(api_access_is_good(access, &caller, EXPIRES_MS));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_token_says_who_asks),
	    TEST(without_a_right_token_nobody_is_known),
	    TEST(a_local_user_needs_none),
	    TEST(each_has_a_rate),
	    TEST(ipv6_is_limited_by_network),
	    TEST(failures_have_a_rate_of_their_own),
	    TEST(a_neighbour_shuts_nobody_out),
	    TEST(what_goes_on_ends_with_its_token),
	};

	if (sodium_init() < 0 || keyed_hash_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
