/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of endpoint/backends.c: shares by weight and address, what moves, and who chooses alike. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "endpoint/backends.h"
#include "endpoint/names.h"

#include <string.h>

enum { FLOWS = 20000, ID = 7 };

static struct backend list[4];
static struct config_accelerator accelerator;
static struct node_config config;
static struct backends backends, others;

static int set_up(void **state)
{
	(void)state;
	memcpy(list,
	    (struct backend[]){{"10.0.0.1", 80, 10}, {"b.example", 0, 0}, {"10.0.0.1", 81, 30},
	        {"2001:db8::1", 0, 60}},
	    sizeof(list));
	accelerator = (struct config_accelerator){.id = ID, .backends = list, .backend_count = 4};
	config =
	    (struct node_config){.seed = 42, .accelerators = &accelerator, .accelerator_count = 1};
	assert_int_equal(backends_set(&backends, &config, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	backends_clear(&backends);
	backends_clear(&others);
	return 0;
}

static uint64_t flow_of(unsigned user)
{
	struct flow_open open = {.kind = FLOW_TCP, .accelerator = ID};

	addr_parse("192.0.2.1:1000", 0, &open.user);
	addr_parse("198.51.100.1:443", 0, &open.local);
	open.user.ip[2] = (uint8_t)(user >> 8);
	open.user.ip[3] = (uint8_t)user;
	return backends_flow_hash(&backends, &accelerator, &open);
}

static void count_shares(uint64_t excluded, unsigned share[4])
{
	memset(share, 0, 4 * sizeof(*share));
	for (unsigned i = 0; i < FLOWS; i++)
		share[backends_choose(&backends, &accelerator, flow_of(i), excluded)]++;
}

static void shares_follow_weights(void **state)
{
	unsigned share[4];

	(void)state;
	count_shares(0, share);
	assert_in_range(share[0], FLOWS * 9 / 100, FLOWS * 11 / 100);
	assert_int_equal(share[1], 0);
	assert_in_range(share[2], FLOWS * 28 / 100, FLOWS * 32 / 100);
	assert_in_range(share[3], FLOWS * 58 / 100, FLOWS * 62 / 100);
}

static void only_flows_of_an_excluded_backend_move(void **state)
{
	unsigned share[4];

	(void)state;
	for (unsigned i = 0; i < FLOWS; i++) {
		int before = backends_choose(&backends, &accelerator, flow_of(i), 0);
		int after = backends_choose(&backends, &accelerator, flow_of(i), 1u << 3);

		assert_true(before == 3 ? after != 3 : after == before);
	}
	count_shares(1u << 3, share);
	assert_in_range(share[0], FLOWS * 23 / 100, FLOWS * 27 / 100);
	count_shares(1u << 3 | 1u << 2, share);
	assert_int_equal(share[0], FLOWS);
	assert_int_equal(backends_choose(&backends, &accelerator, flow_of(1), 0xd), ERR_NOT_FOUND);
}

/* The config of another endpoint may have them in another order. */
static void two_endpoints_choose_alike(void **state)
{
	struct backend turned[4] = {list[3], list[1], list[0], list[2]};
	struct config_accelerator other = accelerator;
	struct node_config other_config = config;

	(void)state;
	other.backends = turned;
	other_config.accelerators = &other;
	assert_int_equal(backends_set(&others, &other_config, NULL), 0);
	for (unsigned i = 0; i < 2000; i++) {
		int one = backends_choose(&backends, &accelerator, flow_of(i), 0);
		int two = backends_choose(&others, &other, flow_of(i), 0);

		assert_memory_equal(&list[one], &turned[two], sizeof(*list));
	}
}

static void affinity_looks_at_the_users_address_alone(void **state)
{
	struct flow_open open = {.kind = FLOW_TCP, .accelerator = ID};
	uint64_t none, source;

	(void)state;
	addr_parse("192.0.2.1:1000", 0, &open.user);
	addr_parse("198.51.100.1:443", 0, &open.local);
	none = backends_flow_hash(&backends, &accelerator, &open);
	accelerator.client_affinity = AFFINITY_SOURCE;
	source = backends_flow_hash(&backends, &accelerator, &open);
	open.kind = FLOW_UDP;
	open.user.port++;
	open.local.port++;
	assert_true(backends_flow_hash(&backends, &accelerator, &open) == source);
	accelerator.client_affinity = AFFINITY_NONE;
	assert_true(backends_flow_hash(&backends, &accelerator, &open) != none);
}

static void a_new_config_brings_new_tables(void **state)
{
	struct backend before_list[4];
	struct config_accelerator before_accelerator = accelerator;
	struct node_config before = config;
	unsigned share[4];

	(void)state;
	memcpy(before_list, list, sizeof(list));
	before_accelerator.backends = before_list;
	before.accelerators = &before_accelerator;
	assert_int_equal(backends_set(&backends, &config, &before), 0);
	count_shares(0, share);
	assert_in_range(share[0], FLOWS * 9 / 100, FLOWS * 11 / 100);
	list[3].weight = 0; /* drained */
	assert_int_equal(backends_set(&backends, &config, &before), 0);
	count_shares(0, share);
	assert_int_equal(share[3], 0);
	assert_in_range(share[0], FLOWS * 23 / 100, FLOWS * 27 / 100);
	config.accelerator_count = 0;
	assert_int_equal(backends_set(&backends, &config, &before), 0);
	assert_int_equal(backends_choose(&backends, &accelerator, 1, 0), ERR_NOT_FOUND);
}

static void none_with_a_weight_is_none(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		list[i].weight = 0;
	assert_int_equal(backends_set(&backends, &config, NULL), 0);
	assert_int_equal(backends_choose(&backends, &accelerator, 1, 0), ERR_NOT_FOUND);
}

static void addresses_share_alike_and_little_moves(void **state)
{
	unsigned first[NAMES_ADDRESSES_MAX] = {0};
	struct addr all[NAMES_ADDRESSES_MAX], order[NAMES_ADDRESSES_MAX], left[NAMES_ADDRESSES_MAX];

	(void)state;
	for (unsigned i = 0; i < NAMES_ADDRESSES_MAX; i++) {
		addr_parse(i % 2 ? "2001:db8::1" : "192.0.2.1", 80, &all[i]);
		all[i].ip[all[i].family == 4 ? 3 : 15] = (uint8_t)i;
	}
	for (unsigned i = 0; i < FLOWS; i++) {
		uint64_t flow = flow_of(i);
		unsigned at = 0;

		memcpy(order, all, sizeof(all));
		backends_order_addresses(&backends, flow, order, NAMES_ADDRESSES_MAX);
		while (!addr_equal(&order[0], &all[at]))
			at++;
		first[at]++;
		memcpy(left, all + 1, sizeof(all) - sizeof(*all)); /* the first one went */
		backends_order_addresses(&backends, flow, left, NAMES_ADDRESSES_MAX - 1);
		assert_true(addr_equal(&left[0], at ? &order[0] : &order[1]));
	}
	for (unsigned i = 0; i < NAMES_ADDRESSES_MAX; i++)
		assert_in_range(first[i], FLOWS / NAMES_ADDRESSES_MAX * 9 / 10,
		    FLOWS / NAMES_ADDRESSES_MAX * 11 / 10);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(shares_follow_weights),
	    TEST(only_flows_of_an_excluded_backend_move),
	    TEST(two_endpoints_choose_alike),
	    TEST(affinity_looks_at_the_users_address_alone),
	    TEST(a_new_config_brings_new_tables),
	    TEST(none_with_a_weight_is_none),
	    TEST(addresses_share_alike_and_little_moves),
	};

	keyed_hash_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
