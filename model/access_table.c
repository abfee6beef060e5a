/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See access_table.h. */
#include "model/access_table.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum { PREFIX_DEPTH_MAX = 129 }; /* blocks nested in each other: one of each length */

/* A place in the order of all addresses: family, then ip. */
struct place {
	uint8_t bytes[17];
};

/* From first on, up to where the next range begins. */
struct range {
	struct place first;
	bool is_allowed;
};

/* Invariant: ranges are sorted, no first stands twice. */
struct access_table {
	bool is_allowed_elsewhere;
	size_t count;
	struct range ranges[];
};

static struct place place_of(uint8_t family, const uint8_t ip[16])
{
	struct place place;

	place.bytes[0] = family;
	memcpy(place.bytes + 1, ip, 16);
	return place;
}

static int compare_places(const struct place *a, const struct place *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* Behind the block's last address; of the last block of a family it is no address at all. */
static struct place place_behind(const struct cidr *cidr)
{
	struct place place = place_of(cidr->family, cidr->ip);
	size_t last = (7u + cidr->bits) / 8; /* the byte with the prefix's last bit */
	unsigned carry = 1u << (8 * (last + 1) - (8u + cidr->bits));

	for (size_t i = last + 1; i-- > 0 && carry;) {
		unsigned sum = place.bytes[i] + carry;

		place.bytes[i] = (uint8_t)sum;
		carry = sum >> 8;
	}
	return place;
}

/* A later answer for the same place is that of a narrower block, or of what is behind more of them. */
static void add_range(struct access_table *table, struct place first, bool is_allowed)
{
	struct range *last = table->count ? &table->ranges[table->count - 1] : NULL;

	if (!last || compare_places(&last->first, &first))
		last = &table->ranges[table->count++];
	*last = (struct range){first, is_allowed};
}

/* The blocks that the sweep is inside of, the narrowest last. */
struct nest {
	const struct access_rule *rules[PREFIX_DEPTH_MAX];
	size_t depth;
};

/* Leaves the blocks that end at `place` or before it. */
static void leave(struct access_table *table, struct nest *nest, const struct place *place)
{
	while (nest->depth > 0) {
		struct place behind = place_behind(&nest->rules[nest->depth - 1]->cidr);

		if (place && compare_places(&behind, place) > 0)
			return;
		nest->depth--;
		add_range(table, behind,
		    nest->depth ? nest->rules[nest->depth - 1]->is_allowed
		                : table->is_allowed_elsewhere);
	}
}

int access_rule_compare(const void *a, const void *b)
{
	const struct access_rule *left = a, *right = b;

	return cidr_compare(&left->cidr, &right->cidr);
}

static void sweep(struct access_table *table, const struct access_rule *rules, size_t count)
{
	struct nest nest = {.depth = 0};

	for (size_t i = 0; i < count; i++) {
		struct place place = place_of(rules[i].cidr.family, rules[i].cidr.ip);

		leave(table, &nest, &place);
		/* One that stands twice has its twin's place. */
		if (nest.depth && !cidr_compare(&nest.rules[nest.depth - 1]->cidr, &rules[i].cidr))
			nest.depth--;
		nest.rules[nest.depth++] = &rules[i];
		add_range(table, place, rules[i].is_allowed);
	}
	leave(table, &nest, NULL);
}

int access_table_new(struct access_table **table, struct access_rule *rules, size_t count)
{
	struct access_table *made =
	    calloc(1, sizeof(*made) + (2 * count + 1) * sizeof(made->ranges[0]));

	*table = made;
	if (!made)
		return ERR_NOMEM;
	made->is_allowed_elsewhere = true;
	for (size_t i = 0; i < count; i++)
		if (rules[i].is_allowed)
			made->is_allowed_elsewhere = false;
	if (count) {
		qsort(rules, count, sizeof(*rules), access_rule_compare);
		sweep(made, rules, count);
	}
	return 0;
}

void access_table_free(struct access_table *table)
{
	free(table);
}

bool access_table_allows(const struct access_table *table, const struct addr *addr)
{
	struct place place = place_of(addr->family, addr->ip);
	size_t low = 0, high = table ? table->count : 0;

	if (!table)
		return true;
	while (low < high) { /* the ranges before low begin at the place or before it */
		size_t middle = low + (high - low) / 2;

		if (compare_places(&table->ranges[middle].first, &place) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? table->ranges[low - 1].is_allowed : table->is_allowed_elsewhere;
}
