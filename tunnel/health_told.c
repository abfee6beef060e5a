/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See health_told.h. */
#include "config.h"

#include "tunnel/health_told.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ITEMS = 16 };

void health_told_clear(struct health_told *told)
{
	free(told->items);
	*told = (struct health_told){0};
}

/* Where the accelerator is, or would be. */
static size_t place_of(const struct health_told *told, uint32_t accelerator)
{
	size_t low = 0, high = told->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (told->items[middle].accelerator < accelerator)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct told_health *find(struct health_told *told, uint32_t accelerator)
{
	size_t place = place_of(told, accelerator);

	if (place == told->count || told->items[place].accelerator != accelerator)
		return NULL;
	return &told->items[place];
}

static int add(struct health_told *told, uint32_t accelerator, struct told_health **item)
{
	size_t place = place_of(told, accelerator);

	if (told->count >= HEALTH_TOLD_MAX)
		return ERR_LIMIT;
	if (told->count == told->allocated) {
		size_t wanted = told->allocated ? 2 * told->allocated : FIRST_ITEMS;
		struct told_health *grown = reallocarray(told->items, wanted, sizeof(*grown));

		if (!grown)
			return ERR_NOMEM;
		told->items = grown;
		told->allocated = wanted;
	}
	memmove(&told->items[place + 1], &told->items[place],
	    (told->count - place) * sizeof(*told->items));
	told->count++;
	told->items[place] = (struct told_health){.accelerator = accelerator};
	*item = &told->items[place];
	return 0;
}

static void set_pending(struct health_told *told, struct told_health *item)
{
	told->pending += !item->is_pending;
	item->is_pending = true;
}

int health_told_set(struct health_told *told, uint32_t accelerator, uint8_t state)
{
	struct told_health *item = find(told, accelerator);
	int error = 0;

	if (item && item->state == state)
		return 0;
	if (!item)
		error = add(told, accelerator, &item);
	if (error)
		return error;
	item->state = state;
	item->sequence = ++told->sequence;
	set_pending(told, item);
	return 0;
}

void health_told_forget(struct health_told *told, uint32_t accelerator)
{
	struct told_health *item = find(told, accelerator);

	if (!item)
		return;
	told->pending -= item->is_pending;
	told->count--;
	memmove(item, item + 1, (size_t)(told->items + told->count - item) * sizeof(*item));
}

const struct told_health *health_told_next(struct health_told *told)
{
	for (size_t i = 0; told->pending && i < told->count; i++) {
		struct told_health *item = &told->items[told->next++ % told->count];

		if (!item->is_pending)
			continue;
		item->is_pending = false;
		told->pending--;
		return item;
	}
	return NULL;
}

void health_told_on_lost(struct health_told *told, uint32_t accelerator, uint64_t sequence)
{
	struct told_health *item = find(told, accelerator);

	if (item && item->sequence == sequence)
		set_pending(told, item);
}
