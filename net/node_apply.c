/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From one config to the next: judged, its sockets opened, saved, and only then in force.  What
 * fails on the way leaves the old one standing, with a sentence why.
 */
#include "config.h"

#include "base/err.h"
#include "base/log.h"
#include "net/node_private.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_text(char *text, size_t length)
{
	if (text)
		sodium_memzero(text, length); /* door keys */
	free(text);
}

void node_apply_clear(struct node *node)
{
	node_config_clear(&node->config);
	free_text(node->config_text, node->config_length);
	node->config_text = NULL;
	node->config_length = 0;
	node->has_config = node->is_config_waiting = false;
}

static void take(struct node *node, struct node_config *config, char *text, size_t length)
{
	node_apply_clear(node);
	node->config = *config;
	memset(config, 0, sizeof(*config));
	node->config_text = text;
	node->config_length = length;
}

/* Its number and drain time apart. */
static bool is_same(const struct node_config *a, const struct node_config *b)
{
	uint8_t prints[2][32];

	return node_config_fingerprint(a, prints[0]) == 0
	       && node_config_fingerprint(b, prints[1]) == 0
	       && memcmp(prints[0], prints[1], sizeof(prints[0])) == 0;
}

bool node_apply_is_known(const struct node *node, const struct node_config *config)
{
	return node->has_config && config_number_compare(&config->number, &node->config.number) == 0
	       && is_same(config, &node->config);
}

static int judge(const struct node *node, const struct node_config *config, char *reason)
{
	if (config->role != node->program->role) {
		snprintf(reason, REASON_BYTES,
		    "the config is for a node that is %s, this one is %s",
		    node_role_text(config->role), node_role_text(node->program->role));
		return ERR_INVALID;
	}
	if (config_number_compare(&config->number, &node->newest) < 0) {
		snprintf(reason, REASON_BYTES,
		    "config %" PRIu64 ".%" PRIu64 " is older than %" PRIu64 ".%" PRIu64
		    ", which this node has: control's state was set back; to let nodes follow it "
		    "from there: trunkctl adopt",
		    config->number.incarnation, config->number.revision, node->newest.incarnation,
		    node->newest.revision);
		return ERR_REPLAY;
	}
	if (node->config_text && config_number_compare(&config->number, &node->config.number) == 0
	    && !is_same(config, &node->config)) {
		snprintf(reason, REASON_BYTES,
		    "config %" PRIu64 ".%" PRIu64
		    " is another than the one of that number that this node has: control's state "
		    "was set back; to let nodes follow it from there: trunkctl adopt",
		    config->number.incarnation, config->number.revision);
		return ERR_REPLAY;
	}
	return 0;
}

static int prepare(struct node *node, const struct node_config *config, char *reason)
{
	const struct node_role_main *role = &node->program->main;

	return role->prepare ? role->prepare(node->role_state, config, reason) : 0;
}

/* In force from here on. */
static void commit(struct node *node)
{
	if (node->program->main.commit)
		node->program->main.commit(node->role_state);
	node->has_config = true;
	node->is_config_waiting = false;
	node->newest = node->config.number;
	node->counters[NODE_CONFIGS_APPLIED]++;
	log_info("config_applied",
	    "incarnation=%" PRIu64 " revision=%" PRIu64 " peers=%zu accelerators=%zu",
	    node->config.number.incarnation, node->config.number.revision, node->config.peer_count,
	    node->config.accelerator_count);
	node_children_config(node);
}

static int save(struct node *node, const char *text, size_t length, char *reason)
{
	int result = node_store_save_config(node->options.state, text, length);

	if (result == 0)
		return 0;
	snprintf(reason, REASON_BYTES, "the config cannot be saved in %.300s: %s",
	    node->options.state, strerror(errno));
	if (node->program->main.abandon)
		node->program->main.abandon(node->role_state);
	return result;
}

/* A refused config still says who is gone: their tunnels close, whatever else stands as it was. */
static void drop_removed_peers(struct node *node, const struct node_config *config)
{
	size_t dropped = node->has_config ? node_config_drop_peers(&node->config, config) : 0,
	       length;
	char *text;

	if (dropped == 0 || node_config_save(&node->config, &text, &length) < 0)
		return;
	free_text(node->config_text, node->config_length);
	node->config_text = text;
	node->config_length = length;
	log_info("removed_peers_dropped", "peers=%zu", dropped);
	node_store_save_config(node->options.state, text, length);
	node_children_config(node);
}

int node_apply(struct node *node, struct node_config *config, char reason[REASON_BYTES])
{
	char *text = NULL;
	size_t length = 0;
	int result = judge(node, config, reason);

	if (result < 0)
		goto refused;
	snprintf(reason, REASON_BYTES, "no memory for the config");
	result = node_config_save(config, &text, &length);
	if (result < 0)
		goto refused;
	result = prepare(node, config, reason);
	if (result == 0)
		result = save(node, text, length, reason);
	if (result < 0) {
		drop_removed_peers(node, config);
		goto refused;
	}
	take(node, config, text, length);
	commit(node);
	return 0;
refused:
	free_text(text, length);
	node_config_clear(config);
	node->counters[NODE_CONFIGS_REFUSED]++;
	return result;
}

/* ---- the saved one ---- */

/* Logs why only when it is another reason than the last time. */
static void try_saved(struct node *node, bool is_first)
{
	char reason[REASON_BYTES];

	if (prepare(node, &node->config, reason) == 0) {
		commit(node);
		return;
	}
	if (is_first)
		log_error("saved_config_waits", "reason=\"%s\"", reason);
	node->is_config_waiting = true;
}

int node_apply_saved(struct node *node)
{
	struct node_config config;
	struct model_error error;
	char *text, *quoted = (char[REASON_BYTES]){0};
	size_t length;
	int result = node_store_load_config(node->options.state, &config, &text, &length, &error);

	if (result == ERR_NOT_FOUND)
		return 0;
	if (result < 0) {
		log_error("saved_config_unusable", "state=%s reason=%s fix=\"%s\"",
		    node->options.state,
		    log_quote(quoted, REASON_BYTES,
		        result == ERR_MALFORMED ? error.reason : err_text(result)),
		    "control sends it again");
		return 0;
	}
	if (config.role != node->program->role) {
		log_error("wrong_role", "state=%s role=%s fix=\"use another --state\"",
		    node->options.state, node_role_text(config.role));
		node_config_clear(&config);
		free_text(text, length);
		return ERR_INVALID;
	}
	take(node, &config, text, length);
	node->newest = node->config.number;
	try_saved(node, true);
	return 0;
}

void node_apply_retry(struct node *node)
{
	if (node->is_config_waiting && node->phase == NODE_SERVING)
		try_saved(node, false);
}
