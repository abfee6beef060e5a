/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See node_join.h. */
#include "control/node_join.h"

#include "base/err.h"
#include "control/change.h"
#include "control/time_text.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/*
 * Adds the address that others are to use for one that may be bound to any; the IPv4 and the IPv6
 * wildcard are then the same address, which is listed once.
 */
static void add_address(struct node *node, struct addr addr, const struct addr *peer)
{
	struct name *place = &node->addresses[node->address_count];
	uint16_t port = addr.port;

	if (node->address_count == NODE_ADDRESSES_MAX)
		return;
	if (addr_is_any(&addr)) {
		addr = *peer;
		addr.port = port;
	}
	addr.scope = 0;
	if (port)
		addr_format(&addr, place->text, NAME_BYTES);
	else
		addr_format_ip(&addr, place->text, NAME_BYTES);
	for (size_t i = 0; i < node->address_count; i++) {
		if (strcmp(node->addresses[i].text, place->text) == 0) {
			memset(place, 0, sizeof(*place));
			return;
		}
	}
	node->address_count++;
}

void node_addresses(const struct message_hello *hello, const struct addr *peer, struct node *node)
{
	struct addr addr, tunnel;

	memset(node->addresses, 0, sizeof(node->addresses));
	node->address_count = 0;
	for (size_t i = 0; hello->role == NODE_LISTENER && i < hello->bind_count; i++) {
		if (addr_parse(hello->binds[i].text, 0, &addr) == 0)
			add_address(node, addr, peer);
	}
	if (hello->role != NODE_ENDPOINT || addr_parse(hello->tunnel, 0, &tunnel) < 0
	    || tunnel.port == 0)
		return;
	if (hello->advertise[0] && addr_parse(hello->advertise, tunnel.port, &addr) == 0)
		add_address(node, addr, peer);
	else
		add_address(node, tunnel, peer);
}

static void describe(struct node *node, const struct message_hello *hello, const struct addr *peer)
{
	node_addresses(hello, peer, node);
	node->slots = hello->slots;
	memcpy(node->version, hello->version, sizeof(node->version));
	node->last_seen_ms = control_now_ms();
}

static bool is_same_description(const struct node *a, const struct node *b)
{
	return a->slots == b->slots && strcmp(a->version, b->version) == 0
	       && a->address_count == b->address_count
	       && memcmp(a->addresses, b->addresses, sizeof(a->addresses)) == 0;
}

static void describe_change(struct change *change, const struct node *node)
{
	char who[NAME_BYTES + 8];

	snprintf(who, sizeof(who), "node %s", node->name);
	change_init(change, who, "node %s has %u workers, version %s, address %s", node->name,
	    node->slots, node->version, node->address_count ? node->addresses[0].text : "none");
}

/* A known node; when its new description cannot be saved, the old one holds. */
static uint32_t welcome_back(struct control *control, const struct node *known,
    const struct message_hello *hello, const struct addr *peer, char reason[REASON_BYTES])
{
	struct node node = *known;
	struct problem problem;
	struct change change;

	if (hello->role != known->role) {
		snprintf(reason, REASON_BYTES,
		    "this key joined as %s %s; use another --state for the %s",
		    node_role_text(known->role), known->name, node_role_text(hello->role));
		return 0;
	}
	describe(&node, hello, peer);
	if (is_same_description(&node, known))
		return known->id;
	describe_change(&change, &node);
	if (change_begin(control, &change, &problem) == 0)
		change_end(control, &change, store_put_node(control->store, &node), &problem);
	return node.id;
}

static int check_token(const struct control *control, const struct message_hello *hello,
    struct token *token, char reason[REASON_BYTES])
{
	char time[TIME_TEXT_BYTES];
	uint8_t hash[32];
	int result;

