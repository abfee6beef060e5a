/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See state.h. */
#include "control/state.h"

#include "base/err.h"

#include <stdio.h>
#include <string.h>

json_t *state_with_kind(const char *kind, const json_t *object)
{
	json_t *with = json_pack("{s:s}", "kind", kind);

	json_object_update_missing(with, (json_t *)object);
	return with;
}

json_t *state_tunnel_json(
    const struct installation *installation, const struct tunnel_setting *setting)
{
	const struct node *listener = installation_node_by_id(installation, setting->listener);
	const struct node *endpoint = installation_node_by_id(installation, setting->endpoint);

	return json_pack("{s:s, s:s, s:s, s:b}", "listener", listener ? listener->name : "?",
	    "endpoint", endpoint ? endpoint->name : "?", "congestion", setting->congestion, "trace",
	    setting->is_traced);
}

static void append(json_t *items, const char *kind, json_t *object)
{
	json_array_append_new(items, state_with_kind(kind, object));
	json_decref(object);
}

json_t *state_objects(const struct installation *installation)
{
	json_t *items = json_array();

	for (size_t i = 0; i < installation->accelerator_count; i++)
		append(items, "Accelerator",
		    accelerator_to_json(&installation->accelerators[i].accelerator));
	for (size_t i = 0; i < installation->tunnel_setting_count; i++)
		append(items, "Tunnel",
		    state_tunnel_json(installation, &installation->tunnel_settings[i]));
	return items;
}

/* ---- earlier ones ---- */

struct undoing {
	uint64_t revision; /* the one to go back to */
	uint64_t oldest;   /* seen so far */
	json_t *items, *gone;
};

/* The index of the object of that kind and name, or the array's size. */
static size_t find(const json_t *items, const struct object_kind *kind, const char *name)
{
	char other[OBJECT_NAME_BYTES];
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item)
	{
		const char *its = json_string_value(json_object_get(item, "kind"));

		if (its && strcmp(its, kind->name) == 0
		    && strcmp(object_name(kind, item, other), name) == 0)
			return i;
	}
	return json_array_size(items);
}

static void undo_object(struct undoing *undoing, const json_t *change)
{
	const char *kind_name = json_string_value(json_object_get(change, "kind"));
	const char *name = json_string_value(json_object_get(change, "name"));
	const struct object_kind *kind = kind_name ? object_kind_find(kind_name) : NULL;
	json_t *before = json_object_get(change, "before");
	size_t at;

	if (!kind || !name) {
		if (name && !json_is_object(json_object_get(change, "after")))
			json_array_append_new(undoing->gone, json_string(name));
		return; /* a node, which is not stated: it was removed, or drains */
	}
	at = find(undoing->items, kind, name);
	if (at < json_array_size(undoing->items))
		json_array_remove(undoing->items, at);
	if (json_is_object(before))
		json_array_append_new(undoing->items, state_with_kind(kind->name, before));
}

static int undo(void *context, const struct revision *revision, const json_t *objects)
{
	struct undoing *undoing = context;
	json_t *change;
	size_t i;

	undoing->oldest = revision->number;
	if (revision->number == undoing->revision)
		return 0;
	json_array_foreach(objects, i, change) undo_object(undoing, change);
	return 0;
}

int state_objects_at(struct store *store, const struct installation *installation,
    uint64_t revision, json_t **items, json_t **gone)
{
	struct undoing undoing = {.revision = revision,
	    .oldest = UINT64_MAX,
	    .items = state_objects(installation),
	    .gone = json_array()};
	int result = store_read_revisions(store, revision, installation->revision, undo, &undoing);

	if (result == 0 && undoing.oldest != revision)
		result = ERR_NOT_FOUND;
	if (result < 0) {
		json_decref(undoing.items);
		json_decref(undoing.gone);
		return result;
	}
	*items = undoing.items;
	*gone = undoing.gone;
	return 0;
}
