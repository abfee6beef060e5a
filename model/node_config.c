/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See node_config.h.  The saved form is in node_config_file.c. */
#include "model/node_config.h"

#include "base/err.h"
#include "model/name.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const node_role_names[] = {"", "listener", "endpoint", NULL};

static const char *check_name(const void *value)
{
	return name_is_valid(value) ? NULL : "must be " NAME_RULE;
}

static const char *check_role(const void *value)
{
	return *(const enum node_role *)value ? NULL : "must be listener or endpoint";
}

static const char *check_protocol(const void *value)
{
	return *(const enum accelerator_protocol *)value ? NULL : "must be tcp, udp or tcp+udp";
}

static const char *check_address(const void *value)
{
	struct addr addr;

	return addr_parse(value, 0, &addr) == 0 && addr.port ? NULL : "must be ADDR:PORT";
}

static const struct schema_field peer_fields[] = {
    {SCHEMA_MEMBER("name", struct config_peer, name), .type = SCHEMA_TEXT, .is_required = true,
        .check = check_name},
    {SCHEMA_MEMBER("region", struct config_peer, region), .type = SCHEMA_TEXT, .is_required = true,
        .check = check_name},
    {SCHEMA_MEMBER("pin", struct config_peer, pin), .type = SCHEMA_BASE64, .is_required = true},
    {SCHEMA_MEMBER("door_key", struct config_peer, door_key), .type = SCHEMA_BASE64,
        .is_required = true, .is_secret = true},
    {SCHEMA_MEMBER("slots", struct config_peer, slots), .type = SCHEMA_U32, .is_required = true,
        .min = 1, .max = SLOTS_MAX},
    {SCHEMA_ARRAY("addresses", struct config_peer, addresses, address_count), .type = SCHEMA_TEXT,
        .max_items = NODE_ADDRESSES_MAX, .check = check_address},
    {SCHEMA_MEMBER("trace", struct config_peer, is_traced), .type = SCHEMA_BOOL},
    {SCHEMA_MEMBER("congestion", struct config_peer, congestion), .type = SCHEMA_TEXT,
        .default_text = CONGESTION_DEFAULT, .check = congestion_check},
};
static const struct schema peer_schema = SCHEMA(struct config_peer, peer_fields);

static const struct schema_field range_fields[] = {
    {SCHEMA_MEMBER("first", struct port_range, first), .type = SCHEMA_U16, .is_required = true,
        .min = 1, .max = 65535},
    {SCHEMA_MEMBER("last", struct port_range, last), .type = SCHEMA_U16, .is_required = true,
        .min = 1, .max = 65535},
};
static const struct schema range_schema = SCHEMA(struct port_range, range_fields);

static const struct schema_field group_fields[] = {
    {SCHEMA_MEMBER("region", struct config_group, region), .type = SCHEMA_TEXT, .is_required = true,
        .check = check_name},
    {SCHEMA_MEMBER("traffic_dial_percent", struct config_group, traffic_dial_percent),
        .type = SCHEMA_U8, .max = 100, .default_number = TRAFFIC_DIAL_DEFAULT_PERCENT},
    {SCHEMA_ARRAY("endpoints", struct config_group, endpoints, endpoint_count), .type = SCHEMA_TEXT,
        .max_items = NODES_MAX, .check = check_name},
};
static const struct schema group_schema = SCHEMA(struct config_group, group_fields);

static const struct schema_field backend_fields[] = {
    {SCHEMA_MEMBER("host", struct backend, host), .type = SCHEMA_TEXT, .is_required = true,
        .min = 1},
    {SCHEMA_MEMBER("port", struct backend, port), .type = SCHEMA_U16},
    {SCHEMA_MEMBER("weight", struct backend, weight), .type = SCHEMA_U32, .is_required = true,
        .max = BACKEND_WEIGHT_MAX},
};
static const struct schema backend_schema = SCHEMA(struct backend, backend_fields);

