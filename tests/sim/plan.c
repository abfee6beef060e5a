/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each flow does and carries, see plan.h. */
#include "tests/sim/plan.h"

#include "tests/sim/digest.h"

#include <string.h>

enum {
	INDEX_BYTES = 4,
	CHECK_BYTES = 1024,
	TALK_BYTES_MAX = 1500, /* of one piece, on average */
	TALK_WRITES_MAX = 60,
	READ_BYTES_MAX = 20000,
	READ_PAUSE_MAX_US = 30000,
	DATAGRAM_PAUSE_MAX_US = 20000,
};

static bool is_drawn(struct rng *rng, unsigned percent)
{
	return rng_below(rng, 100) < percent;
}

/* As many small sizes as large ones, by magnitude. */
static uint64_t draw_size(struct rng *rng, uint64_t least, uint64_t most)
{
	uint64_t limit = most - least;

	for (uint64_t halvings = rng_below(rng, 12); halvings > 0; halvings--)
		limit /= 2;
	return least + rng_below(rng, limit + 1);
}

static struct addr draw_addr(struct rng *rng)
{
	struct addr addr;

	memset(&addr, 0, sizeof(addr));
	addr.family = rng_below(rng, 2) ? 4 : 6;
	addr.port = (uint16_t)(1 + rng_below(rng, 65535));
	rng_bytes(rng, addr.ip, addr.family == 4 ? 4 : 16);
	return addr;
}

static void draw_end(struct plan *plan, const struct flow_mix *mix, struct rng *rng)
{
	if (is_drawn(rng, mix->refused_percent)) {
		plan->end = PLAN_REFUSED;
		plan->reason = (enum reason)(REASON_BACKEND_REFUSED + rng_below(rng, 4));
	} else if (is_drawn(rng, mix->reset_percent)) {
		plan->end = PLAN_RESET;
		plan->reason = REASON_TCP_RESET;
		plan->resetter = (enum side)rng_below(rng, SIDES);
		plan->reset_after_bytes =
		    rng_below(rng, plan->bytes[SIDE_LISTENER] + plan->bytes[SIDE_ENDPOINT] + 1);
	}
}

static void draw_tcp(struct plan *plan, const struct flow_mix *mix, struct rng *rng)
{
	plan->bytes[SIDE_LISTENER] = mix->up_bytes_max
	                                 ? draw_size(rng, 0, mix->up_bytes_max)
	                                 : draw_size(rng, mix->bytes_min, mix->bytes_max);
	plan->is_echo = is_drawn(rng, mix->echo_percent);
	plan->bytes[SIDE_ENDPOINT] = plan->is_echo ? plan->bytes[SIDE_LISTENER]
	                                           : draw_size(rng, mix->bytes_min, mix->bytes_max);
	plan->is_talk = is_drawn(rng, mix->talk_percent);
	if (plan->is_talk)
		for (int side = 0; side < SIDES; side++)
			plan->bytes[side] %= TALK_WRITES_MAX * TALK_BYTES_MAX;
	plan->write_bytes = 2 * TALK_BYTES_MAX;
	plan->write_pause_us = 1 + mix->idle_us;
	if (is_drawn(rng, mix->slow_percent))
		plan->is_slow[rng_below(rng, SIDES)] = true;
	plan->read_bytes = 1000 + rng_below(rng, READ_BYTES_MAX);
	plan->read_pause_us = 1 + rng_below(rng, READ_PAUSE_MAX_US);
	draw_end(plan, mix, rng);
}

static void draw_udp(struct plan *plan, const struct flow_mix *mix, struct rng *rng)
{
	plan->open.kind = FLOW_UDP;
	plan->datagrams[SIDE_LISTENER] = (unsigned)rng_below(rng, mix->datagrams_max + 1);
	plan->datagrams[SIDE_ENDPOINT] = (unsigned)rng_below(rng, mix->datagrams_max + 1);
	plan->datagram_bytes_max = draw_size(rng, 0, mix->datagram_bytes_max);
	/* Large ones rarely, or they fill every line. */
	plan->datagram_pause_us =
	    1 + rng_below(rng, DATAGRAM_PAUSE_MAX_US) + plan->datagram_bytes_max * 4;
}

