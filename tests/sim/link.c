/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One direction of a bad line, see link.h. */
#include "tests/sim/link.h"

#include "tunnel/handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	REPLAY_MAX_US = 5000000,
	FLIPPED_BITS_MAX = 8,
	JUNK_BYTES_MAX = 1400,
	CONNECTION_ID_END = 5, /* flags and connection id: junk keeps them, to reach a lane */
	ECN_CE = 3,
};

static const char *const fault_names[FAULT_COUNT] = {
    [FAULT_LOSS] = "loss",
    [FAULT_BURST_LOSS] = "burst-loss",
    [FAULT_QUEUE_DROP] = "queue-drop",
    [FAULT_POLICED] = "policed",
    [FAULT_REORDER] = "reorder",
    [FAULT_DUPLICATE] = "duplicate",
    [FAULT_REPLAY] = "replay",
    [FAULT_CORRUPT] = "corrupt",
    [FAULT_TRUNCATE] = "truncate",
    [FAULT_JUNK] = "junk",
    [FAULT_MARK] = "mark",
    [FAULT_CUT] = "cut",
    [FAULT_TOO_LARGE] = "too-large",
    [FAULT_STEAL] = "steal",
    [FAULT_ASTRAY] = "astray",
};

const char *fault_name(enum fault fault)
{
	return fault_names[fault];
}

void link_init(struct link *link, const struct link_config *config, struct events *events,
    struct rng *rng, link_deliver_fn *deliver, void *context)
{
	*link = (struct link){
	    .events = events,
	    .rng = rng,
	    .config = *config,
	    .deliver = deliver,
	    .context = context,
	    .rate_Bps = config->rate_Bps,
	    .police_tokens = (double)config->police_burst_bytes,
	};
}

static struct sim_packet *new_packet(
    uint64_t id, const struct link_way *way, const uint8_t *data, size_t length, uint8_t ecn)
{
	struct sim_packet *packet = malloc(sizeof(*packet));

	/* Its own allocation of the exact length, so that the sanitizer sees each byte read past it. */
	if (packet)
		packet->data = malloc(length ? length : 1);
	if (!packet || !packet->data) {
		perror("packet");
		exit(1);
	}
	packet->id = id;
	packet->is_tampered = false;
	packet->is_copy = false;
	packet->ecn = ecn;
	packet->way = way ? *way : (struct link_way){0};
	packet->length = length;
	memcpy(packet->data, data, length);
	return packet;
}

void sim_packet_free(struct sim_packet *packet)
{
	free(packet->data);
	free(packet);
}

/* True with that probability; counts the fault. */
static bool strikes(struct link *link, double probability, enum fault fault)
{
	if (probability <= 0 || rng_uniform(link->rng) >= probability)
		return false;
	link->faults[fault]++;
	return true;
}

static bool is_cut(const struct link *link, uint64_t now_us)
{
	for (int i = 0; i < LINK_CUTS_MAX; i++)
		if (now_us >= link->config.cuts[i].from_us && now_us < link->config.cuts[i].to_us)
			return true;
	return false;
}

static bool is_too_large(const struct link *link, size_t length)
{
	uint16_t mtu_bytes = 0;

	for (int i = 0; i < LINK_MTUS_MAX; i++)
		if (link->config.mtus[i].bytes
		    && link->events->now_us >= link->config.mtus[i].from_us)
			mtu_bytes = link->config.mtus[i].bytes;
	return mtu_bytes && length > mtu_bytes;
}

static double loss_now(const struct link *link)
{
	double loss = link->config.loss;

	for (int i = 0; i < LINK_LOSSES_MAX; i++)
		if (link->config.losses[i].from_us
		    && link->events->now_us >= link->config.losses[i].from_us)
			loss = link->config.losses[i].loss;
	return loss;
}

static bool burst_strikes(struct link *link)
{
	double change = link->is_in_burst ? link->config.burst_leave : link->config.burst_enter;

	if (change > 0 && rng_uniform(link->rng) < change)
		link->is_in_burst = !link->is_in_burst;
	link->faults[FAULT_BURST_LOSS] += link->is_in_burst;
	return link->is_in_burst;
}

static uint64_t backlog_ns(const struct link *link)
{
	uint64_t now_ns = link->events->now_us * 1000;

	return link->busy_until_ns > now_ns ? link->busy_until_ns - now_ns : 0;
}

uint64_t link_queue_us(const struct link *link)
{
	return backlog_ns(link) / 1000;
}

/* The rate changes; what waits goes with the new one. */
static void take_steps(struct link *link)
{
	while (link->steps_done < LINK_STEPS_MAX && link->config.steps[link->steps_done].at_us
	       && link->events->now_us >= link->config.steps[link->steps_done].at_us) {
		uint64_t rate_Bps = link->config.steps[link->steps_done++].rate_Bps;
		double backlog = (double)backlog_ns(link) * (double)link->rate_Bps;

		link->busy_until_ns =
		    link->events->now_us * 1000 + (uint64_t)(backlog / (double)rate_Bps);
		link->rate_Bps = rate_Bps;
	}
}

/* True when the policer lets it pass. */
static bool pass_policer(struct link *link, size_t length)
{
	const struct link_config *config = &link->config;
	double elapsed_us = (double)(link->events->now_us - link->police_at_us);

	if (config->police_Bps == 0)
		return true;
	link->police_at_us = link->events->now_us;
	link->police_tokens += elapsed_us * (double)config->police_Bps / 1e6;
	if (link->police_tokens > (double)config->police_burst_bytes)
		link->police_tokens = (double)config->police_burst_bytes;
	if (link->police_tokens < (double)length) {
		link->faults[FAULT_POLICED]++;
		return false;
	}
	link->police_tokens -= (double)length;
	return true;
}

