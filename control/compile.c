/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See compile.h. */
#include "config.h"

#include "control/compile.h"

#include "base/err.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

void compile_door_key(
    const struct node *listener, const struct node *endpoint, uint8_t door_key[DOOR_KEY_BYTES])
{
	crypto_generichash(door_key, DOOR_KEY_BYTES, listener->pin, PIN_BYTES,
	    endpoint->door_secret, sizeof(endpoint->door_secret));
}

/* One more zeroed item at *array's end, or NULL. */
static void *append(void *array, size_t *count, size_t size)
{
	char **place = array, *grown = reallocarray(*place, *count + 1, size);

	if (!grown)
		return NULL;
	*place = grown;
	memset(grown + *count * size, 0, size);
	return grown + (*count)++ * size;
}

static int copy_array(void *to, size_t *to_count, const void *from, size_t count, size_t size)
{
	void **place = to;

	*place = NULL;
	*to_count = 0;
	if (count == 0)
		return 0;
	*place = reallocarray(NULL, count, size);
	if (!*place)
		return ERR_NOMEM;
	memcpy(*place, from, count * size);
	*to_count = count;
	return 0;
}

static int append_name(struct name **names, size_t *count, const char *text)
{
	struct name *name = append(names, count, sizeof(*name));

	if (!name)
		return ERR_NOMEM;
	memcpy(name->text, text, strlen(text));
	return 0;
}

static int add_peer(const struct installation *installation, struct node_config *config,
    const struct node *self, const struct node *peer)
{
	const struct node *listener = self->role == NODE_LISTENER ? self : peer;
	const struct node *endpoint = self->role == NODE_LISTENER ? peer : self;
	struct tunnel_setting setting = installation_tunnel(installation, listener, endpoint);
	struct config_peer *added;

	if (node_config_peer(config, peer->name))
		return 0;
	added = append(&config->peers, &config->peer_count, sizeof(*added));
	if (!added)
		return ERR_NOMEM;
	memcpy(added->name, peer->name, sizeof(added->name));
	memcpy(added->region, peer->region, sizeof(added->region));
	memcpy(added->pin, peer->pin, sizeof(added->pin));
	added->slots = peer->slots;
	memcpy(added->congestion, setting.congestion, sizeof(added->congestion));
	added->is_traced = setting.is_traced;
	compile_door_key(listener, endpoint, added->door_key);
	if (self->role == NODE_LISTENER)
		return copy_array(&added->addresses, &added->address_count, peer->addresses,
		    peer->address_count, sizeof(*peer->addresses));
	return 0;
}

/* Nodes are in order of their names, and so are the lists made from them. */
static int add_group(const struct installation *installation, const struct node *self,
    const struct endpoint_group *from, struct node_config *config, struct config_accelerator *to)
{
	struct config_group *group = append(&to->groups, &to->group_count, sizeof(*group));
	const char *region = from->region;

	if (!group)
		return ERR_NOMEM;
	memcpy(group->region, region, strlen(region));
	group->traffic_dial_percent = from->traffic_dial_percent;
	for (size_t i = 0; i < installation->node_count; i++) {
		const struct node *node = &installation->nodes[i];

		if (node->role != NODE_ENDPOINT || strcmp(node->region, region) != 0
		    || node->address_count == 0)
			continue;
		if (add_peer(installation, config, self, node) < 0)
			return ERR_NOMEM;
		/* A draining endpoint stays a peer, for the flows that it has. */
		if (!node->is_draining
		    && append_name(&group->endpoints, &group->endpoint_count, node->name) < 0)
			return ERR_NOMEM;
	}
	return 0;
}

static bool is_ranked(const struct accelerator *accelerator, const char *region)
{
	for (size_t i = 0; i < accelerator->failover_order_count; i++) {
		if (strcmp(accelerator->failover_order[i].text, region) == 0)
			return true;
	}
	return false;
}

