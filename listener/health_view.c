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

/* A peer told these, and the config has no place for them now; in the order in which they came. */
struct spare {
	char endpoint[NAME_BYTES]; /* all bytes behind the name's end are zero */
	struct place *places;
	UT_hash_handle hh;
};

struct health_view {
	struct place *places; /* what the config has */
	struct spare *spares;
};

static struct place_key key_of(const char *endpoint, uint32_t accelerator)
{
	struct place_key key = {.accelerator = accelerator};

	memcpy(key.endpoint, endpoint, strnlen(endpoint, NAME_BYTES - 1));
	return key;
}

static struct place *find_in(struct place *places, const struct place_key *key)
{
	struct place *place;

	HASH_FIND(hh, places, key, sizeof(*key), place);
	return place;
}

static struct place *place_new(struct place **places, const struct place_key *key)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return NULL;
	place->key = *key;
	HASH_ADD(hh, *places, key, sizeof(place->key), place);
	if (TABLE_HAS(place))
		return place;
	free(place);
	return NULL;
}

static void places_free(struct place **places)
{
	struct place *place, *next;

	HASH_ITER (hh, *places, place, next) {
		HASH_DEL(*places, place);
		free(place);
	}
}

static void copy(struct place *to, const struct place *from)
{
	to->lane = from->lane;
	to->sequence = from->sequence;
	to->state = from->state;
}

/* ---- what the config has not ---- */

static struct spare *find_spare(const struct health_view *view, const struct place_key *key)
{
	struct spare *spare;

	HASH_FIND(hh, view->spares, key->endpoint, sizeof(key->endpoint), spare);
	return spare;
}

static struct spare *spare_new(struct health_view *view, const struct place_key *key)
{
	struct spare *spare = calloc(1, sizeof(*spare));

	if (!spare)
		return NULL;
	memcpy(spare->endpoint, key->endpoint, sizeof(spare->endpoint));
	HASH_ADD(hh, view->spares, endpoint, sizeof(spare->endpoint), spare);
	if (TABLE_HAS(spare))
		return spare;
	free(spare);
	return NULL;
}

static struct place *find(const struct health_view *view, const struct place_key *key)
{
	struct place *place = find_in(view->places, key);
	struct spare *spare = place ? NULL : find_spare(view, key);

	return spare ? find_in(spare->places, key) : place;
}

/* Its oldest one goes when the peer has its share. */
static struct place *add_spare(struct health_view *view, const struct place_key *key)
{
	struct spare *spare = find_spare(view, key);
	struct place *oldest;

	if (!spare && !(spare = spare_new(view, key)))
		return NULL;
	if (HASH_COUNT(spare->places) >= HEALTH_SPARES_MAX) {
		oldest = spare->places;
		HASH_DEL(spare->places, oldest);
		free(oldest);
	}
	return place_new(&spare->places, key);
}

/* 0 as well when it is of no peer, or known already. */
static int keep_spare(
    struct health_view *view, const struct node_config *config, const struct place *old)
{
	struct place *place;

	if (find(view, &old->key) || !node_config_peer(config, old->key.endpoint))
		return 0;
	place = add_spare(view, &old->key);
	if (!place)
		return ERR_NOMEM;
	copy(place, old);
	return 0;
}

static int keep_spares(
    struct health_view *view, const struct node_config *config, const struct health_view *before)
{
	int error = 0;

	for (struct spare *spare = before->spares; spare; spare = spare->hh.next)
		for (struct place *old = spare->places; !error && old; old = old->hh.next)
			error = keep_spare(view, config, old);
	for (struct place *old = before->places; !error && old; old = old->hh.next)
		if (old->lane)
			error = keep_spare(view, config, old);
	return error;
}

/* ---- what it has ---- */

static int add(struct health_view *view, const char *endpoint, uint32_t accelerator,
    const struct health_view *before)
{
	struct place_key key = key_of(endpoint, accelerator);
	struct place *place, *old;

	if (find_in(view->places, &key))
		return 0;
	place = place_new(&view->places, &key);
	if (!place)
		return ERR_NOMEM;
	old = before ? find(before, &key) : NULL;
	if (old)
		copy(place, old);
	return 0;
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
	if (!error && before)
		error = keep_spares(view, config, before);
	if (error) {
		health_view_free(view);
		view = NULL;
	}
	*out = view;
	return error;
}

void health_view_free(struct health_view *view)
{
	struct spare *spare, *next;

	if (!view)
		return;
	places_free(&view->places);
	HASH_ITER (hh, view->spares, spare, next) {
		HASH_DEL(view->spares, spare);
		places_free(&spare->places);
		free(spare);
	}
	free(view);
}

bool health_view_take(struct health_view *view, const char *endpoint, uint32_t accelerator,
    uint64_t lane, uint64_t sequence, enum health_state state)
{
	struct place_key key = key_of(endpoint, accelerator);
	struct place *place = find(view, &key);
	bool has_changed;

	if (!place)
		place = add_spare(view, &key);
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
	struct place_key key = key_of(endpoint, accelerator);
	const struct place *place = find(view, &key);

	return place ? place->state : HEALTH_UNKNOWN;
}
