/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twin of endpoint/names.c with a name server on loopback.  The sources are included: to ask that
 * server, and to let an answer's time be over.
 */
#include "config.h"

#include "tests/unit/names_included.h"

#include "tests/support/worker_double.h"

#include <time.h>

static struct ev_loop *loop;
static struct names *names;
static struct name_server server;
static struct addr addresses[NAMES_ADDRESSES_MAX];
static size_t count;

struct flow_that_waits {
	struct names_waiter waiter;
	unsigned calls;
};

static void on_ready(struct names_waiter *waiter)
{
	LIST_ENTRY(waiter, struct flow_that_waits, waiter)->calls++;
}

static int setup(void **state)
{
	(void)state;
	loop = ev_loop_new(0);
	name_server_start(&server, loop);
	assert_int_equal(names_new(&names, loop), 0);
	names_ask(names, &server);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	names_free(names);
	name_server_stop(&server);
	ev_loop_destroy(loop);
	return 0;
}

static int get(const char *host, struct flow_that_waits *waits)
{
	return names_get(names, host, addresses, &count, waits ? &waits->waiter : NULL);
}

static struct flow_that_waits waiting(void)
{
	return (struct flow_that_waits){.calls = 0};
}

static void wait_for(const unsigned *calls)
{
	ev_tstamp end = ev_time() + 10;

	while (!*calls && ev_time() < end)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(*calls, 1);
}

/* Asks and waits for the answer. */
static int look_up(const char *host)
{
	struct flow_that_waits waits = waiting();

	names_waiter_init(&waits.waiter, on_ready);
	if (get(host, &waits) == ERR_AGAIN)
		wait_for(&waits.calls);
	return get(host, NULL);
}

static struct entry *entry_of(const char *host)
{
	struct entry *entry;

	HASH_FIND_STR(names->entries, host, entry);
	return entry;
}

/* The answer's time is over: the next who asks gets what is there, and has it asked for again. */
static void let_expire(const char *host)
{
	entry_of(host)->holds_until_s = 0;
}

static void test_a_literal_needs_no_server(void **state)
{
	(void)state;
	assert_int_equal(get("192.0.2.9", NULL), 0);
	assert_int_equal(count, 1);
	assert_int_equal(addresses[0].ip[3], 9);
	assert_int_equal(get("2001:db8::1", NULL), 0);
	assert_int_equal(addresses[0].family, 6);
	assert_int_equal(server.questions, 0);
	assert_null(names->entries);
}

static void test_a_name_is_asked_for_once(void **state)
{
	struct flow_that_waits first = waiting(), second = waiting();

	(void)state;
	names_waiter_init(&first.waiter, on_ready);
	names_waiter_init(&second.waiter, on_ready);
	assert_int_equal(get("two.test", &first), ERR_AGAIN);
	assert_int_equal(get("two.test", &second), ERR_AGAIN);
	assert_int_equal(get("two.test", NULL), ERR_AGAIN);
	wait_for(&first.calls);
	assert_int_equal(second.calls, 1);
	assert_int_equal(get("two.test", NULL), 0);
	assert_int_equal(count, 4);
	assert_int_equal(server.questions, 2); /* IPv4 and IPv6 */
	assert_in_range(entry_of("two.test")->holds_until_s - now_s(), NAME_SERVER_TTL_S - 1,
	    NAME_SERVER_TTL_S);
}

static void test_old_addresses_serve_while_it_is_asked_again(void **state)
{
	(void)state;
	assert_int_equal(look_up("two.test"), 0);
	let_expire("two.test");
	assert_int_equal(get("two.test", NULL), 0);
	assert_int_equal(count, 4);
	assert_non_null(entry_of("two.test")->query);
	while (entry_of("two.test")->query)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(server.questions, 4);
	assert_int_equal(get("two.test", NULL), 0);
	assert_null(entry_of("two.test")->query);
}

static void test_old_addresses_outlive_the_name_server(void **state)
{
	(void)state;
	assert_int_equal(look_up("two.test"), 0);
	server.is_silent = true;
	let_expire("two.test");
	get("two.test", NULL);
	while (entry_of("two.test")->query)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(get("two.test", NULL), 0);
	assert_int_equal(count, 4);
}

/* Nobody asks, and yet the addresses are never older than their TTL and a second. */
static void test_a_name_is_refreshed_by_itself(void **state)
{
	ev_tstamp end = ev_time() + 10;

	(void)state;
	assert_int_equal(look_up("two.test"), 0);
	let_expire("two.test");
	while (server.questions < 4 && ev_time() < end)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(server.questions, 4);
	while (entry_of("two.test")->query && ev_time() < end)
		ev_run(loop, EVRUN_ONCE);
	assert_true(entry_of("two.test")->holds_until_s > now_s());
}