static int add_listener_side(const struct installation *installation, const struct node *self,
    const struct accelerator *from, struct node_config *config, struct config_accelerator *to)
{
	int result = copy_array(&to->access.allow, &to->access.allow_count, from->access.allow,
	    from->access.allow_count, sizeof(*from->access.allow));

	if (result == 0)
		result = copy_array(&to->access.deny, &to->access.deny_count, from->access.deny,
		    from->access.deny_count, sizeof(*from->access.deny));
	for (size_t i = 0; result == 0 && i < from->failover_order_count; i++)
		result = add_group(installation, self,
		    accelerator_group_in(from, from->failover_order[i].text), config, to);
	to->ranked_groups = (uint32_t)to->group_count;
	for (size_t i = 0; result == 0 && i < from->endpoint_group_count; i++) {
		if (!is_ranked(from, from->endpoint_groups[i].region))
			result =
			    add_group(installation, self, &from->endpoint_groups[i], config, to);
	}
	return result;
}

static int add_endpoint_side(const struct installation *installation, const struct node *self,
    const struct accelerator *from, struct node_config *config, struct config_accelerator *to)
{
	const struct endpoint_group *group = accelerator_group_in(from, self->region);
	int result = copy_array(&to->backends, &to->backend_count, group->backends,
	    group->backend_count, sizeof(*group->backends));

	to->health = group->health;
	for (size_t i = 0; result == 0 && i < installation->node_count; i++) {
		const struct node *node = &installation->nodes[i];

		if (node->role != NODE_LISTENER || !accelerator_listens_in(from, node->region))
			continue;
		result = append_name(&to->listeners, &to->listener_count, node->name);
		if (result == 0)
			result = add_peer(installation, config, self, node);
	}
	return result;
}

static bool concerns(const struct accelerator *accelerator, const struct node *node)
{
	return node->role == NODE_LISTENER
	           ? accelerator_listens_in(accelerator, node->region)
	           : accelerator_group_in(accelerator, node->region) != NULL;
}

static int add_accelerator(const struct installation *installation, const struct node *node,
    const struct accelerator *from, struct node_config *config)
{
	struct config_accelerator *to =
	    append(&config->accelerators, &config->accelerator_count, sizeof(*to));
	int result;

	if (!to)
		return ERR_NOMEM;
	to->id = from->id;
	memcpy(to->name, from->name, sizeof(to->name));
	to->protocol = from->protocol;
	to->tcp_idle_timeout_s = from->tcp_idle_timeout_s;
	to->udp_idle_timeout_s = from->udp_idle_timeout_s;
	to->udp_flows_per_source = from->udp_flows_per_source;
	to->connect_timeout_ms = CONNECT_TIMEOUT_DEFAULT_MS;
	to->client_affinity = from->client_affinity;
	to->flow_settings = from->flow_settings;
	to->failover = from->failover;
	to->limits = from->limits;
	health_check_default(&to->health);
	result = copy_array(
	    &to->ports, &to->port_count, from->ports, from->port_count, sizeof(*from->ports));
	if (result < 0)
		return result;
	return node->role == NODE_LISTENER
	           ? add_listener_side(installation, node, from, config, to)
	           : add_endpoint_side(installation, node, from, config, to);
}

/* A disabled one: no node serves it, and its tunnels stay for when it is enabled, or for its last flows. */
static int add_peers(const struct installation *installation, const struct node *self,
    const struct accelerator *accelerator, struct node_config *config)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < installation->node_count; i++) {
		const struct node *node = &installation->nodes[i];

		if (node->role != self->role && concerns(accelerator, node)
		    && (node->role == NODE_LISTENER || node->address_count > 0))
			result = add_peer(installation, config, self, node);
	}
	return result;
}

int compile_node_config(
    const struct installation *installation, const struct node *node, struct node_config *config)
{
	int result = 0;

	*config = (struct node_config){
	    .number = {installation->incarnation, installation->revision},
	    .node_id = node->id,
	    .role = node->role,
	    .drain_s = DRAIN_DEFAULT_S,
	    .seed = installation->seed,
	    .is_draining = node->is_draining,
	};
	memcpy(config->node_name, node->name, sizeof(config->node_name));
	memcpy(config->region, node->region, sizeof(config->region));
	for (size_t i = 0; result == 0 && i < installation->accelerator_count; i++) {
		const struct accelerator *accelerator = &installation->accelerators[i].accelerator;

		if (!concerns(accelerator, node))
			continue;
		result = accelerator->is_enabled
		             ? add_accelerator(installation, node, accelerator, config)
		             : add_peers(installation, node, accelerator, config);
	}
	if (result < 0)
		node_config_clear(config);
	return result;
}
