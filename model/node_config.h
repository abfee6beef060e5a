/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What control compiles for one node: its name and role, the peers it may talk to, and its part of
 * each accelerator.  The node keeps it on disk in the saved form, so that it serves on without
 * control.  Immutable once decoded.
 */
#ifndef MODEL_NODE_CONFIG_H
#define MODEL_NODE_CONFIG_H

#include "base/pin.h"
#include "model/accelerator.h"
#include "model/congestion.h"
#include "model/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum node_role {
	NODE_LISTENER = 1,
	NODE_ENDPOINT = 2,
};

/*
 * Which config is the newer one: first by control's incarnation, which rises with each new
 * database, and when nodes are told to follow one that was restored; then by revision.  A node
 * refuses one that is lower than what it has.
 */
struct config_number {
	uint64_t incarnation, revision; /* below 2^63, because of JSON */
};

/* A node at the other end of a tunnel. */
struct config_peer {
	char name[NAME_BYTES];
	char region[NAME_BYTES];
	uint8_t pin[PIN_BYTES];
	uint8_t door_key[DOOR_KEY_BYTES]; /* of the tunnel between both, the same on each side */
	uint32_t slots;                   /* worker slots of the peer, 1 to SLOTS_MAX */
	struct name *addresses; /* "ADDR:PORT" of an endpoint's tunnel port; none for a listener */
	size_t address_count;
	bool is_traced; /* the tunnel's packets go to a file, see net/trace_file.h */
	char congestion[CONGESTION_TEXT_BYTES]; /* of the tunnel's lanes, see model/congestion.h */
};

/* For a listener: the endpoint nodes of one group, one of which Maglev chooses for a flow. */
struct config_group {
	char region[NAME_BYTES];
	uint8_t traffic_dial_percent; /* as struct endpoint_group has it */
	struct name *endpoints;       /* names of peers, sorted */
	size_t endpoint_count;
};

/*
 * An accelerator as one node needs it.  A listener has groups; an endpoint has backends, and the
 * names of the listeners that may ask for it.
 */
struct config_accelerator {
	uint32_t id;
	char name[NAME_BYTES];
	enum accelerator_protocol protocol;
	struct port_range *ports; /* sorted, disjoint */
	size_t port_count;
	uint32_t tcp_idle_timeout_s;
	uint32_t udp_idle_timeout_s;
	uint32_t udp_flows_per_source;
	uint32_t connect_timeout_ms;
	struct flow_settings flow_settings;
	struct failover failover;
	struct access_lists access; /* of a listener */
	struct accelerator_limits limits;
	enum client_affinity client_affinity;
	/* The first ranked_groups are asked in this order, the others then, nearest first. */
	struct config_group *groups;
	size_t group_count;
	uint32_t ranked_groups;
	struct backend *backends;
	size_t backend_count;
	struct health_check health;
	struct name *listeners; /* names of peers */
	size_t listener_count;
};

struct node_config {
	struct config_number number;
	uint32_t node_id;
	char node_name[NAME_BYTES];
	char region[NAME_BYTES];
	enum node_role role;
	/*
	 * Flows that lose their accelerator or backend by this config, compared with the one in
	 * force before, end after so many seconds; 0 at once.
	 */
	uint32_t drain_s;
	bool
	    is_draining; /* a listener takes no new flows; an endpoint leaves that to its listeners */
	/* Of flow_hash_init() and maglev_build(), the same on all nodes; below 2^63. */
	uint64_t seed;
	struct config_peer *peers;
	size_t peer_count;
	struct config_accelerator *accelerators;
	size_t accelerator_count;
};

/* number, node, peers, accelerators; as MESSAGE_CONFIG carries it. */
extern const struct schema node_config_schema;

/* For schema tables that have a role; index by enum node_role. */
extern const char *const node_role_names[];

/* "listener" or "endpoint". */
const char *node_role_text(enum node_role role);
/* "a listener" or "an endpoint", for sentences. */
const char *node_role_phrase(enum node_role role);
/* ERR_INVALID for any other text. */
int node_role_parse(const char *text, enum node_role *role);

/* < 0, 0 or > 0 as a is older than, the same as, or newer than b. */
int config_number_compare(const struct config_number *a, const struct config_number *b);

void node_config_clear(struct node_config *config);

/*
 * 0 when every name that is referred to is there, and the rest is in range; else ERR_INVALID with
 * *error filled.  Decoding a message or a saved config does this already.
 */
int node_config_validate(const struct node_config *config, struct model_error *error);

/*
 * Drops the peers that `newer` does not know by their pin, wherever they are named: what a node does
 * with a config that it cannot apply otherwise, since a removed node must be gone.  How many.
 */
size_t node_config_drop_peers(struct node_config *config, const struct node_config *newer);

/* The peer or accelerator of that name or id, or NULL. */
const struct config_peer *node_config_peer(const struct node_config *config, const char *name);
const struct config_accelerator *node_config_accelerator(
    const struct node_config *config, uint32_t id);

/* May this listener, known by its peer name, ask this endpoint for the accelerator? */
bool config_accelerator_allows(
    const struct config_accelerator *accelerator, const char *listener_name);

/*
 * The saved form: a line with a BLAKE2b checksum, then the JSON.  *text is NUL-terminated and the
 * caller's to free(); the file must be 0600, as it holds door keys.  ERR_NOMEM.
 */
int node_config_save(const struct node_config *config, char **text, size_t *length);

/*
 * The reverse.  ERR_MALFORMED when checksum or content is wrong, with *error filled;
 * *config is then empty.
 */
int node_config_load(
    const char *text, size_t length, struct node_config *config, struct model_error *error);

/*
 * A fingerprint of all but the number and drain_s: control pushes only when it changed.
 * ERR_NOMEM.
 */
int node_config_fingerprint(const struct node_config *config, uint8_t fingerprint[32]);

#endif