	crypto_generichash(hash, sizeof(hash), hello->secret, sizeof(hello->secret), NULL, 0);
	result = store_find_token(control->store, hash, token);
	if (result == ERR_NOT_FOUND)
		snprintf(reason, REASON_BYTES,
		    "the token is not one of this control's; make one: trunkctl node token");
	else if (result < 0)
		snprintf(reason, REASON_BYTES, "control %s", store_error(control->store));
	else if (token->used_by[0])
		snprintf(reason, REASON_BYTES,
		    "the token was used by node %s; make another: trunkctl node token",
		    token->used_by);
	else if (token->expires_ms <= control_expiry_ms(control))
		snprintf(reason, REASON_BYTES,
		    "the token expired at %s; make another: trunkctl node token",
		    time_format(token->expires_ms, time));
	else if (token->role != hello->role)
		snprintf(reason, REASON_BYTES, "the token is for %s, this is %s",
		    node_role_phrase(token->role), node_role_phrase(hello->role));
	else
		return 0;
	return ERR_AUTH;
}

static int check_name(
    const struct control *control, const struct message_hello *hello, char reason[REASON_BYTES])
{
	if (installation_node(&control->installation, hello->name)) {
		snprintf(reason, REASON_BYTES,
		    "there is a node %s already: choose another name with --name, or forget that "
		    "one: trunkctl node remove %s",
		    hello->name, hello->name);
		return ERR_EXISTS;
	}
	if (control->installation.node_count >= NODES_MAX) {
		snprintf(reason, REASON_BYTES, "there are %d nodes, which is the most", NODES_MAX);
		return ERR_LIMIT;
	}
	return 0;
}

static uint32_t add_node(struct control *control, const uint8_t pin[PIN_BYTES],
    const struct addr *peer, const struct message_hello *hello, const struct token *token,
    char reason[REASON_BYTES])
{
	struct node node = {.role = hello->role, .joined_ms = control_now_ms()};
	char who[NAME_BYTES + 8];
	struct problem problem;
	struct change change;
	int result;

	memcpy(node.name, hello->name, sizeof(node.name));
	memcpy(node.region, token->region, sizeof(node.region));
	memcpy(node.pin, pin, PIN_BYTES);
	randombytes_buf(node.door_secret, sizeof(node.door_secret));
	describe(&node, hello, peer);
	snprintf(who, sizeof(who), "node %s", node.name);
	change_init(
	    &change, who, "%s %s joined in %s", node_role_text(node.role), node.name, node.region);
	result = change_begin(control, &change, &problem);
	if (result == 0) {
		result = store_use_token(control->store, token->hash, node.name, node.joined_ms);
		if (result == 0)
			result = store_put_node(control->store, &node);
		result = change_end(control, &change, result, &problem);
	}
	sodium_memzero(node.door_secret, sizeof(node.door_secret));
	if (result == 0)
		return node.id;
	snprintf(reason, REASON_BYTES, "control could not save the node, try again: %.400s",
	    problem.detail);
	return 0;
}

uint32_t node_join(struct control *control, const uint8_t pin[PIN_BYTES], const struct addr *peer,
    const struct message_hello *hello, char reason[REASON_BYTES])
{
	const struct node *known = installation_node_by_pin(&control->installation, pin);
	struct token token;

	if (hello->protocol != CONTROL_PROTOCOL) {
		snprintf(reason, REASON_BYTES,
		    "this control speaks protocol %d, the node %u: install the same version",
		    CONTROL_PROTOCOL, hello->protocol);
		return 0;
	}
	if (known)
		return welcome_back(control, known, hello, peer, reason);
	if (sodium_is_zero(hello->secret, sizeof(hello->secret))) {
		snprintf(reason, REASON_BYTES,
		    "this key is not known, was removed, or joined after the backup from which "
		    "control was restored: "
		    "join with --join and a new token, made by trunkctl node token");
		return 0;
	}
	if (check_token(control, hello, &token, reason) < 0
	    || check_name(control, hello, reason) < 0)
		return 0;
	return add_node(control, pin, peer, hello, &token, reason);
}
