/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every part of a flow's name changes the hash; the seed decides it wholly. */
#include "tests/unit/cmocka_all.h"

#include "model/flow_hash.h"

#include <stdbool.h>

static struct flow_hash_key key;
static struct addr user;

static void the_same_for_the_same(void **state)
{
	struct flow_hash_key again;

	(void)state;
	flow_hash_init(&again, 42);
	assert_true(flow_hash(&key, AFFINITY_NONE, 1, PROTOCOL_TCP, &user, 80)
	            == flow_hash(&again, AFFINITY_NONE, 1, PROTOCOL_TCP, &user, 80));
}

static void every_part_counts(void **state)
{
	uint64_t hash = flow_hash(&key, AFFINITY_NONE, 1, PROTOCOL_TCP, &user, 80);
	struct flow_hash_key other_key;
	struct addr other;

	(void)state;
	flow_hash_init(&other_key, 43);
	assert_true(hash != flow_hash(&other_key, AFFINITY_NONE, 1, PROTOCOL_TCP, &user, 80));
	assert_true(hash != flow_hash(&key, AFFINITY_NONE, 2, PROTOCOL_TCP, &user, 80));
	assert_true(hash != flow_hash(&key, AFFINITY_NONE, 1, PROTOCOL_UDP, &user, 80));
	assert_true(hash != flow_hash(&key, AFFINITY_NONE, 1, PROTOCOL_TCP, &user, 81));
	addr_parse("192.0.2.1:1001", 0, &other);
	assert_true(hash != flow_hash(&key, AFFINITY_NONE, 1, PROTOCOL_TCP, &other, 80));
	addr_parse("192.0.2.2:1000", 0, &other);
	assert_true(hash != flow_hash(&key, AFFINITY_NONE, 1, PROTOCOL_TCP, &other, 80));
	addr_parse("[2001:db8::1]:1000", 0, &other);
	assert_true(hash != flow_hash(&key, AFFINITY_NONE, 1, PROTOCOL_TCP, &other, 80));
}

/* Neighbouring ports must spread: any 2039 of them fill most entries of a Maglev table. */
static void ports_spread(void **state)
{
	unsigned low_half = 0;

	(void)state;
	for (unsigned port = 10000; port < 20000; port++) {
		struct addr at = user;

		at.port = (uint16_t)port;
		low_half += flow_hash(&key, AFFINITY_NONE, 1, PROTOCOL_UDP, &at, 53) % 2039 < 1020;
	}
	assert_in_range(low_half, 4800, 5200);
}

static void affinity_looks_at_the_source_alone(void **state)
{
	uint64_t hash = flow_hash(&key, AFFINITY_SOURCE, 1, PROTOCOL_TCP, &user, 80);
	struct addr other = user;

	(void)state;
	other.port++;
	assert_true(hash == flow_hash(&key, AFFINITY_SOURCE, 1, PROTOCOL_UDP, &other, 81));
	other.ip[3]++;
	assert_true(hash != flow_hash(&key, AFFINITY_SOURCE, 1, PROTOCOL_TCP, &other, 80));
	assert_true(hash != flow_hash(&key, AFFINITY_SOURCE, 2, PROTOCOL_TCP, &user, 80));
}

/* Flows that gave one answer to a question spread evenly over the answers to another one. */
static void answers_are_independent(void **state)
{
	unsigned both = 0, first = 0;

	(void)state;
	for (uint64_t flow = 0; flow < 20000; flow++) {
		bool one = flow_hash_answer(&key, flow, FLOW_TAKES_GROUP, "oslo", 4) % 100 < 30;
		bool two = flow_hash_answer(&key, flow, FLOW_TAKES_GROUP, "rome", 4) % 100 < 30;

		first += one;
		both += one && two;
		assert_true(flow_hash_answer(&key, flow, FLOW_ENDPOINT, NULL, 0)
		            != flow_hash_answer(&key, flow, FLOW_BACKEND, NULL, 0));
	}
	assert_in_range(first, 5700, 6300);
	assert_in_range(both, 1600, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_same_for_the_same),
	    cmocka_unit_test(every_part_counts),
	    cmocka_unit_test(ports_spread),
	    cmocka_unit_test(affinity_looks_at_the_source_alone),
	    cmocka_unit_test(answers_are_independent),
	};

	flow_hash_init(&key, 42);
	addr_parse("192.0.2.1:1000", 0, &user);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
