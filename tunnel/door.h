/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Door keys: what two nodes share before any handshake, so that a packet of a stranger costs one
 * hash and nobody on the way can change a handshake packet.  From the key come a door id and one
 * MAC key for each direction (keyed BLAKE2b, RFC 7693), so that no packet can be sent back to its
 * sender.  A door proves no identity: that is TLS's work.
 */
#ifndef TUNNEL_DOOR_H
#define TUNNEL_DOOR_H

#include "base/pin.h"
#include "tunnel/handshake.h"

struct writer;

enum {
	DOOR_SECRET_BYTES = 32, /* as DOOR_KEY_BYTES in model/ */
	DOORS_MAX = 1024,
};

struct door {
	uint64_t id;
	uint8_t mac_keys[2][DOOR_SECRET_BYTES]; /* by the role that receives */
	uint8_t peer_pin[PIN_BYTES];            /* who may use it, once TLS has shown who it is */
};

void door_init(
    struct door *door, const uint8_t key[DOOR_SECRET_BYTES], const uint8_t peer_pin[PIN_BYTES]);

/* The door key that an endpoint's secret gives to the listener of that pin. */
void door_key_derive(uint8_t key[DOOR_SECRET_BYTES], const uint8_t secret[DOOR_SECRET_BYTES],
    const uint8_t listener_pin[PIN_BYTES]);

/* Appends the MAC over all that was written; the packet's type says which direction it goes. */
void door_seal(const struct door *door, struct writer *packet);

/* HANDSHAKE_FINE or HANDSHAKE_DOOR_FORGED; the length was checked by handshake_form_check(). */
enum handshake_cause door_check(const struct door *door, const uint8_t *packet, size_t length);

/* The doors of one node, sorted by id; the struct is all zeros when empty. */
struct doors {
	struct door *items;
	size_t count, size;
};

/* Replaces the one of the same id. ERR_LIMIT above DOORS_MAX, ERR_NOMEM. Moves the others. */
int doors_put(struct doors *doors, const struct door *door);
/* NULL when there is none; the pointer holds until the next put or clear. */
const struct door *doors_find(const struct doors *doors, uint64_t id);
/* Erases the keys. */
void doors_clear(struct doors *doors);

/*
 * The cheap checks of a packet that a node of this role received: length, type, door, MAC.
 * Fills header and door (see doors_find) when it is HANDSHAKE_FINE.
 */
enum handshake_cause doors_check(const struct doors *doors, enum tunnel_role role,
    const uint8_t *packet, size_t length, struct handshake_header *header,
    const struct door **door);

#endif