/* True when the queue takes it; *leaves_us is when it is on its way. */
static bool pass_queue(struct link *link, size_t length, uint8_t *ecn, uint64_t *leaves_us)
{
	const struct link_config *config = &link->config;
	uint64_t now_us = link->events->now_us;
	uint64_t waits_ns = backlog_ns(link);
	double backlog_bytes;

	*leaves_us = now_us;
	if (link->rate_Bps == 0)
		return true;
	backlog_bytes = (double)waits_ns * (double)link->rate_Bps / 1e9;
	if (backlog_bytes > (double)config->queue_bytes) {
		link->faults[FAULT_QUEUE_DROP]++;
		return false;
	}
	if (config->mark_bytes && backlog_bytes > (double)config->mark_bytes && *ecn) {
		link->faults[FAULT_MARK]++;
		*ecn = ECN_CE;
	}
	link->busy_until_ns =
	    now_us * 1000 + waits_ns + length * UINT64_C(1000000000) / link->rate_Bps;
	*leaves_us = link->busy_until_ns / 1000;
	return true;
}

static void change_bits(struct link *link, struct sim_packet *packet)
{
	uint64_t bits = 1 + rng_below(link->rng, FLIPPED_BITS_MAX);
	uint64_t start = rng_below(link->rng, packet->length * 8);

	/* A run of different bits, so that none is flipped back. */
	for (uint64_t i = 0; i < bits; i++) {
		uint64_t bit = (start + i * 13) % (packet->length * 8);

		packet->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	packet->is_tampered = true;
}

static void tamper(struct link *link, struct sim_packet *packet)
{
	if (strikes(link, link->config.corrupt, FAULT_CORRUPT))
		change_bits(link, packet);
	if (strikes(link, link->config.truncate, FAULT_TRUNCATE)) {
		packet->length = rng_below(link->rng, packet->length);
		packet->data = realloc(packet->data, packet->length ? packet->length : 1);
		packet->is_tampered = true;
	}
}

static void arrive(void *context, void *argument, bool free_it)
{
	struct link *link = context;

	if (free_it)
		sim_packet_free(argument);
	else
		link->deliver(link->context, argument);
}

static void put_on_way(struct link *link, struct sim_packet *packet, uint64_t at_us)
{
	events_add(link->events, at_us, arrive, link, packet);
}

static void send_copy(struct link *link, struct sim_packet *packet, uint64_t at_us)
{
	packet->is_copy = true;
	put_on_way(link, packet, at_us);
}

const struct addr link_thief = {.family = 4, .port = 6666, .ip = {203, 0, 113, 66}};

/* The thief's way is the shorter one. */
static void send_stolen(struct link *link, struct sim_packet *packet, uint64_t original_us)
{
	uint64_t before_us = link->config.delay_us / 2;

	packet->way.from = link_thief;
	send_copy(link, packet, original_us - before_us);
}

static void send_junk(struct link *link, const struct link_way *way, const uint8_t *data,
    size_t length, uint64_t at_us)
{
	uint8_t junk[JUNK_BYTES_MAX];
	size_t junk_length = 1 + rng_below(link->rng, sizeof(junk));
	size_t kept = length < CONNECTION_ID_END ? length : CONNECTION_ID_END;
	struct sim_packet *packet;

	rng_bytes(link->rng, junk, junk_length);
	if (junk_length >= kept)
		memcpy(junk, data, kept);
	packet = new_packet(UINT64_MAX, way, junk, junk_length, 0);
	packet->is_tampered = true;
	put_on_way(link, packet, at_us);
}

void link_send(
    struct link *link, const struct link_way *way, const uint8_t *data, size_t length, uint8_t ecn)
{
	const struct link_config *config = &link->config;
	uint64_t id = link->sent++;
	uint64_t arrives_us;
	struct sim_packet *packet;

	take_steps(link);
	if (is_cut(link, link->events->now_us)) {
		link->faults[FAULT_CUT]++;
		return;
	}
	if (is_too_large(link, length)) {
		link->faults[FAULT_TOO_LARGE]++;
		return;
	}
	if (burst_strikes(link) || strikes(link, loss_now(link), FAULT_LOSS)
	    || !pass_policer(link, length) || !pass_queue(link, length, &ecn, &arrives_us))
		return;
	arrives_us += config->delay_us;
	if (config->jitter_us)
		arrives_us += rng_below(link->rng, config->jitter_us);
	if (config->is_in_order && arrives_us < link->last_arrival_us)
		arrives_us = link->last_arrival_us;
	if (strikes(link, config->reorder, FAULT_REORDER))
		arrives_us += rng_below(link->rng, config->reorder_us);
	else if (arrives_us < link->last_arrival_us)
		link->faults[FAULT_REORDER]++;
	else
		link->last_arrival_us = arrives_us;
	if (strikes(link, config->duplicate, FAULT_DUPLICATE))
		send_copy(link, new_packet(id, way, data, length, ecn),
		    arrives_us + rng_below(link->rng, 1000));
	if (strikes(link, config->replay, FAULT_REPLAY))
		send_copy(link, new_packet(id, way, data, length, ecn),
		    arrives_us + rng_below(link->rng, REPLAY_MAX_US));
	if (strikes(link, config->junk, FAULT_JUNK))
		send_junk(link, way, data, length, arrives_us);
	if (!handshake_is(data, length) && strikes(link, config->steal, FAULT_STEAL))
		send_stolen(link, new_packet(id, way, data, length, ecn), arrives_us);
	packet = new_packet(id, way, data, length, ecn);
	tamper(link, packet);
	put_on_way(link, packet, arrives_us);
}
