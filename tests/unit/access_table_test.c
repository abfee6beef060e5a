/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of model/access_table.c: the longest prefix, where nothing matches, and a slow table beside it. */
#include "tests/unit/cmocka_all.h"

#include "model/access_table.h"

#include <stdlib.h>
#include <string.h>

enum { RULES = 200, ROUNDS = 300, LOOKS = 300 };

static struct access_rule rules[RULES];
static size_t count;
static struct access_table *table;

static int clear(void **state)
{
	(void)state;
	access_table_free(table);
	table = NULL;
	count = 0;
	return 0;
}

static void rule(const char *block, bool is_allowed)
{
	assert_int_equal(cidr_parse(block, &rules[count].cidr, NULL), 0);
	rules[count++].is_allowed = is_allowed;
}

static void build(void)
{
	assert_int_equal(access_table_new(&table, rules, count), 0);
}

static bool allows(const char *address)
{
	struct addr addr;

	assert_int_equal(addr_parse(address, 80, &addr), 0);
	return access_table_allows(table, &addr);
}

static void without_rules_all_may(void **state)
{
	(void)state;
	assert_true(allows("192.0.2.1"));
	build();
	assert_true(allows("192.0.2.1"));
	assert_true(allows("2001:db8::1"));
}

/* With one allowed block the others are strangers, of the other family too. */
static void where_nothing_matches(void **state)
{
	(void)state;
	rule("10.0.0.0/8", false);
	build();
	assert_false(allows("10.1.2.3"));
	assert_true(allows("11.0.0.0"));
	assert_true(allows("9.255.255.255"));
	assert_true(allows("::1"));
	clear(state);
	rule("10.0.0.0/8", true);
	build();
	assert_true(allows("10.1.2.3"));
	assert_false(allows("11.0.0.0"));
	assert_false(allows("::1"));
}

static void the_longest_prefix_decides(void **state)
{
	(void)state;
	rule("10.1.0.0/16", false);
	rule("10.1.2.0/24", true);
	rule("10.0.0.0/8", true);
	rule("10.1.2.3", false);
	rule("2001:db8::/32", true);
	rule("2001:db8::/33", false);
	build();
	assert_true(allows("10.0.0.0"));
	assert_false(allows("10.1.0.0"));
	assert_true(allows("10.1.2.2"));
	assert_false(allows("10.1.2.3"));
	assert_false(allows("::ffff:10.1.2.3"));
	assert_true(allows("10.1.2.4"));
	assert_true(allows("10.1.2.255"));
	assert_false(allows("10.1.3.0"));
	assert_false(allows("10.1.255.255"));
	assert_true(allows("10.2.0.0"));
	assert_true(allows("10.255.255.255"));
	assert_false(allows("11.0.0.0"));
	assert_false(allows("2001:db8::1"));
	assert_true(allows("2001:db8:8000::"));
	assert_false(allows("2001:db9::"));
}

/* The last address of a family has none behind it. */
static void edges_of_the_families(void **state)
{
	(void)state;
	rule("255.255.255.255", true);
	rule("128.0.0.0/1", false);
	rule("0.0.0.0/0", true);
	rule("::/0", false);
	rule("ffff::/16", true);
	build();
	assert_true(allows("0.0.0.0"));
	assert_false(allows("255.255.255.254"));
	assert_true(allows("255.255.255.255"));
	assert_false(allows("::"));
	assert_true(allows("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
}

static void all_lengths_nested(void **state)
{
	struct addr addr = {.family = 6};

	(void)state;
	for (unsigned bits = 0; bits <= 128; bits++) {
		rules[count].cidr = (struct cidr){.family = 6, .bits = (uint8_t)bits};
		rules[count++].is_allowed = bits % 2;
	}
	build();
	for (unsigned bits = 0; bits < 128; bits++) { /* the first set bit ends the prefix */
		memset(addr.ip, 0, sizeof(addr.ip));
		addr.ip[bits / 8] = (uint8_t)(0x80 >> bits % 8);
		assert_int_equal(access_table_allows(table, &addr), bits % 2);
	}
}

/* ---- beside a table that looks at every rule ---- */

static unsigned long seed = 1;

static unsigned draw(unsigned below)
{
	seed = (seed * 6364136223846793005ul + 1442695040888963407ul);
	return (unsigned)(seed >> 33) % below;
}

/* Few values, so that blocks nest and touch. */
static struct cidr draw_cidr(void)
{
	static const uint8_t values[] = {0, 1, 0x80, 0xfe, 0xff};
	bool is_ipv4 = draw(2);
	struct cidr cidr = {.family = is_ipv4 ? 4 : 6, .bits = (uint8_t)draw(is_ipv4 ? 33 : 129)};

	for (unsigned i = 0; i < cidr.bits; i++) {
		uint8_t byte = values[draw(5)];

		cidr.ip[i / 8] |= (uint8_t)(byte & 0x80 >> i % 8);
	}
	return cidr;
}

static bool slowly(const struct addr *addr)
{
	int longest = -1;
	bool has_allowed = false, answer = false;

	for (size_t i = 0; i < count; i++) {
		has_allowed = has_allowed || rules[i].is_allowed;
		if (cidr_contains(&rules[i].cidr, addr) && rules[i].cidr.bits > longest) {
			longest = rules[i].cidr.bits;
			answer = rules[i].is_allowed;
		}
	}
	return longest < 0 ? !has_allowed : answer;
}

static bool is_there(const struct cidr *cidr)
{
	for (size_t i = 0; i < count; i++)
		if (cidr_compare(&rules[i].cidr, cidr) == 0)
			return true;
	return false;
}

static void as_a_slow_table(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		size_t wanted = draw(RULES);
		bool is_mixed = draw(4);

		clear(state);
		for (size_t i = 0; i < wanted; i++) {
			rules[count].cidr = draw_cidr();
			rules[count].is_allowed = is_mixed && draw(2);
			if (!is_there(&rules[count].cidr))
				count++;
		}
		build();
		for (int look = 0; look < LOOKS; look++) {
			struct cidr near =
			    count && draw(4) ? rules[draw((unsigned)count)].cidr : draw_cidr();
			struct addr addr = {.family = near.family, .port = 9, .scope = draw(2)};

			memcpy(addr.ip, near.ip, sizeof(addr.ip));
			if (draw(2))
				addr.ip[draw(near.family == 4 ? 4 : 16)] ^= (uint8_t)(1 << draw(8));
			if (access_table_allows(table, &addr) != slowly(&addr))
				fail_msg("round %d look %d", round, look);
		}
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, clear)
	const struct CMUnitTest tests[] = {
	    TEST(without_rules_all_may),
	    TEST(where_nothing_matches),
	    TEST(the_longest_prefix_decides),
	    TEST(edges_of_the_families),
	    TEST(all_lengths_nested),
	    TEST(as_a_slow_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
