/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys are derived once for each door; a check is one table look-up and one BLAKE2b.
 */
#include "config.h"

#include "tunnel/door.h"

#include "base/bytes.h"
#include "base/err.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* 32 bytes of keyed BLAKE2b over a label, which no two uses share. */
static void derive(uint8_t *out, size_t length, const uint8_t *key, const char *label)
{
	crypto_generichash(
	    out, length, (const uint8_t *)label, strlen(label), key, DOOR_SECRET_BYTES);
}

void door_init(
    struct door *door, const uint8_t key[DOOR_SECRET_BYTES], const uint8_t peer_pin[PIN_BYTES])
{
	uint8_t id[crypto_generichash_BYTES_MIN];
	struct reader r;

	derive(id, sizeof(id), key, "trunkline-1 door id");
	reader_init(&r, id, sizeof(id));
	door->id = reader_u64(&r);
	derive(door->mac_keys[TUNNEL_LISTENER], DOOR_SECRET_BYTES, key, "trunkline-1 to listener");
	derive(door->mac_keys[TUNNEL_ENDPOINT], DOOR_SECRET_BYTES, key, "trunkline-1 to endpoint");
	memcpy(door->peer_pin, peer_pin, PIN_BYTES);
}

void door_key_derive(uint8_t key[DOOR_SECRET_BYTES], const uint8_t secret[DOOR_SECRET_BYTES],
    const uint8_t listener_pin[PIN_BYTES])
{
	crypto_generichash(
	    key, DOOR_SECRET_BYTES, listener_pin, PIN_BYTES, secret, DOOR_SECRET_BYTES);
}

static void packet_mac(
    const struct door *door, const uint8_t *packet, size_t length, uint8_t mac[HANDSHAKE_MAC_BYTES])
{
	enum handshake_type type = (enum handshake_type)(packet[0] & ~HANDSHAKE_FLAG);
	enum tunnel_role receiver =
	    handshake_role_takes(TUNNEL_ENDPOINT, type) ? TUNNEL_ENDPOINT : TUNNEL_LISTENER;

	crypto_generichash(
	    mac, HANDSHAKE_MAC_BYTES, packet, length, door->mac_keys[receiver], DOOR_SECRET_BYTES);
}

void door_seal(const struct door *door, struct writer *packet)
{
	uint8_t mac[HANDSHAKE_MAC_BYTES];

	packet_mac(door, packet->start, writer_length(packet), mac);
	writer_bytes(packet, mac, sizeof(mac));
}

enum handshake_cause door_check(const struct door *door, const uint8_t *packet, size_t length)
{
	uint8_t mac[HANDSHAKE_MAC_BYTES];

	packet_mac(door, packet, length - sizeof(mac), mac);
	if (sodium_memcmp(mac, packet + length - sizeof(mac), sizeof(mac)) != 0)
		return HANDSHAKE_DOOR_FORGED;
	return HANDSHAKE_FINE;
}

/* The place of the id, or where it would stand. */
static size_t doors_place(const struct doors *doors, uint64_t id)
{
	size_t low = 0, high = doors->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (doors->items[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int doors_grow(struct doors *doors)
{
	size_t size = doors->size ? doors->size * 2 : 16;
	struct door *items;

	if (doors->count == DOORS_MAX)
		return ERR_LIMIT;
	if (doors->count < doors->size)
		return 0;
	items = malloc(size * sizeof(*items));
	if (!items)
		return ERR_NOMEM;
	if (doors->count) {
		memcpy(items, doors->items, doors->count * sizeof(*items));
		sodium_memzero(doors->items, doors->count * sizeof(*items));
	}
	free(doors->items);
	doors->items = items;
	doors->size = size;
	return 0;
}

int doors_put(struct doors *doors, const struct door *door)
{
	size_t at = doors_place(doors, door->id);
	int result;

	if (at == doors->count || doors->items[at].id != door->id) {
		result = doors_grow(doors);
		if (result < 0)
			return result;
		memmove(doors->items + at + 1, doors->items + at,
		    (doors->count - at) * sizeof(*doors->items));
		doors->count++;
	}
	doors->items[at] = *door;
	return 0;
}

const struct door *doors_find(const struct doors *doors, uint64_t id)
{
	size_t at = doors_place(doors, id);

	return at < doors->count && doors->items[at].id == id ? &doors->items[at] : NULL;
}

void doors_clear(struct doors *doors)
{
	if (doors->items)
		sodium_memzero(doors->items, doors->size * sizeof(*doors->items));
	free(doors->items);
	*doors = (struct doors){0};
}

enum handshake_cause doors_check(const struct doors *doors, enum tunnel_role role,
    const uint8_t *packet, size_t length, struct handshake_header *header, const struct door **door)
{
	enum handshake_cause cause = handshake_form_check(header, role, packet, length);

	if (cause != HANDSHAKE_FINE)
		return cause;
	*door = doors_find(doors, header->door_id);
	return *door ? door_check(*door, packet, length) : HANDSHAKE_DOOR_UNKNOWN;
}