static void test_old_addresses_serve_for_an_hour_at_most(void **state)
{
	(void)state;
	assert_int_equal(look_up("two.test"), 0);
	server.is_silent = true;
	entry_of("two.test")->resolved_s -= NAMES_STALE_S;
	let_expire("two.test");
	assert_int_equal(get("two.test", NULL), 0);
	while (entry_of("two.test")->query)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(get("two.test", NULL), ERR_NOT_FOUND);
	assert_int_equal(count, 0);
	server.is_silent = false;
	let_expire("two.test");
	assert_int_equal(look_up("two.test"), 0);
	assert_int_equal(count, 4);
}

static void test_an_unknown_name_is_not_asked_for_again_at_once(void **state)
{
	unsigned asked;

	(void)state;
	assert_int_equal(look_up("nothing.test"), ERR_NOT_FOUND);
	asked = server.questions;
	assert_int_equal(look_up("nothing.test"), ERR_NOT_FOUND);
	assert_int_equal(server.questions, asked);
	let_expire("nothing.test");
	assert_int_equal(get("nothing.test", NULL), ERR_AGAIN);
}

static void test_who_waits_no_more_is_not_called(void **state)
{
	struct flow_that_waits gone = waiting(), stays = waiting();

	(void)state;
	names_waiter_init(&gone.waiter, on_ready);
	names_waiter_init(&stays.waiter, on_ready);
	get("two.test", &gone);
	get("two.test", &stays);
	names_waiter_stop(&gone.waiter);
	names_waiter_stop(&gone.waiter);
	wait_for(&stays.calls);
	assert_int_equal(gone.calls, 0);
}

static bool is_self(void *context, const char *host)
{
	(void)context;
	return strcmp(host, "self.test") == 0;
}

static void test_names_out_of_use_are_forgotten(void **state)
{
	struct flow_that_waits waits = waiting();

	(void)state;
	assert_int_equal(look_up("two.test"), 0);
	assert_int_equal(look_up("self.test"), 0);
	names_waiter_init(&waits.waiter, on_ready);
	assert_int_equal(get("nothing.test", &waits), ERR_AGAIN);
	names_keep(names, is_self, NULL);
	assert_null(entry_of("two.test"));
	assert_non_null(entry_of("self.test"));
	assert_non_null(entry_of("nothing.test")); /* somebody waits for it */
	wait_for(&waits.calls);
	names_keep(names, is_self, NULL);
	assert_null(entry_of("nothing.test"));
}

/* The machine's clock may jump: addresses are as old as they are. */
static void test_names_live_by_a_clock_that_never_jumps(void **state)
{
	struct timespec now;

	(void)state;
	assert_int_equal(look_up("two.test"), 0);
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_in_range(entry_of("two.test")->resolved_s, now.tv_sec - 9, now.tv_sec);
	assert_in_range(entry_of("two.test")->holds_until_s, now.tv_sec - 9 + NAME_SERVER_TTL_S,
	    now.tv_sec + NAME_SERVER_TTL_S);
}

/* With a question under way and one that waits; the sanitizers tell the rest. */
static void test_the_end_calls_nobody(void **state)
{
	struct flow_that_waits waits = waiting();

	(void)state;
	names_waiter_init(&waits.waiter, on_ready);
	get("two.test", &waits);
	names_free(names);
	assert_int_equal(waits.calls, 0);
	assert_int_equal(names_new(&names, loop), 0);
}

static void test_time_to_live_has_bounds(void **state)
{
	(void)state;
	assert_true(clamp_ttl(0) >= NAMES_TTL_MIN_S && clamp_ttl(0) <= NAMES_TTL_MIN_S);
	assert_true(clamp_ttl(UINT32_MAX) <= NAMES_TTL_MAX_S);
	assert_true(clamp_ttl(60) >= 60 && clamp_ttl(60) <= 60);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_literal_needs_no_server),
	    TEST(test_a_name_is_asked_for_once),
	    TEST(test_old_addresses_serve_while_it_is_asked_again),
	    TEST(test_old_addresses_outlive_the_name_server),
	    TEST(test_a_name_is_refreshed_by_itself),
	    TEST(test_old_addresses_serve_for_an_hour_at_most),
	    TEST(test_an_unknown_name_is_not_asked_for_again_at_once),
	    TEST(test_who_waits_no_more_is_not_called),
	    TEST(test_names_out_of_use_are_forgotten),
	    TEST(test_names_live_by_a_clock_that_never_jumps),
	    TEST(test_the_end_calls_nobody),
	    TEST(test_time_to_live_has_bounds),
	};

	if (double_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