static const struct schema_field accelerator_fields[] = {
    {SCHEMA_MEMBER("id", struct config_accelerator, id), .type = SCHEMA_U32, .is_required = true,
        .min = 1},
    {SCHEMA_MEMBER("name", struct config_accelerator, name), .type = SCHEMA_TEXT,
        .is_required = true, .check = check_name},
    {SCHEMA_MEMBER("protocol", struct config_accelerator, protocol), .type = SCHEMA_ENUM,
        .is_required = true, .names = protocol_names, .check = check_protocol},
    {SCHEMA_ARRAY("ports", struct config_accelerator, ports, port_count), .type = SCHEMA_STRUCT,
        .schema = &range_schema, .is_required = true, .min_items = 1,
        .max_items = ACCELERATOR_RANGES_MAX},
    {SCHEMA_MEMBER("tcp_idle_timeout_s", struct config_accelerator, tcp_idle_timeout_s),
        .type = SCHEMA_U32, .is_required = true, .min = 1, .max = TCP_IDLE_TIMEOUT_MAX_S},
    {SCHEMA_MEMBER("udp_idle_timeout_s", struct config_accelerator, udp_idle_timeout_s),
        .type = SCHEMA_U32, .is_required = true, .min = 1, .max = UDP_IDLE_TIMEOUT_MAX_S},
    {SCHEMA_MEMBER("udp_flows_per_source", struct config_accelerator, udp_flows_per_source),
        .type = SCHEMA_U32, .is_required = true, .min = 1, .max = UDP_FLOWS_PER_SOURCE_MAX},
    {SCHEMA_MEMBER("connect_timeout_ms", struct config_accelerator, connect_timeout_ms),
        .type = SCHEMA_U32, .min = 1, .max = 600000, .default_number = CONNECT_TIMEOUT_DEFAULT_MS},
    FLOW_SETTINGS_FIELDS(struct config_accelerator),
    FAILOVER_FIELDS(struct config_accelerator),
    ACCESS_FIELDS(struct config_accelerator),
    ACCELERATOR_LIMITS_FIELD(struct config_accelerator),
    {SCHEMA_ARRAY("groups", struct config_accelerator, groups, group_count), .type = SCHEMA_STRUCT,
        .schema = &group_schema, .max_items = GROUPS_MAX},
    {SCHEMA_MEMBER("ranked_groups", struct config_accelerator, ranked_groups), .type = SCHEMA_U32,
        .max = GROUPS_MAX},
    {SCHEMA_MEMBER("client_affinity", struct config_accelerator, client_affinity),
        .type = SCHEMA_ENUM, .names = client_affinity_names},
    {SCHEMA_ARRAY("backends", struct config_accelerator, backends, backend_count),
        .type = SCHEMA_STRUCT, .schema = &backend_schema, .max_items = GROUP_BACKENDS_MAX},
    {SCHEMA_MEMBER("health", struct config_accelerator, health), .type = SCHEMA_STRUCT,
        .schema = &health_check_schema},
    {SCHEMA_ARRAY("listeners", struct config_accelerator, listeners, listener_count),
        .type = SCHEMA_TEXT, .max_items = NODES_MAX, .check = check_name},
};
static const struct schema config_accelerator_schema =
    SCHEMA(struct config_accelerator, accelerator_fields);