void plan_draw(struct plan *plan, unsigned index, bool is_udp, const struct scenario *scenario,
    struct rng *rng)
{
	memset(plan, 0, sizeof(*plan));
	plan->index = index;
	plan->lane = (unsigned)rng_below(rng, scenario->lanes);
	plan->content_seed = rng_next(rng);
	plan->start_us = rng_below(rng, scenario->mix.start_spread_us + 1);
	plan->open.kind = FLOW_TCP;
	plan->open.accelerator = index;
	plan->open.user = draw_addr(rng);
	plan->open.local = draw_addr(rng);
	if (is_udp)
		draw_udp(plan, &scenario->mix, rng);
	else
		draw_tcp(plan, &scenario->mix, rng);
}

static uint64_t word_at(const struct plan *plan, enum side side, uint64_t index)
{
	/* An echo's bytes are those of the other direction. */
	if (plan->is_echo)
		side = SIDE_LISTENER;
	return mix64(plan->content_seed + (uint64_t)side * 77 + index * 1000003);
}

void plan_content(
    const struct plan *plan, enum side side, uint64_t offset, uint8_t *out, size_t length)
{
	size_t part;

	for (; length > 0; offset += part, out += part, length -= part) {
		uint64_t word = word_at(plan, side, offset / 8);
		size_t skipped = offset % 8;

		part = 8 - skipped < length ? 8 - skipped : length;
		if (part == 8)
			memcpy(out, &word, 8); /* a single store */
		else
			memcpy(out, (const uint8_t *)&word + skipped, part);
	}
}

bool plan_content_is(
    const struct plan *plan, enum side side, uint64_t offset, const uint8_t *data, size_t length)
{
	uint8_t expected[CHECK_BYTES];

	while (length > 0) {
		size_t part = length < sizeof(expected) ? length : sizeof(expected);

		plan_content(plan, side, offset, expected, part);
		if (memcmp(data, expected, part) != 0)
			return false;
		data += part;
		offset += part;
		length -= part;
	}
	return true;
}

size_t plan_datagram_bytes(const struct plan *plan, enum side side, unsigned index)
{
	uint64_t drawn = mix64(plan->content_seed ^ ((uint64_t)side << 40) ^ index);

	/* Now and then the greatest and the smallest. */
	if (drawn % 16 == 0)
		return (size_t)plan->datagram_bytes_max;
	if (drawn % 16 == 1)
		return 0;
	return (size_t)((drawn >> 8) % (plan->datagram_bytes_max + 1));
}

void plan_datagram(const struct plan *plan, enum side side, unsigned index, uint8_t *out)
{
	size_t length = plan_datagram_bytes(plan, side, index);
	uint32_t number = index;

	plan_content(plan, side, (uint64_t)index << 32, out, length);
	if (length >= INDEX_BYTES)
		memcpy(out, &number, INDEX_BYTES);
}

int plan_datagram_find(
    const struct plan *plan, enum side side, const uint8_t *data, size_t length, bool *is_sure)
{
	uint32_t number;

	*is_sure = length >= INDEX_BYTES;
	if (*is_sure) {
		memcpy(&number, data, INDEX_BYTES);
		if (number >= plan->datagrams[side]
		    || length != plan_datagram_bytes(plan, side, number)
		    || !plan_content_is(plan, side, ((uint64_t)number << 32) + INDEX_BYTES,
		        data + INDEX_BYTES, length - INDEX_BYTES))
			return -1;
		return (int)number;
	}
	for (unsigned i = 0; i < plan->datagrams[side]; i++)
		if (plan_datagram_bytes(plan, side, i) == length
		    && plan_content_is(plan, side, (uint64_t)i << 32, data, length))
			return (int)i;
	return -1;
}
