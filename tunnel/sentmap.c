/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was sent and not yet done with, see sentmap.h. */
#include "tunnel/sentmap.h"

#include "base/err.h"
#include "tunnel/path_limits.h"

#include <stdlib.h>
#include <string.h>

enum {
	NEARLY_FULL_RESERVE = 64,   /* places kept for ACKs and probes */
	SHRINK_ABOVE_PACKETS = 1024 /* an empty map gives larger rings back */
};

int sentmap_init(struct sentmap *map)
{
	memset(map, 0, sizeof(*map));
	map->packets = malloc(SENTMAP_PACKETS_MIN * sizeof(*map->packets));
	map->frames = malloc(SENTMAP_FRAMES_MIN * sizeof(*map->frames));
	if (!map->packets || !map->frames) {
		sentmap_clear(map);
		return ERR_NOMEM;
	}
	map->packet_capacity = SENTMAP_PACKETS_MIN;
	map->frame_capacity = SENTMAP_FRAMES_MIN;
	return 0;
}

void sentmap_clear(struct sentmap *map)
{
	free(map->packets);
	free(map->frames);
	memset(map, 0, sizeof(*map));
}

static struct sent_packet *packet_at(const struct sentmap *map, uint64_t number)
{
	return &map->packets[number & (map->packet_capacity - 1)];
}

static struct sent_frame *frame_at(const struct sentmap *map, uint64_t position)
{
	return &map->frames[position & (map->frame_capacity - 1)];
}

/* Moves the packets to a ring of `capacity`, which holds them all. */
static int resize_packets(struct sentmap *map, uint64_t capacity)
{
	struct sent_packet *packets = malloc(capacity * sizeof(*packets));

	if (!packets)
		return ERR_NOMEM;
	for (uint64_t number = map->first; number < map->next; number++)
		packets[number & (capacity - 1)] = *packet_at(map, number);
	free(map->packets);
	map->packets = packets;
	map->packet_capacity = capacity;
	return 0;
}

static int resize_frames(struct sentmap *map, uint64_t capacity)
{
	struct sent_frame *frames = malloc(capacity * sizeof(*frames));

	if (!frames)
		return ERR_NOMEM;
	for (uint64_t at = map->frame_first; at < map->frame_next; at++)
		frames[at & (capacity - 1)] = *frame_at(map, at);
	free(map->frames);
	map->frames = frames;
	map->frame_capacity = capacity;
	return 0;
}

bool sentmap_is_at_capacity(const struct sentmap *map)
{
	return map->next - map->first == map->packet_capacity;
}

int sentmap_reserve(struct sentmap *map)
{
	if (!sentmap_is_at_capacity(map))
		return 0;
	if (map->packet_capacity == SENTMAP_PACKETS_MAX)
		return ERR_LIMIT;
	return resize_packets(map, map->packet_capacity * 2);
}

bool sentmap_is_nearly_full(const struct sentmap *map)
{
	return map->next - map->first > SENTMAP_PACKETS_MAX - NEARLY_FULL_RESERVE;
}

int sentmap_add_frame(struct sentmap *map, const struct sent_frame *frame, unsigned *frame_count)
{
	int error;

	if (*frame_count == SENTMAP_PACKET_FRAMES_MAX)
		return ERR_LIMIT;
	if (map->frame_next - map->frame_first == map->frame_capacity) {
		if (map->frame_capacity == SENTMAP_FRAMES_MAX)
			return ERR_LIMIT;
		error = resize_frames(map, map->frame_capacity * 2);
		if (error)
			return error;
	}
	*frame_at(map, map->frame_next++) = *frame;
	(*frame_count)++;
	return 0;
}

void sentmap_drop_frames(struct sentmap *map, unsigned frame_count)
{
	map->frame_next -= frame_count;
}

struct sent_packet *sentmap_push(
    struct sentmap *map, uint64_t sent_us, uint16_t bytes, bool ack_eliciting, unsigned frame_count)
{
	struct sent_packet *packet = packet_at(map, map->next++);

	*packet = (struct sent_packet){
	    .sent_us = sent_us,
	    .frame_first = map->frame_next - frame_count,
	    .bytes = bytes,
	    .frame_count = (uint8_t)frame_count,
	    .state = SENT_OUTSTANDING,
	    .is_ack_eliciting = ack_eliciting,
	};
	if (ack_eliciting) {
		map->in_flight_bytes += bytes;
		map->in_flight_pkts++;
	}
	return packet;
}

struct sent_packet *sentmap_get(const struct sentmap *map, uint64_t number)
{
	return number >= map->first && number < map->next ? packet_at(map, number) : NULL;
}

const struct sent_frame *sentmap_frame(
    const struct sentmap *map, const struct sent_packet *packet, unsigned index)
{
	return frame_at(map, packet->frame_first + index);
}

static bool is_in_flight(const struct sent_packet *packet)
{
	return packet->state == SENT_OUTSTANDING && packet->is_ack_eliciting;
}

void sentmap_set_state(struct sentmap *map, struct sent_packet *packet, enum sent_state state)
{
	if (is_in_flight(packet)) {
		map->in_flight_bytes -= packet->bytes;
		map->in_flight_pkts--;
	}
	packet->state = (uint8_t)state;
}

uint64_t sentmap_oldest_outstanding(struct sentmap *map)
{
	while (map->outstanding < map->next && !is_in_flight(packet_at(map, map->outstanding)))
		map->outstanding++;
	return map->outstanding;
}

static void shrink(struct sentmap *map)
{
	/* Without memory the large ring goes on serving. */
	if (map->packet_capacity > SHRINK_ABOVE_PACKETS)
		resize_packets(map, SENTMAP_PACKETS_MIN);
	if (map->frame_capacity > SHRINK_ABOVE_PACKETS && map->frame_first == map->frame_next)
		resize_frames(map, SENTMAP_FRAMES_MIN);
}

void sentmap_expire(struct sentmap *map, uint64_t keep_after_us)
{
	while (map->first < map->next) {
		const struct sent_packet *packet = packet_at(map, map->first);

		if (is_in_flight(packet) || packet->is_held)
			break;
		if (packet->state != SENT_ACKED && packet->sent_us >= keep_after_us)
			break;
		map->frame_first += packet->frame_count;
		map->first++;
	}
	if (map->outstanding < map->first)
		map->outstanding = map->first;
	if (map->first == map->next)
		shrink(map);
}