static const struct schema_field config_fields[] = {
    {SCHEMA_MEMBER("incarnation", struct node_config, number.incarnation), .type = SCHEMA_U64,
        .is_required = true, .max = INT64_MAX},
    {SCHEMA_MEMBER("revision", struct node_config, number.revision), .type = SCHEMA_U64,
        .is_required = true, .max = INT64_MAX},
    {SCHEMA_MEMBER("node_id", struct node_config, node_id), .type = SCHEMA_U32,
        .is_required = true},
    {SCHEMA_MEMBER("node_name", struct node_config, node_name), .type = SCHEMA_TEXT,
        .is_required = true, .check = check_name},
    {SCHEMA_MEMBER("region", struct node_config, region), .type = SCHEMA_TEXT, .is_required = true,
        .check = check_name},
    {SCHEMA_MEMBER("role", struct node_config, role), .type = SCHEMA_ENUM, .is_required = true,
        .names = node_role_names, .check = check_role},
    {SCHEMA_MEMBER("drain_s", struct node_config, drain_s), .type = SCHEMA_U32, .max = DRAIN_MAX_S,
        .default_number = DRAIN_DEFAULT_S},
    {SCHEMA_MEMBER("draining", struct node_config, is_draining), .type = SCHEMA_BOOL},
    {SCHEMA_MEMBER("seed", struct node_config, seed), .type = SCHEMA_U64, .is_required = true,
        .is_secret = true, .max = INT64_MAX},
    {SCHEMA_ARRAY("peers", struct node_config, peers, peer_count), .type = SCHEMA_STRUCT,
        .schema = &peer_schema, .max_items = NODES_MAX},
    {SCHEMA_ARRAY("accelerators", struct node_config, accelerators, accelerator_count),
        .type = SCHEMA_STRUCT, .schema = &config_accelerator_schema, .max_items = ACCELERATORS_MAX},
};
const struct schema node_config_schema = SCHEMA(struct node_config, config_fields);

const char *node_role_text(enum node_role role)
{
	return role == NODE_LISTENER || role == NODE_ENDPOINT ? node_role_names[role] : "?";
}

const char *node_role_phrase(enum node_role role)
{
	return role == NODE_LISTENER ? "a listener" : "an endpoint";
}

int node_role_parse(const char *text, enum node_role *role)
{
	for (int i = NODE_LISTENER; i <= NODE_ENDPOINT; i++) {
		if (strcmp(text, node_role_names[i]) == 0) {
			*role = (enum node_role)i;
			return 0;
		}
	}
	return ERR_INVALID;
}

int config_number_compare(const struct config_number *a, const struct config_number *b)
{
	if (a->incarnation != b->incarnation)
		return a->incarnation < b->incarnation ? -1 : 1;
	if (a->revision != b->revision)
		return a->revision < b->revision ? -1 : 1;
	return 0;
}

void node_config_clear(struct node_config *config)
{
	schema_clear(&node_config_schema, config);
}

const struct config_peer *node_config_peer(const struct node_config *config, const char *name)
{
	for (size_t i = 0; i < config->peer_count; i++) {
		if (strcmp(config->peers[i].name, name) == 0)
			return &config->peers[i];
	}
	return NULL;
}

const struct config_accelerator *node_config_accelerator(
    const struct node_config *config, uint32_t id)
{
	for (size_t i = 0; i < config->accelerator_count; i++) {
		if (config->accelerators[i].id == id)
			return &config->accelerators[i];
	}
	return NULL;
}

bool config_accelerator_allows(
    const struct config_accelerator *accelerator, const char *listener_name)
{
	for (size_t i = 0; i < accelerator->listener_count; i++) {
		if (strcmp(accelerator->listeners[i].text, listener_name) == 0)
			return true;
	}
	return false;
}

static int check_peers(const struct node_config *config, struct model_error *error)
{
	for (size_t i = 0; i < config->peer_count; i++) {
		const struct config_peer *peer = &config->peers[i];

		if (node_config_peer(config, peer->name) != peer)
			return model_error_set(
			    error, "peers", "", "peer \"%s\" stands twice", peer->name);
		if (config->role == NODE_LISTENER && peer->address_count == 0)
			return model_error_set(
			    error, "peers", "", "endpoint \"%s\" has no address", peer->name);
	}
	return 0;
}

static int check_ports(const struct config_accelerator *accelerator, struct model_error *error)
{
	uint32_t above = 0;

	for (size_t i = 0; i < accelerator->port_count; i++) {
		const struct port_range *range = &accelerator->ports[i];

		if (range->first <= above || range->last < range->first)
			return model_error_set(error, "accelerators", "",
			    "ports of \"%s\" are not sorted and disjoint", accelerator->name);
		above = range->last;
	}
	return 0;
}

