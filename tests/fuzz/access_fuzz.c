/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of blocks: each line is a block, behind '+' when it is allowed and '-' when it is denied.
 * What is taken, written out again, is taken as the same; the table answers as one that looks at
 * every rule would, at the edges of all blocks.
 */
#include "model/access_table.h"
#include "tests/fuzz/require.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE_BYTES = 80, RULES_MAX = 64 };

struct list {
	struct access_rule rules[RULES_MAX];
	size_t count;
};

static void take(struct list *list, const char *line)
{
	char written[CIDR_TEXT_BYTES], fix[CIDR_FIX_BYTES] = "";
	struct cidr cidr, again;

	if (cidr_parse(line + 1, &cidr, fix) < 0) {
		require(fix[0] && strlen(fix) < sizeof(fix));
		return;
	}
	require(cidr.family == 4 ? cidr.bits <= 32 : cidr.family == 6 && cidr.bits <= 128);
	cidr_format(&cidr, written);
	require(cidr_parse(written, &again, NULL) == 0 && cidr_compare(&cidr, &again) == 0);
	for (size_t i = 0; i < list->count; i++)
		if (cidr_compare(&list->rules[i].cidr, &cidr) == 0)
			return;
	if (list->count < RULES_MAX)
		list->rules[list->count++] = (struct access_rule){cidr, line[0] == '+'};
}

static bool slowly(const struct list *list, const struct addr *addr)
{
	bool has_allowed = false, answer = false;
	int longest = -1;

	for (size_t i = 0; i < list->count; i++) {
		const struct access_rule *rule = &list->rules[i];

		has_allowed = has_allowed || rule->is_allowed;
		if (cidr_contains(&rule->cidr, addr) && rule->cidr.bits > longest) {
			longest = rule->cidr.bits;
			answer = rule->is_allowed;
		}
	}
	return longest < 0 ? !has_allowed : answer;
}

static void step(struct addr *addr, int by)
{
	int last = addr->family == 4 ? 3 : 15;

	for (int i = last, carry = by; i >= 0 && carry; i--) {
		int sum = addr->ip[i] + carry;

		addr->ip[i] = (uint8_t)sum;
		carry = sum < 0 ? -1 : sum > 255 ? 1 : 0;
	}
}

static void look(const struct access_table *table, const struct list *list, struct addr addr)
{
	require(access_table_allows(table, &addr) == slowly(list, &addr));
	step(&addr, -1);
	require(access_table_allows(table, &addr) == slowly(list, &addr));
	step(&addr, 2);
	require(access_table_allows(table, &addr) == slowly(list, &addr));
}

/* Its first and its last address, and those beside them. */
static void look_at_edges(
    const struct access_table *table, const struct list *list, const struct cidr *cidr)
{
	struct addr addr = {.family = cidr->family, .port = 7};
	unsigned width = cidr->family == 4 ? 32 : 128;

	memcpy(addr.ip, cidr->ip, sizeof(addr.ip));
	look(table, list, addr);
	for (unsigned i = cidr->bits; i < width; i++)
		addr.ip[i / 8] |= (uint8_t)(0x80 >> i % 8);
	look(table, list, addr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct list list = {.count = 0}, before;
	struct access_table *table;
	char line[LINE_BYTES];

	for (size_t at = 0; at < size;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t length = end ? (size_t)(end - data) - at : size - at;

		if (length > 0 && length < sizeof(line)) {
			memcpy(line, data + at, length);
			line[length] = '\0';
			take(&list, line);
		}
		at += length + 1;
	}
	before = list;
	require(access_table_new(&table, list.rules, list.count) == 0);
	for (size_t i = 0; i < before.count; i++)
		look_at_edges(table, &before, &before.rules[i].cidr);
	access_table_free(table);
	return 0;
}
