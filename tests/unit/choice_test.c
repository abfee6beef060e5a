/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of listener/choice.c: nearest group, hysteresis, Maglev within a group, lanes that are down. */
#include "tests/unit/cmocka_all.h"

#include "listener/choice.h"

#include "base/keyed_hash.h"

#include <string.h>

enum { SECOND_US = 1000000 };

static struct name seoul[] = {{"seoul-1"}, {"seoul-2"}, {"seoul-3"}};
static struct name paris[] = {{"paris-1"}};
static struct config_group groups[] = {
    {.region = "seoul", .endpoints = seoul, .endpoint_count = 3},
    {.region = "paris", .endpoints = paris, .endpoint_count = 1},
};
static struct config_accelerator accelerators[] = {
    {.id = 7, .protocol = PROTOCOL_TCP, .groups = groups, .group_count = 2},
};
static const struct node_config config = {
    .seed = 42, .accelerators = accelerators, .accelerator_count = 1};

/* RTT by endpoint, 0 for down. */
static uint64_t seoul_us[3], paris_us;

static uint64_t rtt(void *context, const char *endpoint)
{
	(void)context;
	if (!strcmp(endpoint, "paris-1"))
		return paris_us;
	return seoul_us[endpoint[6] - '1'];
}

static void set_rtts(uint64_t in_seoul_us, uint64_t in_paris_us)
{
	for (int i = 0; i < 3; i++)
		seoul_us[i] = in_seoul_us;
	paris_us = in_paris_us;
}

static const char *choose(struct choice *choice, unsigned user, uint64_t now_us)
{
	struct addr address;

	addr_parse("192.0.2.1:1", 0, &address);
	address.ip[2] = (uint8_t)(user >> 8);
	address.ip[3] = (uint8_t)user;
	return choice_endpoint(choice, 7, PROTOCOL_TCP, &address, 443, now_us);
}

static struct choice *make(const struct choice *before)
{
	struct choice *choice;

	assert_int_equal(choice_new(&choice, &config, rtt, NULL, before), 0);
	return choice;
}

static void test_takes_the_nearest_group(void **state)
{
	struct choice *choice;

	(void)state;
	set_rtts(200000, 30000);
	choice = make(NULL);
	for (unsigned i = 0; i < 100; i++)
		assert_string_equal(choose(choice, i, SECOND_US), "paris-1");
	choice_free(choice);
}

static void test_spreads_over_a_group_and_repeats(void **state)
{
	struct choice *choice;
	unsigned counts[3] = {0};

	(void)state;
	set_rtts(10000, 30000);
	choice = make(NULL);
	for (unsigned i = 0; i < 3000; i++) {
		const char *name = choose(choice, i, SECOND_US);
		counts[name[6] - '1']++;
		assert_string_equal(name, choose(choice, i, 2 * SECOND_US));
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(counts[i], 800, 1200);
	choice_free(choice);
}

static void test_a_nearer_group_must_stay_nearer(void **state)
{
	struct choice *choice;

	(void)state;
	set_rtts(40000, 50000);
	choice = make(NULL);
	assert_memory_equal(choose(choice, 1, 1 * SECOND_US), "seoul", 5);
	set_rtts(40000, 37000); /* not 10 % */
	for (unsigned s = 2; s < 30; s++)
		assert_memory_equal(choose(choice, 1, s * SECOND_US), "seoul", 5);
	set_rtts(40000, 20000);
	assert_memory_equal(choose(choice, 1, 31 * SECOND_US), "seoul", 5);
	assert_memory_equal(choose(choice, 1, 36 * SECOND_US), "seoul", 5);
	set_rtts(40000, 50000); /* back again: the ten seconds begin anew */
	assert_memory_equal(choose(choice, 1, 38 * SECOND_US), "seoul", 5);
	set_rtts(40000, 20000);
	assert_memory_equal(choose(choice, 1, 40 * SECOND_US), "seoul", 5);
	assert_memory_equal(choose(choice, 1, 49 * SECOND_US), "seoul", 5);
	assert_memory_equal(choose(choice, 1, 51 * SECOND_US), "paris", 5);
	choice_free(choice);
}

static void test_a_group_without_lanes_is_left_at_once(void **state)
{
	struct choice *choice;

	(void)state;
	set_rtts(10000, 90000);
	choice = make(NULL);
	assert_memory_equal(choose(choice, 1, SECOND_US), "seoul", 5);
	set_rtts(0, 90000);
	assert_string_equal(choose(choice, 1, SECOND_US + 1), "paris-1");
	set_rtts(0, 0);
	assert_null(choose(choice, 1, SECOND_US + 2));
	choice_free(choice);
}

static void test_an_endpoint_without_a_lane_is_passed_over(void **state)
{
	struct choice *choice;

	(void)state;
	set_rtts(10000, 90000);
	seoul_us[0] = 0;
	choice = make(NULL);
	for (unsigned i = 0; i < 500; i++)
		assert_string_not_equal(choose(choice, i, SECOND_US), "seoul-1");
	choice_free(choice);
}

static void test_a_new_config_inherits_the_order(void **state)
{
	struct choice *first, *second;

	(void)state;
	set_rtts(40000, 50000);
	first = make(NULL);
	assert_memory_equal(choose(first, 1, SECOND_US), "seoul", 5);
	set_rtts(40000, 38000);
	second = make(first);
	choice_free(first);
	assert_memory_equal(choose(second, 1, 2 * SECOND_US), "seoul", 5);
	choice_free(second);
}

static void test_an_unknown_accelerator_has_no_endpoint(void **state)
{
	struct choice *choice;
	struct addr user;

	(void)state;
	set_rtts(1, 1);
	choice = make(NULL);
	addr_parse("192.0.2.1:1", 0, &user);
	assert_null(choice_endpoint(choice, 8, PROTOCOL_TCP, &user, 443, SECOND_US));
	assert_null(choice_accelerator(choice, 8));
	assert_ptr_equal(choice_accelerator(choice, 7), &accelerators[0]);
	choice_free(choice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_takes_the_nearest_group),
	    cmocka_unit_test(test_spreads_over_a_group_and_repeats),
	    cmocka_unit_test(test_a_nearer_group_must_stay_nearer),
	    cmocka_unit_test(test_a_group_without_lanes_is_left_at_once),
	    cmocka_unit_test(test_an_endpoint_without_a_lane_is_passed_over),
	    cmocka_unit_test(test_a_new_config_inherits_the_order),
	    cmocka_unit_test(test_an_unknown_accelerator_has_no_endpoint),
	};

	keyed_hash_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
