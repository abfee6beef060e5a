/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See installation.h. */
#include "control/installation.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

void installation_clear(struct installation *installation)
{
	for (size_t i = 0; i < installation->accelerator_count; i++)
		accelerator_clear(&installation->accelerators[i].accelerator);
	free(installation->accelerators);
	free(installation->tunnel_settings);
	if (installation->nodes)
		sodium_memzero(
		    installation->nodes, installation->node_count * sizeof(*installation->nodes));
	free(installation->nodes);
	memset(installation, 0, sizeof(*installation));
}

const struct node *installation_node(const struct installation *installation, const char *name)
{
	for (size_t i = 0; i < installation->node_count; i++) {
		if (strcmp(installation->nodes[i].name, name) == 0)
			return &installation->nodes[i];
	}
	return NULL;
}

const struct node *installation_node_by_id(const struct installation *installation, uint32_t id)
{
	for (size_t i = 0; i < installation->node_count; i++) {
		if (installation->nodes[i].id == id)
			return &installation->nodes[i];
	}
	return NULL;
}

const struct node *installation_node_by_pin(
    const struct installation *installation, const uint8_t pin[PIN_BYTES])
{
	for (size_t i = 0; i < installation->node_count; i++) {
		if (memcmp(installation->nodes[i].pin, pin, PIN_BYTES) == 0)
			return &installation->nodes[i];
	}
	return NULL;
}

const struct stored_accelerator *installation_accelerator(
    const struct installation *installation, const char *name)
{
	for (size_t i = 0; i < installation->accelerator_count; i++) {
		if (strcmp(installation->accelerators[i].accelerator.name, name) == 0)
			return &installation->accelerators[i];
	}
	return NULL;
}

const struct accelerator *installation_accelerator_by_id(
    const struct installation *installation, uint32_t id)
{
	for (size_t i = 0; i < installation->accelerator_count; i++) {
		if (installation->accelerators[i].accelerator.id == id)
			return &installation->accelerators[i].accelerator;
	}
	return NULL;
}

bool accelerator_listens_in(const struct accelerator *accelerator, const char *region)
{
	for (size_t i = 0; i < accelerator->listen_count; i++) {
		if (strcmp(accelerator->listen[i].text, region) == 0)
			return true;
	}
	return false;
}

const struct endpoint_group *accelerator_group_in(
    const struct accelerator *accelerator, const char *region)
{
	for (size_t i = 0; i < accelerator->endpoint_group_count; i++) {
		if (strcmp(accelerator->endpoint_groups[i].region, region) == 0)
			return &accelerator->endpoint_groups[i];
	}
	return NULL;
}

bool installation_has_tunnel(const struct installation *installation, const struct node *listener,
    const struct node *endpoint)
{
	if (listener->role != NODE_LISTENER || endpoint->role != NODE_ENDPOINT)
		return false;
	for (size_t i = 0; i < installation->accelerator_count; i++) {
		const struct accelerator *accelerator = &installation->accelerators[i].accelerator;

		if (accelerator_listens_in(accelerator, listener->region)
		    && accelerator_group_in(accelerator, endpoint->region))
			return true;
	}
	return false;
}

bool tunnel_setting_is_default(const struct tunnel_setting *setting)
{
	return !setting->is_traced && strcmp(setting->congestion, CONGESTION_DEFAULT) == 0;
}

struct tunnel_setting installation_tunnel_default(const struct tunnel_setting *setting)
{
	return (struct tunnel_setting){.listener = setting->listener,
	    .endpoint = setting->endpoint,
	    .congestion = CONGESTION_DEFAULT};
}

struct tunnel_setting installation_tunnel(const struct installation *installation,
    const struct node *listener, const struct node *endpoint)
{
	for (size_t i = 0; i < installation->tunnel_setting_count; i++) {
		const struct tunnel_setting *setting = &installation->tunnel_settings[i];

		if (setting->listener == listener->id && setting->endpoint == endpoint->id)
			return *setting;
	}
	return (struct tunnel_setting){
	    .listener = listener->id, .endpoint = endpoint->id, .congestion = CONGESTION_DEFAULT};
}
