/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See health_view.h. */
#include "listener/health_view.h"

#include "base/err.h"
#include "base/table.h"

#include <stdlib.h>
#include <string.h>

/* All bytes behind the name's end are zero. */
struct place_key {
	uint32_t accelerator;
	char endpoint[NAME_BYTES];
};

struct place {
	struct place_key key;
	uint64_t lane, sequence;
	enum health_state state;
	UT_hash_handle hh;
};

struct health_view {
	struct place *places;
};

static struct place *find(
    const struct health_view *view, const char *endpoint, uint32_t accelerator)
{
	struct place_key key = {.accelerator = accelerator};
	struct place *place;

	memcpy(key.endpoint, endpoint, strnlen(endpoint, NAME_BYTES - 1));
	HASH_FIND(hh, view->places, &key, sizeof(key), place);
	return place;
}

static int add(struct health_view *view, const char *endpoint, uint32_t accelerator,
    const struct health_view *before)
{
	struct place *place, *old;

	if (find(view, endpoint, accelerator))
		return 0;
	place = calloc(1, sizeof(*place));
	if (!place)
		return ERR_NOMEM;
	old = before ? find(before, endpoint, accelerator) : NULL;
	if (old) {
		place->lane = old->lane;
		place->sequence = old->sequence;
		place->state = old->state;
	}
	place->key.accelerator = accelerator;
	memcpy(place->key.endpoint, endpoint, strnlen(endpoint, NAME_BYTES - 1));
	HASH_ADD(hh, view->places, key, sizeof(place->key), place);
	if (TABLE_HAS(place))
		return 0;
	free(place);
	return ERR_NOMEM;
}

static int add_accelerator(struct health_view *view, const struct config_accelerator *accelerator,
    const struct health_view *before)
{
	int error = 0;

	for (size_t g = 0; !error && g < accelerator->group_count; g++) {
		const struct config_group *group = &accelerator->groups[g];

		for (size_t i = 0; !error && i < group->endpoint_count; i++)
			error = add(view, group->endpoints[i].text, accelerator->id, before);
	}
	return error;
}

int health_view_new(
    struct health_view **out, const struct node_config *config, const struct health_view *before)
{
	struct health_view *view = calloc(1, sizeof(*view));
	int error = view ? 0 : ERR_NOMEM;

	for (size_t i = 0; !error && i < config->accelerator_count; i++)
		error = add_accelerator(view, &config->accelerators[i], before);
	if (error) {
		health_view_free(view);
		view = NULL;
	}
	*out = view;
	return error;
}

void health_view_free(struct health_view *view)
{
	struct place *place, *next;

	if (!view)
		return;
	HASH_ITER (hh, view->places, place, next) {
		HASH_DEL(view->places, place);
		free(place);
	}
	free(view);
}

bool health_view_take(struct health_view *view, const char *endpoint, uint32_t accelerator,
    uint64_t lane, uint64_t sequence, enum health_state state)
{
	struct place *place = find(view, endpoint, accelerator);
	bool has_changed;

	if (!place || (place->lane == lane && sequence <= place->sequence))
		return false;
	has_changed = place->state != state;
	place->lane = lane;
	place->sequence = sequence;
	place->state = state;
	return has_changed;
}

enum health_state health_view_of(
    const struct health_view *view, const char *endpoint, uint32_t accelerator)
{
	const struct place *place = find(view, endpoint, accelerator);

	return place ? place->state : HEALTH_UNKNOWN;
}
