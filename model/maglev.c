/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See maglev.h. */
#include "model/maglev.h"

#include "base/err.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A member's walk through the table: offset, offset + skip, offset + 2 skip, ... mod entries. */
struct walker {
	const char *name;
	uint16_t index; /* in the caller's list */
	uint32_t at, skip;
	uint32_t quota;     /* entries that are to be its own */
	uint64_t remainder; /* of the quota's division */
	uint64_t credit;    /* towards its next turn */
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct walker *)a)->name, ((const struct walker *)b)->name);
}

static int by_remainder(const void *a, const void *b)
{
	const struct walker *left = a, *right = b;

	if (left->remainder != right->remainder)
		return left->remainder > right->remainder ? -1 : 1;
	return by_name(a, b);
}

static void start_walk(struct walker *walker, uint32_t entries, uint64_t seed)
{
	uint8_t key[crypto_shorthash_KEYBYTES] = "maglev  ", digest[crypto_shorthash_BYTES];
	uint64_t hash = 0;

	for (int i = 0; i < 8; i++)
		key[8 + i] = (uint8_t)(seed >> 8 * i);
	crypto_shorthash(digest, (const uint8_t *)walker->name, strlen(walker->name), key);
	for (int i = 0; i < 8; i++)
		hash |= (uint64_t)digest[i] << 8 * i;
	walker->at = (uint32_t)(hash & 0xffffffff) % entries;
	walker->skip = (uint32_t)(hash >> 32) % (entries - 1) + 1;
}

static bool has_twins(const struct walker *walkers, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (strcmp(walkers[i - 1].name, walkers[i].name) == 0)
			return true;
	}
	return false;
}

/* Entries by weight; what division leaves over goes to the largest remainders. Ends in order of names. */
static void share_out(
    struct walker *walkers, size_t count, const struct maglev_member *members, uint32_t entries)
{
	uint64_t total = 0;
	uint32_t left = entries;

	for (size_t i = 0; i < count; i++)
		total += members[walkers[i].index].weight;
	for (size_t i = 0; i < count; i++) {
		uint64_t product = (uint64_t)entries * members[walkers[i].index].weight;

		walkers[i].quota = (uint32_t)(product / total);
		walkers[i].remainder = product % total;
		left -= walkers[i].quota;
	}
	qsort(walkers, count, sizeof(*walkers), by_remainder);
	for (size_t i = 0; i < left; i++)
		walkers[i].quota++;
	qsort(walkers, count, sizeof(*walkers), by_name);
}

/* Takes the next free entry of the member's walk. */
static void take(struct maglev *table, struct walker *walker, bool *taken)
{
	while (taken[walker->at])
		walker->at = (walker->at + walker->skip) % table->entry_count;
	taken[walker->at] = true;
	table->entries[walker->at] = walker->index;
}

/* Members take turns, in each round as often as their quotas compare with the largest. */
static void fill(struct maglev *table, struct walker *walkers, size_t count, bool *taken)
{
	uint32_t largest = 0;

	for (size_t i = 0; i < count; i++)
		largest = walkers[i].quota > largest ? walkers[i].quota : largest;
	for (uint32_t round = 0; round < largest; round++) {
		for (size_t i = 0; i < count; i++) {
			walkers[i].credit += walkers[i].quota;
			if (walkers[i].credit < largest)
				continue;
			walkers[i].credit -= largest;
			take(table, &walkers[i], taken);
		}
	}
}

/* `walkers` has those of weight above 0. */
static int build(struct maglev *table, struct walker *walkers, size_t walker_count,
    const struct maglev_member *members, size_t count, uint64_t seed)
{
	uint32_t entries = count <= MAGLEV_MEMBERS ? MAGLEV_ENTRIES : MAGLEV_LARGE_ENTRIES;
	bool *taken;

	if (walker_count == 1) {
		*table = (struct maglev){.member_count = 1, .only = walkers[0].index};
		return 0;
	}
	taken = calloc(entries, sizeof(*taken));
	*table = (struct maglev){.entries = calloc(entries, sizeof(*table->entries)),
	    .entry_count = entries,
	    .member_count = (uint16_t)walker_count};
	if (!taken || !table->entries) {
		free(taken);
		maglev_clear(table);
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < walker_count; i++)
		start_walk(&walkers[i], entries, seed);
	share_out(walkers, walker_count, members, entries);
	fill(table, walkers, walker_count, taken);
	free(taken);
	return 0;
}

int maglev_build(
    struct maglev *table, const struct maglev_member *members, size_t count, uint64_t seed)
{
	struct walker *walkers;
	size_t walking = 0;
	int result = ERR_INVALID;

	*table = (struct maglev){0};
	if (count > MAGLEV_MEMBERS_MAX)
		return ERR_LIMIT;
	walkers = calloc(count + 1, sizeof(*walkers));
	if (!walkers)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		if (members[i].weight > MAGLEV_WEIGHT_MAX)
			goto out;
		if (members[i].weight > 0)
			walkers[walking++] =
			    (struct walker){.name = members[i].name, .index = (uint16_t)i};
	}
	/* Turns go by name, so that the table does not depend on the order given. */
	qsort(walkers, walking, sizeof(*walkers), by_name);
	if (walking > 0 && !has_twins(walkers, walking))
		result = build(table, walkers, walking, members, count, seed);
out:
	free(walkers);
	return result;
}

void maglev_clear(struct maglev *table)
{
	free(table->entries);
	*table = (struct maglev){0};
}