static int check_names_are_peers(const struct node_config *config, const struct name *names,
    size_t count, struct model_error *error)
{
	for (size_t i = 0; i < count; i++) {
		if (!node_config_peer(config, names[i].text))
			return model_error_set(error, "accelerators", "",
			    "\"%s\" is not among the peers", names[i].text);
	}
	return 0;
}

static int check_access(const struct config_accelerator *accelerator, struct model_error *error)
{
	struct access_table *table;
	int result = access_lists_table(&accelerator->access, &table);

	access_table_free(table);
	if (result == ERR_MALFORMED)
		return model_error_set(error, "accelerators", "",
		    "\"%s\" allows or denies what is no block of addresses", accelerator->name);
	return result;
}

static int check_accelerator(const struct node_config *config,
    const struct config_accelerator *accelerator, struct model_error *error)
{
	int result = check_ports(accelerator, error);

	if (result == 0)
		result = check_access(accelerator, error);
	if (result == 0 && node_config_accelerator(config, accelerator->id) != accelerator)
		result = model_error_set(
		    error, "accelerators", "", "id %u stands twice", accelerator->id);
	if (result == 0 && accelerator->ranked_groups > accelerator->group_count)
		result = model_error_set(error, "accelerators", "",
		    "\"%s\" ranks more groups than it has", accelerator->name);
	if (result == 0)
		result = check_names_are_peers(
		    config, accelerator->listeners, accelerator->listener_count, error);
	for (size_t i = 0; result == 0 && i < accelerator->group_count; i++)
		result = check_names_are_peers(config, accelerator->groups[i].endpoints,
		    accelerator->groups[i].endpoint_count, error);
	return result;
}

int node_config_validate(const struct node_config *config, struct model_error *error)
{
	int result = check_peers(config, error);

	for (size_t i = 0; result == 0 && i < config->accelerator_count; i++)
		result = check_accelerator(config, &config->accelerators[i], error);
	return result;
}

/* ---- peers that are gone ---- */

static bool has_pin(const struct node_config *config, const uint8_t pin[PIN_BYTES])
{
	for (size_t i = 0; i < config->peer_count; i++)
		if (!memcmp(config->peers[i].pin, pin, PIN_BYTES))
			return true;
	return false;
}

/* Keeps the names of peers, in their order; the new count. */
static size_t keep_peers_names(const struct node_config *config, struct name *names, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (node_config_peer(config, names[i].text))
			names[kept++] = names[i];
	return kept;
}

/* A group without endpoints goes too. */
static void keep_groups(const struct node_config *config, struct config_accelerator *accelerator)
{
	size_t kept = 0, ranked = accelerator->ranked_groups;

	for (size_t i = 0; i < accelerator->group_count; i++) {
		struct config_group *group = &accelerator->groups[i];

		group->endpoint_count =
		    keep_peers_names(config, group->endpoints, group->endpoint_count);
		if (group->endpoint_count > 0) {
			accelerator->groups[kept++] = *group;
			continue;
		}
		free(group->endpoints);
		accelerator->ranked_groups -= i < ranked;
	}
	accelerator->group_count = kept;
}

size_t node_config_drop_peers(struct node_config *config, const struct node_config *newer)
{
	size_t kept = 0, before = config->peer_count;

	for (size_t i = 0; i < before; i++) {
		struct config_peer *peer = &config->peers[i];

		if (has_pin(newer, peer->pin)) {
			config->peers[kept++] = *peer;
			continue;
		}
		free(peer->addresses);
		sodium_memzero(peer, sizeof(*peer));
	}
	config->peer_count = kept;
	for (size_t i = 0; kept < before && i < config->accelerator_count; i++) {
		struct config_accelerator *accelerator = &config->accelerators[i];

		accelerator->listener_count =
		    keep_peers_names(config, accelerator->listeners, accelerator->listener_count);
		keep_groups(config, accelerator);
	}
	return before - kept;
}
