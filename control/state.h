/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What people have stated, as objects (model/objects.h): as it is now, and as it was after an
 * earlier revision.
 */
#ifndef CONTROL_STATE_H
#define CONTROL_STATE_H

#include "control/installation.h"
#include "control/store.h"
#include "model/objects.h"

/* A tunnel's setting in the form of its kind, without `kind`; a new reference or NULL. */
json_t *state_tunnel_json(
    const struct installation *installation, const struct tunnel_setting *setting);

/* All objects, each with its `kind` first: accelerators by name, then tunnels.  A new array. */
json_t *state_objects(const struct installation *installation);

/*
 * The objects as they were after that revision, by undoing the later ones: a new array in *items,
 * and in *gone the names of nodes that were removed since (which does not undo).
 * ERR_NOT_FOUND when the revision is none, or so old that later ones are forgotten; ERR_IO.
 */
int state_objects_at(struct store *store, const struct installation *installation,
    uint64_t revision, json_t **items, json_t **gone);

/* A copy of the object with its kind before its fields; a new reference. */
json_t *state_with_kind(const char *kind, const json_t *object);

#endif
