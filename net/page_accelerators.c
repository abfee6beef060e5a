/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See page_accelerators.h.  Open addressing: an id is sought from its own place on, up to the first free
 * one.  No place becomes free again, so nothing that is there is ever missed.
 */
#include "net/page_accelerators.h"

#include <string.h>

#define COUNTER false
#define GAUGE   true
const struct accelerator_value_description accelerator_values[ACCELERATOR_VALUE_COUNT] = {
#define X(name, kind, metric, protocol, reason, help) {metric, protocol, reason, help, kind},
    ACCELERATOR_VALUES(X)
#undef X
};
#undef COUNTER
#undef GAUGE

/* The place of the id, or the free one where it belongs; NULL when it is not there and all are taken. */
static const struct page_accelerator *find(const struct page_accelerators *table, uint32_t id)
{
	for (size_t i = 0; i < PAGE_ACCELERATORS; i++) {
		const struct page_accelerator *place = &table->list[(id + i) % PAGE_ACCELERATORS];
		uint32_t there = __atomic_load_n(&place->id, __ATOMIC_ACQUIRE);

		if (there == id || there == 0)
			return place;
	}
	return NULL;
}

/* One whose accelerator is gone: the nearest to where find() begins. */
static struct page_accelerator *find_gone(
    struct page_accelerators *table, uint32_t id, const struct node_config *config)
{
	for (size_t i = 0; i < PAGE_ACCELERATORS; i++) {
		struct page_accelerator *place = &table->list[(id + i) % PAGE_ACCELERATORS];

		if (!node_config_accelerator(config, place->id))
			return place;
	}
	return NULL;
}

struct page_accelerator *page_accelerator(
    struct page_accelerators *table, uint32_t id, const struct node_config *config)
{
	struct page_accelerator *place = (struct page_accelerator *)find(table, id);

	if (place && place->id == id && id)
		return place;
	if (!node_config_accelerator(config, id))
		return &table->others;
	if (!place)
		place = find_gone(table, id, config);
	if (!place)
		return &table->others;
	memset(place->values, 0, sizeof(place->values));
	__atomic_store_n(&place->id, id, __ATOMIC_RELEASE);
	return place;
}

void page_accelerators_clear(struct page_accelerators *table)
{
	for (size_t i = 0; i < PAGE_ACCELERATORS; i++) {
		for (size_t value = 0; value < ACCELERATOR_VALUE_COUNT; value++)
			if (accelerator_values[value].is_gauge)
				table->list[i].values[value] = 0;
	}
}

uint64_t page_accelerators_value(
    const struct page_accelerators *table, uint32_t id, enum accelerator_value value)
{
	const struct page_accelerator *place = find(table, id);

	if (!place || !id || __atomic_load_n(&place->id, __ATOMIC_RELAXED) != id)
		return 0;
	return __atomic_load_n(&place->values[value], __ATOMIC_RELAXED);
}
