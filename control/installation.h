/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A snapshot of what control knows for good: nodes and accelerators, as the store has them.  It is
 * replaced as a whole after each committed change; what comes and goes by the second (who is
 * connected, what was measured) is elsewhere, by node id.
 */
#ifndef CONTROL_INSTALLATION_H
#define CONTROL_INSTALLATION_H

#include "base/pin.h"
#include "model/accelerator.h"
#include "model/node_config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ENDPOINT_SECRET_BYTES = 32 };

struct node {
	uint32_t id; /* never used again for another */
	char name[NAME_BYTES];
	enum node_role role;
	char region[NAME_BYTES];
	uint8_t pin[PIN_BYTES];
	uint8_t door_secret[ENDPOINT_SECRET_BYTES]; /* endpoint: door keys are made from it */
	struct name addresses[NODE_ADDRESSES_MAX];
	size_t address_count;
	uint32_t slots;
	char version[VERSION_BYTES];
	bool is_draining;                 /* an operator said that it is to take no new flows */
	uint64_t joined_ms, last_seen_ms; /* UNIX time; last_seen_ms as of the last connection */
};

struct stored_accelerator {
	struct accelerator accelerator; /* validated */
	uint64_t revision;              /* the change that last touched it */
};

/* What an operator set for a tunnel; kept while both nodes are, though they may have no tunnel now. */
struct tunnel_setting {
	uint32_t listener, endpoint; /* ids of nodes */
	char congestion[CONGESTION_TEXT_BYTES];
	bool is_traced;    /* both nodes write each packet of its lanes to a file */
	uint64_t revision; /* the change that last touched it; 0 while it is as by default */
};

/* A change that is undone by itself unless somebody confirms it in time. */
struct confirmation {
	uint64_t revision;    /* 0: none waits */
	uint64_t back_to;     /* the revision before it */
	uint64_t deadline_ms; /* UNIX time */
	uint64_t window_s;
};

struct installation {
	uint64_t
	    incarnation;   /* of the database, and of each time that nodes are to follow it anew */
	uint64_t revision; /* the newest change, 0 before the first */
	uint64_t seed;
	struct node *nodes; /* by name */
	size_t node_count;
	struct stored_accelerator *accelerators; /* by name */
	size_t accelerator_count;
	struct tunnel_setting *tunnel_settings; /* in no order, one a tunnel at most */
	size_t tunnel_setting_count;
	struct confirmation confirmation;
	/*
	 * UNIX time of the backup from which the database was restored, 0 when it was not, or when
	 * nodes were told since to follow it (adopt.h).
	 */
	uint64_t restored_from_ms;
	uint64_t compile_format; /* see recompile.h; 0 of a database older than that */
};

void installation_clear(struct installation *installation);

/* NULL when there is none. */
const struct node *installation_node(const struct installation *installation, const char *name);
const struct node *installation_node_by_id(const struct installation *installation, uint32_t id);
const struct node *installation_node_by_pin(
    const struct installation *installation, const uint8_t pin[PIN_BYTES]);
const struct stored_accelerator *installation_accelerator(
    const struct installation *installation, const char *name);

const struct accelerator *installation_accelerator_by_id(
    const struct installation *installation, uint32_t id);

/* Does the accelerator listen in that region?  Has it backends there? */
bool accelerator_listens_in(const struct accelerator *accelerator, const char *region);
const struct endpoint_group *accelerator_group_in(
    const struct accelerator *accelerator, const char *region);

/* Do a listener and an endpoint share an accelerator, that is: is there to be a tunnel? */
bool installation_has_tunnel(const struct installation *installation, const struct node *listener,
    const struct node *endpoint);

/* Is it what a tunnel has for which nothing was set? */
bool tunnel_setting_is_default(const struct tunnel_setting *setting);

/* What the same tunnel has when nothing is set. */
struct tunnel_setting installation_tunnel_default(const struct tunnel_setting *setting);

/* What was set for the tunnel, else CONGESTION_DEFAULT and no trace; the ids are the nodes'. */
struct tunnel_setting installation_tunnel(const struct installation *installation,
    const struct node *listener, const struct node *endpoint);

#endif
