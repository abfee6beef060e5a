/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host at one end of a line, see host.h. */
#include "config.h"

#include "tests/sim/host.h"
#include "tunnel/limits.h"

#include <math.h>

enum {
	IP_UDP_BYTES = 28,
	POLL_US = 20,  /* how late a host sees a packet */
	NAP_EVERY = 9, /* awake for so many times as long as it naps */
};

static double exponential(struct rng *rng, double mean)
{
	return -mean * log(1 - rng_uniform(rng));
}

bool host_is_napping(struct host *host)
{
	double mean_us = (double)host->config.nap_us;

	while (mean_us > 0 && host->wake_us <= host->events->now_us) {
		host->is_napping = !host->is_napping;
		host->wake_us += 1
		                 + (uint64_t)exponential(
		                     host->rng, host->is_napping ? mean_us : NAP_EVERY * mean_us);
	}
	return host->is_napping;
}

static void timer_event(void *context, void *argument, bool free_it)
{
	struct host *host = context;

	(void)argument;
	if (free_it || host->timer_us > host->events->now_us)
		return;
	if (host_is_napping(host)) {
		events_add(host->events, host->wake_us, timer_event, host, NULL);
		return;
	}
	host->timer_us = UINT64_MAX;
	if (lane_timer_us(host->lane) <= host->events->now_us)
		lane_on_timer(host->lane, host->events->now_us);
	host_pump(host);
}

static void set_timer(struct host *host)
{
	uint64_t due_us = lane_timer_us(host->lane);

	if (due_us == UINT64_MAX)
		return;
	if (due_us <= host->events->now_us)
		due_us = host->events->now_us + 1;
	if (due_us >= host->timer_us)
		return;
	host->timer_us = due_us;
	events_add(host->events, due_us, timer_event, host, NULL);
}

/* Outages of a mean length, so many that they take their share of the time. */
static bool is_out(struct host *host)
{
	const struct host_config *config = &host->config;
	double mean_us = (double)config->outage_us;

	if (!config->outage_us)
		return false;
	while (host->turn_us <= host->events->now_us) {
		host->is_out = !host->is_out;
		if (!host->is_out)
			mean_us = (double)config->outage_us * (1 - config->outage_share)
			          / config->outage_share;
		else
			mean_us = (double)config->outage_us;
		host->turn_us += 1 + (uint64_t)exponential(host->link_rng, mean_us);
	}
	return host->is_out;
}

static void put_on_line(struct host *host, const struct lane_batch *batch)
{
	for (size_t at = 0; at < batch->length_bytes; at += batch->segment_bytes) {
		size_t length = batch->length_bytes - at;

		if (length > batch->segment_bytes)
			length = batch->segment_bytes;
		host->bytes += length + IP_UDP_BYTES;
		if (!is_out(host))
			link_send(&host->link, NULL, batch->data + at, length, batch->ecn);
	}
}

void host_pump(struct host *host)
{
	static uint8_t buffer[LANE_BATCH_MAX_BYTES];
	struct lane_batch batch = {.data = buffer, .size_bytes = sizeof(buffer)};

	while (lane_send(host->lane, &batch, host->events->now_us) > 0)
		put_on_line(host, &batch);
	set_timer(host);
}

static void receive_event(void *context, void *argument, bool free_it)
{
	struct host *host = context;
	struct sim_packet *packet = argument;

	if (!free_it && host_is_napping(host)) {
		events_add(host->events, host->wake_us, receive_event, host, packet);
		return;
	}
	if (!free_it) {
		uint64_t now_us = host->events->now_us;

		lane_receive(host->lane, packet->data, packet->length,
		    &(struct lane_route){.remote = packet->way.from}, packet->ecn, now_us);
		lane_receive_done(host->lane, now_us);
		host_pump(host);
	}
	sim_packet_free(packet);
}

static void deliver(void *context, struct sim_packet *packet)
{
	struct host *host = context;

	events_add(host->events, host->events->now_us + POLL_US, receive_event, host, packet);
}

void host_init(struct host *host, const struct host_config *config, struct host *peer,
    struct events *events, struct rng *rng, struct rng *link_rng)
{
	*host = (struct host){
	    .events = events,
	    .rng = rng,
	    .link_rng = link_rng,
	    .config = *config,
	    .timer_us = UINT64_MAX,
	    .is_out = true,
	    .turn_us = events->now_us,
	};
	link_init(&host->link, &config->line, events, link_rng, deliver, peer);
}
