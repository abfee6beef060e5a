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
    {.region = "seoul", .traffic_dial_percent = 100, .endpoints = seoul, .endpoint_count = 3},
    {.region = "paris", .traffic_dial_percent = 100, .endpoints = paris, .endpoint_count = 1},
};
static struct config_accelerator accelerators[] = {
    {.id = 7, .protocol = PROTOCOL_TCP, .groups = groups, .group_count = 2},
};
static const struct node_config config = {
    .seed = 42, .accelerators = accelerators, .accelerator_count = 1};

/* RTT by endpoint, 0 for down. */
static uint64_t seoul_us[3], paris_us, oslo_us;

static uint64_t rtt(void *context, const char *endpoint)
{
	(void)context;
	if (!strcmp(endpoint, "paris-1"))
		return paris_us;
	if (!strcmp(endpoint, "oslo-1"))
		return oslo_us;
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

static bool is_up(void *context, uint32_t accelerator, const char *endpoint)
{
	(void)accelerator;
	return rtt(context, endpoint) > 0;
}

static struct choice *make(const struct choice *before)
{
	const struct choice_view view = {rtt, is_up, NULL};
	struct choice *choice;

	assert_int_equal(choice_new(&choice, &config, &view, before), 0);
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

/* ---- dials, ranks, affinity, draining ---- */

static struct name oslo[] = {{"oslo-1"}};

/* The regions' shares of 4,000 users, in percent. */
static void count_regions(struct choice *choice, unsigned percent[3])
{
	unsigned counts[3] = {0};

	for (unsigned i = 0; i < 4000; i++) {
		const char *name = choose(choice, i, 2 * SECOND_US);

		assert_non_null(name);
		counts[*name == 's' ? 0 : *name == 'p' ? 1 : 2]++;
	}
	for (int i = 0; i < 3; i++)
		percent[i] = (counts[i] + 20) / 40;
}

static struct config_group three[3];
static struct config_accelerator dialled = {
    .id = 7, .protocol = PROTOCOL_TCP, .groups = three, .group_count = 3};
static const struct node_config dialled_config = {
    .seed = 42, .accelerators = &dialled, .accelerator_count = 1};

static struct choice *make_dialled(unsigned in_seoul, unsigned in_paris, unsigned in_oslo)
{
	const struct choice_view view = {rtt, is_up, NULL};
	const unsigned dials[] = {in_seoul, in_paris, in_oslo};
	struct choice *choice;

	three[0] = groups[0];
	three[1] = groups[1];
	three[2] = (struct config_group){.region = "oslo", .endpoints = oslo, .endpoint_count = 1};
	for (int i = 0; i < 3; i++)
		three[i].traffic_dial_percent = (uint8_t)dials[i];
	assert_int_equal(choice_new(&choice, &dialled_config, &view, NULL), 0);
	return choice;
}

static void assert_percent(
    struct choice *choice, unsigned in_seoul, unsigned in_paris, unsigned in_oslo)
{
	unsigned percent[3];

	count_regions(choice, percent);
	assert_in_range(
	    percent[0], in_seoul > 3 ? in_seoul - 3 : in_seoul, in_seoul + (in_seoul ? 3 : 0));
	assert_in_range(
	    percent[1], in_paris > 3 ? in_paris - 3 : in_paris, in_paris + (in_paris ? 3 : 0));
	assert_in_range(
	    percent[2], in_oslo > 3 ? in_oslo - 3 : in_oslo, in_oslo + (in_oslo ? 3 : 0));
	choice_free(choice);
}

static void test_groups_take_the_share_of_their_dial(void **state)
{
	(void)state;
	set_rtts(10000, 30000);
	oslo_us = 50000;
	assert_percent(make_dialled(100, 100, 100), 100, 0, 0);
	assert_percent(make_dialled(30, 100, 100), 30, 70, 0);
	assert_percent(make_dialled(30, 50, 100), 30, 35, 35);
	assert_percent(make_dialled(0, 50, 100), 0, 50, 50);
	assert_percent(make_dialled(30, 50, 10), 30, 35, 35); /* the last one takes the rest */
	assert_percent(make_dialled(30, 50, 0), 30, 70, 0);
	oslo_us = 0;
	assert_percent(make_dialled(30, 50, 100), 30, 70, 0);
	set_rtts(0, 30000);
	assert_percent(make_dialled(30, 50, 100), 0, 100, 0);
	struct choice *choice = make_dialled(100, 0, 0);
	assert_null(choose(choice, 1, SECOND_US));
	choice_free(choice);
}

static void test_ranked_groups_come_first(void **state)
{
	struct choice *choice;

	(void)state;
	set_rtts(50000, 40000);
	oslo_us = 10000;
	dialled.ranked_groups = 1;
	choice = make_dialled(100, 100, 100);
	assert_memory_equal(choose(choice, 1, SECOND_US), "seoul", 5);
	set_rtts(0, 40000);
	assert_memory_equal(choose(choice, 1, SECOND_US), "oslo", 4);
	choice_free(choice);
	dialled.ranked_groups = 0;
}

/* A user's flows stay together; users spread, also over the dial. */
static void test_affinity_to_the_source(void **state)
{
	const char *first;
	unsigned in_seoul = 0;
	struct choice *choice;
	struct addr user;

	(void)state;
	set_rtts(10000, 30000);
	oslo_us = 0;
	dialled.client_affinity = AFFINITY_SOURCE;
	choice = make_dialled(50, 100, 0);
	addr_parse("192.0.2.1:1", 0, &user);
	for (unsigned i = 0; i < 500; i++) {
		user.ip[3] = (uint8_t)i;
		user.ip[2] = (uint8_t)(i >> 8);
		user.port = 1;
		first = choice_endpoint(choice, 7, PROTOCOL_TCP, &user, 443, SECOND_US);
		user.port = (uint16_t)(i + 2);
		assert_ptr_equal(
		    first, choice_endpoint(choice, 7, PROTOCOL_UDP, &user, 80, SECOND_US));
		in_seoul += *first == 's';
	}
	assert_in_range(in_seoul, 190, 310);
	choice_free(choice);
	dialled.client_affinity = AFFINITY_NONE;
}

/* Two listeners with configs of their own, in which the endpoints stand in another order. */
static void test_two_listeners_choose_alike(void **state)
{
	struct name turned[] = {{"seoul-3"}, {"seoul-1"}, {"seoul-2"}};
	const struct choice_view view = {rtt, is_up, NULL};
	struct config_group group = groups[0];
	struct config_accelerator accelerator = accelerators[0];
	const struct node_config other_config = {
	    .seed = 42, .accelerators = &accelerator, .accelerator_count = 1};
	struct choice *choice = make(NULL), *other;

	(void)state;
	set_rtts(10000, 30000);
	group.endpoints = turned;
	accelerator.groups = &group;
	accelerator.group_count = 1;
	assert_int_equal(choice_new(&other, &other_config, &view, NULL), 0);
	for (unsigned i = 0; i < 1000; i++)
		assert_string_equal(choose(choice, i, SECOND_US), choose(other, i, 5 * SECOND_US));
	seoul_us[1] = 0;
	for (unsigned i = 0; i < 1000; i++)
		assert_string_equal(choose(choice, i, SECOND_US), choose(other, i, 5 * SECOND_US));
	choice_free(choice);
	choice_free(other);
}

/* When an endpoint fails its own flows move, over all that are left, and the others stay. */
static void test_only_flows_of_a_failed_endpoint_move(void **state)
{
	struct choice *choice = make(NULL);
	unsigned to[3] = {0};

	(void)state;
	set_rtts(10000, 30000);
	for (unsigned i = 0; i < 3000; i++) {
		seoul_us[1] = 10000;
		const char *before = choose(choice, i, SECOND_US);
		seoul_us[1] = 0;
		const char *after = choose(choice, i, SECOND_US);
		if (strcmp(before, "seoul-2"))
			assert_ptr_equal(before, after);
		else
			to[after[6] - '1']++;
	}
	assert_in_range(to[0], 400, 600);
	assert_in_range(to[2], 400, 600);
	choice_free(choice);
}

/* What is told is what is chosen, and each group has a word to say. */
static void test_the_story_is_that_of_the_choice(void **state)
{
	struct choice_story story;
	struct choice *choice;
	unsigned passed = 0;
	struct addr address;

	(void)state;
	set_rtts(10000, 30000);
	groups[0].traffic_dial_percent = 50;
	choice = make(NULL);
	for (unsigned i = 0; i < 200; i++) {
		addr_parse("192.0.2.1:1", 0, &address);
		address.ip[2] = 0;
		address.ip[3] = (uint8_t)i;
		const char *name =
		    choice_explain(choice, 7, PROTOCOL_TCP, &address, 443, SECOND_US, &story);
		assert_string_equal(name, choose(choice, i, SECOND_US));
		assert_int_equal(story.count, 2);
		assert_ptr_equal(story.steps[0].group, &groups[0]);
		assert_int_equal(story.steps[0].rtt_us, 10000);
		bool is_first = story.steps[0].share < 50;
		assert_int_equal(
		    story.steps[0].verdict, is_first ? EXPLAIN_GROUP_TAKES : EXPLAIN_GROUP_PASSES);
		assert_int_equal(story.steps[1].verdict,
		    is_first ? EXPLAIN_GROUP_NOT_ASKED : EXPLAIN_GROUP_TAKES);
		assert_ptr_equal(name, story.steps[is_first ? 0 : 1].endpoint);
		passed += !is_first;
	}
	assert_in_range(passed, 70, 130);
	choice_free(choice);
	groups[0].traffic_dial_percent = 100;
}

static void test_the_story_of_what_cannot_take(void **state)
{
	struct choice_story story;
	struct choice *choice;
	struct addr address;

	(void)state;
	set_rtts(10000, 0);
	groups[0].traffic_dial_percent = 1;
	choice = make(NULL);
	addr_parse("192.0.2.1:1", 0, &address);
	assert_non_null(choice_explain(choice, 7, PROTOCOL_TCP, &address, 443, SECOND_US, &story));
	assert_int_equal(story.steps[0].verdict,
	    story.steps[0].share < 1 ? EXPLAIN_GROUP_TAKES : EXPLAIN_GROUP_TAKES_REST);
	assert_int_equal(story.steps[1].verdict, EXPLAIN_GROUP_NO_ENDPOINT);
	groups[0].traffic_dial_percent = 0;
	assert_null(choice_explain(choice, 7, PROTOCOL_TCP, &address, 443, SECOND_US, &story));
	assert_int_equal(story.steps[0].verdict, EXPLAIN_GROUP_DIAL_0);
	assert_null(choice_explain(choice, 8, PROTOCOL_TCP, &address, 443, SECOND_US, &story));
	assert_int_equal(story.count, 0);
	choice_free(choice);
	groups[0].traffic_dial_percent = 100;
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
	    cmocka_unit_test(test_groups_take_the_share_of_their_dial),
	    cmocka_unit_test(test_ranked_groups_come_first),
	    cmocka_unit_test(test_affinity_to_the_source),
	    cmocka_unit_test(test_two_listeners_choose_alike),
	    cmocka_unit_test(test_only_flows_of_a_failed_endpoint_move),
	    cmocka_unit_test(test_the_story_is_that_of_the_choice),
	    cmocka_unit_test(test_the_story_of_what_cannot_take),
	};

	keyed_hash_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
